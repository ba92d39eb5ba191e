// The receipt as words, row for row what receipt_service/delivery/rendering/sheet.py writes in the
// mail and the PDF. Gives plain texts: whoever shows them uses textContent.

import { own } from "./encoding.js";

const MOMENTS = new Set(["operation_started_at", "hold_started_at", "hold_ended_at"]);
const CODED = {
  offence_class: "offence_classes",
  risk_type: "risk_types",
  zone_type: "zone_types",
  objective_element: "objective_elements",
};

/** The words of one language: `texts` is its file, `catalogue` a parsed catalogue or null. */
export class Words {
  constructor(language, texts, catalogue) {
    this.language = language;
    this.texts = texts;
    this.kinds = catalogue;
  }

  /** The text of a key, with `{name}` and `{name:02}` filled. */
  say(key, values = {}) {
    return this.texts[key].replace(/\{(\w+)(:02)?\}/g, (_, name, padded) =>
      padded ? String(values[name]).padStart(2, "0") : String(values[name]),
    );
  }

  has(key) {
    return own(this.texts, key);
  }

  entry(kind, code) {
    const entries = this.kinds?.[kind];
    return Array.isArray(entries) ? entries.find((entry) => entry.code === code) : undefined;
  }

  inLanguage(texts) {
    return texts?.[this.language] ?? texts?.fr;
  }

  /** Spell a code; without the catalogue, show the code. */
  of(kind, code) {
    return this.inLanguage(this.entry(kind, code)?.label) ?? code;
  }

  /** The catalogue has the reasons of a check, not those of a correction. */
  whyNotEstablished(code) {
    const key = `not_established.${code}`;
    return this.has(key) ? this.say(key) : this.of("not_established", code);
  }

  /** Why a receipt was replaced or cancelled; a code that these texts do not know yet stays a code. */
  correction(code) {
    return this.has(`correction.${code}`) ? this.say(`correction.${code}`) : code;
  }

  allOf(kind, codes) {
    return codes.length === 0 ? [this.say("word.none")] : codes.map((code) => this.of(kind, code));
  }

  explained(kind, code) {
    const entry = this.entry(kind, code);
    if (entry === undefined) return code;
    let said = this.inLanguage(entry.text ?? entry.label);
    if (entry.article) said = `${stopless(said)} (${entry.article}).`;
    return entry.confidence === "unconfirmed" ? `${stopless(said)}. ${this.say("word.reserved")}.` : said;
  }

  remedy(code) {
    const entry = this.entry("remedies", code);
    if (entry === undefined) return code;
    const parts = [this.inLanguage(entry.label)];
    if (entry.text) parts.push(this.inLanguage(entry.text));
    if (entry.contact) parts.push(Object.values(entry.contact).join(this.say("word.list")));
    return parts.map(stopless).join(". ") + (entry.contact ? "" : ".");
  }

  title(family) {
    return this.say(this.has(`title.${family}`) ? `title.${family}` : "title.other");
  }

  day(year, month, day) {
    const number = day === 1 ? this.say("date.first") : day;
    return this.say("date.day", { day: number, month: this.texts["date.months"][month - 1], year });
  }

  /** Write an ISO 8601 moment as the clock of its own offset showed it. */
  moment(iso, zone, short = false) {
    const [date, time] = [iso.slice(0, 10), iso.slice(11)];
    const [year, month, day] = date.split("-").map(Number);
    const weekday = (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7;
    const said = this.say(short ? "date.moment_short" : "date.moment", {
      date: this.day(year, month, day),
      weekday: this.texts["date.weekdays"][weekday],
      hour: Number(time.slice(0, 2)),
      minute: Number(time.slice(3, 5)),
    });
    return zone === undefined ? said : `${said} (${this.clock(time.slice(8), zone)})`;
  }

  clock(offset, zone) {
    const [hours, minutes] = [Number(offset.slice(1, 3)), offset.slice(4, 6)];
    const utc = this.say("zone.utc", { offset: `${offset[0]}${hours}${minutes === "00" ? "" : `:${minutes}`}` });
    return this.has(`zone.${zone}`) ? `${this.say(`zone.${zone}`)}, ${utc}` : utc;
  }

  partialDay(text) {
    const [year, month, day] = text.split("-").map(Number);
    const name = this.texts["date.months"][month - 1];
    if (name === undefined) return text;
    return day === undefined ? `${name} ${year}` : this.day(year, month, day);
  }
}

function stopless(text) {
  return text.replace(/\.+$/, "");
}

export function grouped(number) {
  return number.match(/.{1,5}/g).join("-");
}

/** The rows of one group: `{key, term, items}`; `claims` holds the groups that are shown. */
export function rowsOf(group, claims, words) {
  const row = (key, ...items) => ({ key, term: words.say(`term.${key}`), items });
  return [...ROWS[group](claims[group], words, row, claims.when_where?.zone)];
}

const ROWS = {
  *legal_basis(legal, words, row, zone) {
    yield row("bases", ...legal.bases.flatMap((basis) => [...basisItems(basis, words, zone)]));
    if (legal.reasons.length > 0) yield row("reasons", ...words.allOf("reasons", legal.reasons));
    if (legal.reason_text !== undefined) yield row("reason_text", legal.reason_text);
    yield row("selection", words.of("selection_modes", legal.selection));
  },
  *consequences(said, words, row) {
    yield row("measures", ...words.allOf("measures", said.measures));
    yield row("outcomes", ...words.allOf("outcomes", said.outcomes));
    if (said.possible.length > 0) {
      yield row("possible", ...said.possible.map((code) => words.explained("consequences", code)));
    }
    if (said.remedies.length > 0) yield row("remedies", ...said.remedies.map((code) => words.remedy(code)));
  },
  *person(person, words, row) {
    if (person.identity !== "established") {
      yield row("not_established", words.whyNotEstablished(person.reason));
      return;
    }
    yield row("family_name", person.family_name);
    yield row("given_names", person.given_names);
    yield row("birth_date", words.partialDay(person.birth_date));
    yield row("birth_place", person.birth_place);
    yield row("established_by", words.of("established_by", person.established_by));
  },
  *when_where(where, words, row) {
    for (const key of ["checked_at", "ended_at"]) {
      if (where[key] !== undefined) yield row(key, words.moment(where[key], where.zone));
    }
    yield row("place", where.place);
    yield row("commune", `${where.commune_name} (${where.department})`);
    yield row("recorded_at", words.moment(where.recorded_at, where.zone));
    if (where.recorded_by_device_at !== undefined) {
      yield row("recorded_by_device_at", words.moment(where.recorded_by_device_at, where.zone));
    }
    if (where.replaces !== undefined) {
      yield row("replaces", grouped(where.replaces.receipt_number));
      yield row("replaces_why", words.correction(where.replaces.reason));
    }
    yield row("receipt_number", grouped(where.receipt_number));
  },
  *officer(officer, words, row) {
    const label = words.entry("forces", officer.service.force)?.number_label;
    yield row("number", label === undefined ? officer.number : `${label} ${officer.number}`);
    yield row("rank", words.of("ranks", officer.rank));
    yield row("quality", words.of("qualities", officer.quality));
    const { name, code, force } = officer.service;
    yield row("service", `${name} (${code}), ${words.of("forces", force)}`);
    if (officer.ordered_by !== undefined) yield row("ordered_by", officer.ordered_by);
  },
};

function* basisItems(basis, words, zone) {
  const colon = words.say("word.colon");
  yield `${basis.article}${colon}${words.of("bases", basis.code)}`;
  for (const [name, value] of Object.entries(basis)) {
    if (name === "requisition") yield* requisitionItems(value, words, zone);
    else if (name !== "code" && name !== "article") {
      yield `${words.say(`fact.${name}`)}${colon}${fact(name, value, words, zone)}`;
    }
  }
}

function fact(name, value, words, zone) {
  if (typeof value === "boolean") return words.say(value ? "word.yes" : "word.no");
  if (MOMENTS.has(name)) return words.moment(value, zone);
  if (own(CODED, name)) return words.of(CODED[name], value);
  return name === "parent_receipt_number" ? grouped(value) : value;
}

function* requisitionItems(requisition, words, zone) {
  const offences = requisition.offences.map((named) => words.of("offence_groups", named));
  const colon = words.say("word.colon");
  yield words.say("fact.requisition", {
    reference: requisition.reference,
    court: requisition.court,
    signed_at: words.moment(requisition.signed_at, undefined, true),
    starts_at: words.moment(requisition.starts_at, undefined, true),
    ends_at: words.moment(requisition.ends_at, zone, true),
  });
  yield `${words.say("fact.requisition_offences")}${colon}${offences.join(words.say("word.list"))}`;
  yield `${words.say("fact.requisition_places")}${colon}${requisition.places}`;
  if (requisition.renewed) yield words.say("fact.requisition_renewed");
}
