// The log on the page: asks this host for its policy and the proof, and writes what log.js finds in words.
// The policy comes from the same host as the page: the words say so, and that the command line asks nobody.

import { Unreachable, get } from "./asking.js";
import { hexadecimal, judgeAbsence, judgeProof, leafHash, notChecked } from "./log.js";
import { NotLogText, parsePolicy } from "./log_text.js";

const PATIENCE = 8000; // milliseconds: a log that hangs must not keep anybody from their verdict
const PROVEN = ["logged", "logged_not_witnessed"];

/**
 * Find how a receipt whose verdict passed stands in this host's log: `{found, proof}`.
 *
 * `given` is a proof file's bytes that the person chose, or undefined; `proof` is the one that shows it, or null.
 */
export async function lookUp(verdict, given, now) {
  try {
    const [policy, proof] = await Promise.all([readPolicy(), given ?? readProof(verdict)]);
    if (policy === null) return { found: notChecked("no_policy"), proof: null };
    const answer = await judged(verdict, proof, policy, now);
    if (given === undefined || answer.found.state !== "logged_not_witnessed") return answer;
    const newer = await judged(verdict, await readProof(verdict).catch(() => null), policy, now).catch(() => answer);
    return newer.found.state === "logged" ? newer : answer;
  } catch (error) {
    if (error instanceof Unreachable || error instanceof NotLogText) {
      return { found: notChecked("log_unreachable"), proof: null };
    }
    throw error;
  }
}

async function judged(verdict, proof, policy, now) {
  if (proof !== null) {
    const found = await judgeProof(verdict.leaf, proof, policy, now, verdict.claims.when_where?.log);
    return { found, proof: PROVEN.includes(found.state) ? proof : null };
  }
  const checkpoint = await get("/log/checkpoint", PATIENCE);
  if (checkpoint === null) throw new Unreachable();
  return { found: await judgeAbsence(verdict.issuedOn, checkpoint, policy, now), proof: null };
}

async function readPolicy() {
  const bytes = await get("/log/policy", PATIENCE);
  if (bytes === null) return null;
  const policy = await parsePolicy(bytes);
  return policy.logs.length === 0 ? null : policy;
}

async function readProof({ leaf }) {
  return get(`/v1/log/proofs/${hexadecimal(await leafHash(leaf))}`, PATIENCE);
}

/** What stands under the heading "log": `{text, rows: [[key, term, text]]}`; times are those of the zone's clock. */
export function logWords(found, say, zone) {
  const due = found.due === null ? "" : say.moment(...onClock(found.due, zone));
  const text = say.say(`log.${textKey(found)}`, { due });
  if (!PROVEN.includes(found.state)) return { text, rows: [] };
  const entry = say.say("log.entry_of", { number: String(found.index + 1n), size: String(found.size) });
  const rows = [
    ["entry", entry],
    ["witnesses", found.witnesses.length === 0 ? say.say("word.none") : found.witnesses.join(say.say("word.list"))],
    ["not_before", found.notBefore === null ? say.say("log.not_before_unknown") : witnessed(found.notBefore, say, zone)],
    ["not_after", found.notAfter === null ? say.say("log.not_after_unknown") : witnessed(found.notAfter, say, zone)],
  ];
  return { text, rows: rows.map(([key, said]) => [key, say.say(`log.${key}`), said]) };
}

function textKey({ state, why, witnesses }) {
  if (state === "not_checked") return why;
  return state === "logged" && witnesses.length === 0 ? "logged_alone" : state;
}

function witnessed({ at, name }, say, zone) {
  return say.say("log.by_witness", { at: say.moment(...onClock(at, zone)), name });
}

/** A moment in seconds as the clock of a zone shows it: ISO 8601 with the offset, and the zone. */
function onClock(seconds, zone) {
  const iso = (shifted) => new Date(shifted * 1000).toISOString().slice(0, 19);
  const utc = [`${iso(seconds)}+00:00`, "UTC"];
  if (zone === undefined) return utc;
  const fields = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" };
  try {
    const clock = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", ...fields });
    const part = Object.fromEntries(clock.formatToParts(seconds * 1000).map(({ type, value }) => [type, Number(value)]));
    const shown = Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) / 1000;
    const offset = shown - seconds;
    const [hours, minutes] = [Math.floor(Math.abs(offset) / 3600), Math.floor((Math.abs(offset) % 3600) / 60)];
    const padded = [hours, minutes].map((value) => String(value).padStart(2, "0")).join(":");
    return [`${iso(shown)}${offset < 0 ? "-" : "+"}${padded}`, zone];
  } catch {
    return utc; // a zone that this browser does not know
  }
}
