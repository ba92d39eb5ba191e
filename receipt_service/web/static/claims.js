// The shape of the five groups: the same as receipt_service/verify/claims.py and
// schemas/receipt-claims.v1.schema.json. A shape is a function that says whether a value has it.

import { own } from "./encoding.js";

const MOST_ITEMS = 256;
const CODE = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
/* eslint-disable no-control-regex */
const LINE = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]{1,300}$/u;
const NAME_OR_NONE = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]{0,300}$/u;
const TEXT = /^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f]{1,2000}$/u;
/* eslint-enable no-control-regex */
const MOMENT =
  /^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][+-](?:0[0-9]|1[0-4]):[0-5][0-9]$/;
const BIRTH_DATE = /^[0-9]{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?)?$/;
const ZONE = /^[A-Za-z_]+(?:\/[A-Za-z0-9_+-]+)*$/;
const COMMUNE = /^[0-9](?:[0-9]|[AB])[0-9]{3}$/;
const DEPARTMENT = /^(?:[0-9]{2}|2[AB]|9[78][0-9])$/;
const DIGEST = /^[A-Za-z0-9_-]{43}$/;
export const RECEIPT_NUMBER = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

const text = (pattern) => (value) => typeof value === "string" && pattern.test(value);
const flag = (value) => typeof value === "boolean";
const count = (value) => Number.isSafeInteger(value) && value > 0;
const exactly = (wanted) => (value) => value === wanted;

const list =
  (item, { least = 0, distinct = false } = {}) =>
  (value) =>
    Array.isArray(value) &&
    value.length >= least &&
    value.length <= MOST_ITEMS &&
    value.every(item) &&
    (!distinct || new Set(value).size === value.length);

const members =
  (required, optional = {}) =>
  (value) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) return false;
    const known = { ...required, ...optional };
    return (
      Object.keys(required).every((name) => name in value) &&
      Object.keys(value).every((name) => own(known, name) && known[name](value[name]))
    );
  };

const code = text(CODE);
const line = text(LINE);
const prose = text(TEXT);
const moment = text(MOMENT);
const codes = list(code, { distinct: true });

const requisition = members({
  reference: line,
  court: line,
  signed_at: moment,
  offences: list(line, { least: 1 }),
  communes: list(text(COMMUNE), { least: 1 }),
  places: prose,
  starts_at: moment,
  ends_at: moment,
  renewed: flag,
});

const basis = members(
  { code, article: line },
  {
    offence_class: code,
    offence: prose,
    measure_breached: prose,
    circumstances: prose,
    risk_type: code,
    zone_type: code,
    site: prose,
    operation_reference: line,
    operation_started_at: moment,
    requisition,
    premises_professional: flag,
    shown_to: line,
    objective_element: code,
    parent_receipt_number: text(RECEIPT_NUMBER),
    consent: flag,
    prosecutor_instruction: flag,
    hold_started_at: moment,
    hold_ended_at: moment,
    event: prose,
    owner_present: flag,
  },
);

const established = members({
  identity: exactly("established"),
  family_name: line,
  given_names: text(NAME_OR_NONE), // some people have one name
  birth_date: text(BIRTH_DATE),
  birth_place: line,
  established_by: code,
});
const notEstablished = members({ identity: exactly("not_established"), reason: code });

const SHAPES = {
  legal_basis: members(
    {
      catalogue: members({ version: code, sha256: text(DIGEST) }),
      bases: list(basis, { least: 1 }),
      reasons: codes,
      selection: code,
    },
    { reason_text: prose },
  ),
  consequences: members({ measures: codes, outcomes: codes, possible: codes, remedies: codes }),
  person: (value) => established(value) || notEstablished(value),
  when_where: members(
    {
      receipt_number: text(RECEIPT_NUMBER),
      checked_at: moment,
      zone: text(ZONE),
      place: prose,
      commune: text(COMMUNE),
      commune_name: line,
      department: text(DEPARTMENT),
      recorded_at: moment,
    },
    {
      ended_at: moment,
      recorded_by_device_at: moment,
      late: exactly(true),
      replaces: members({ receipt_number: text(RECEIPT_NUMBER), reason: code, recorded_at: moment }),
      log: members({ size: count, root: text(DIGEST) }),
    },
  ),
  officer: members(
    { number: line, rank: code, quality: code, service: members({ code: line, name: line, force: code }) },
    { ordered_by: line },
  ),
};

/** The groups in the order in which a receipt carries them. */
export const GROUPS = Object.freeze(Object.keys(SHAPES));

/** Say whether a group's value has the shape that the claims schema asks for. */
export function validClaims(group, value) {
  return SHAPES[group](value);
}
