// The short link: NUMBER.SEED.PERSON in the fragment (receipt_service/domain/link.py). The fifth
// disclosure is written again from it, character for character as it was signed.

import { GROUPS, RECEIPT_NUMBER } from "./claims.js";
import { base64url, derive, fromBase64url, fromUtf8, own, utf8 } from "./encoding.js";
import { verify } from "./verifier.js";

const SEED_BYTES = 16;
const SALT_BYTES = 16;
const PROOFS = {
  CI: "identity_card",
  PA: "passport",
  TS: "residence_permit",
  PC: "driving_licence",
  FI: "france_identite",
  AU: "other_document",
  TE: "witness",
  DE: "statement",
};
const REASONS = { R: "refused", I: "impossible", N: "not_asked", C: "not_carried_over" };

/** The fragment is not a link's. */
export class NotALink extends Error {}

/** Read a fragment, without the `#`: `{number, seed, person}`, or `{number}` alone for a link without a person. */
export function parseFragment(fragment) {
  const parts = fragment.split(".");
  if ((parts.length !== 3 && parts.length !== 1) || !RECEIPT_NUMBER.test(parts[0])) throw new NotALink();
  if (parts.length === 1) return { number: parts[0] };
  let seed;
  let lines;
  try {
    seed = fromBase64url(parts[1]);
    lines = fromUtf8(fromBase64url(parts[2])).split("\n");
  } catch {
    throw new NotALink();
  }
  if (seed.length !== SEED_BYTES) throw new NotALink();
  return { number: parts[0], seed, person: readPerson(lines) };
}

function readPerson(lines) {
  const [kind, ...rest] = lines;
  if (kind === "E" && rest.length === 5 && own(PROOFS, rest[4])) {
    const [family_name, given_names, birth_date, birth_place, proof] = rest;
    const established_by = PROOFS[proof];
    return { identity: "established", family_name, given_names, birth_date, birth_place, established_by };
  }
  if (kind === "N" && rest.length === 1 && own(REASONS, rest[0])) {
    return { identity: "not_established", reason: REASONS[rest[0]] };
  }
  throw new NotALink();
}

/** Read a number as people type it: any case, spaces and hyphens, and I, L, O for 1, 1, 0. Null when it is none. */
export function parseNumber(text) {
  const plain = text.toUpperCase().replace(/[\s-]/g, "").replace(/[IL]/g, "1").replace(/O/g, "0");
  return RECEIPT_NUMBER.test(plain) ? plain : null;
}

function saltOf(seed, group) {
  return derive(seed, `receipt-service/salt/v1/${group}`, SALT_BYTES);
}

/** Put the person's disclosure back into a stub's four; gives the receipt in SD-JWT form. */
export async function complete(link, stub) {
  const salt = base64url(await saltOf(link.seed, "person"));
  const person = base64url(utf8(JSON.stringify([salt, "person", link.person])));
  const [leaf, ...disclosures] = stub.split("~");
  disclosures.splice(Math.min(GROUPS.indexOf("person"), disclosures.length - 1), 0, person);
  return [leaf, ...disclosures].join("~");
}

/** Verify the receipt that a link and its stub make together (receipt_service/verify/links.py). */
export async function verifyLink(link, stub, trust, now, erased = []) {
  const left = GROUPS.filter((group) => !erased.includes(group));
  if (stub.split("~").length !== left.length + 1 || !stub.endsWith("~")) return refusal("stub_mismatch");
  const compact = link.person === undefined ? stub : await complete(link, stub);
  const verdict = await verify(compact, trust, now);
  if (verdict.status !== "passed") return verdict;
  const wanted = left.filter((group) => group !== "person" || link.person !== undefined);
  if (verdict.shown.length !== wanted.length || !wanted.every((group) => verdict.shown.includes(group))) {
    return refusal("stub_mismatch");
  }
  const { when_where: where } = verdict.claims;
  if (where !== undefined && where.receipt_number !== link.number) return refusal("receipt_number_mismatch");
  if (link.seed !== undefined) {
    for (const group of left) {
      const [salt] = JSON.parse(fromUtf8(fromBase64url(verdict.disclosures[group])));
      if (salt !== base64url(await saltOf(link.seed, group))) return refusal("salt_mismatch");
    }
  }
  return verdict;
}

export function refusal(reason, status = "failed") {
  return { status, reason, view: null, shown: [], claims: {}, disclosures: {} };
}
