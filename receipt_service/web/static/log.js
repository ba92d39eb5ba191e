// A receipt held against its issuer's transparency log, step for step as receipt_service/verify/log_check.py does,
// with what WebCrypto has: SHA-256 and Ed25519. Browsers have no ML-DSA-44; where the answer hangs on such a
// signature, it is "not checked", never a yes or a no. Runs in the page, and in Node for the tests.

import { base64url, integer, sha256, utf8 } from "./encoding.js";
import {
  COSIGNATURE_ED25519,
  ED25519,
  ML_DSA_44,
  NotLogText,
  must,
  noteText,
  parseCheckpoint,
  parseNote,
  parseProof,
  quorumReached,
  sameBytes,
} from "./log_text.js";

const DAY = 86400;
const MERGE_DELAY = 86400;
const CLOCK_SKEW = 300;
const LARGEST_TIME = 2n ** 63n - 1n;
const TIME_BYTES = 8;
const PRIME = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
/** The y coordinates of the points of small order: under such a key one signature fits many messages. */
const SMALL_ORDER = [
  0n,
  1n,
  PRIME - 1n,
  2707385501144840649318225287225658788936804267575313519463743609750303402022n,
  55188659117513257062467267217118295137698188065244968500265048394206261417927n,
];

/** The browser's WebCrypto has no Ed25519. */
class Unable extends Error {}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The leaf hash of an attestation (RFC 6962 §2.1). */
export function leafHash(leaf) {
  return sha256(joined([0], utf8(leaf)));
}

export function hexadecimal(bytes) {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Until when a leaf of that day (its `iat`, in seconds) must be in the log. */
export function dueFor(issuedOn) {
  return issuedOn + DAY + MERGE_DELAY;
}

async function ed25519Holds(publicKey, signature, message) {
  const number = (bytes) => integer([...bytes].reverse());
  const y = (bytes) => number(bytes) & (2n ** 255n - 1n);
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
  if (number(s) >= ORDER || y(publicKey) >= PRIME || y(r) >= PRIME || SMALL_ORDER.includes(y(publicKey))) return false;
  let key;
  try {
    key = await crypto.subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]);
  } catch (error) {
    if (error?.name === "DataError") return false; // no point of the curve
    throw new Unable();
  }
  return crypto.subtle.verify({ name: "Ed25519" }, key, signature, message);
}

/** The known keys' signatures on a note, each with its key. */
function* knownSignatures(note, keys) {
  const nameOf = ({ name, keyId }) => `${name} ${keyId}`;
  const byName = new Map(keys.map((key) => [nameOf(key), key]));
  must(byName.size === keys.length); // else a signature could be either's
  for (const signature of note.signatures) {
    const key = byName.get(nameOf(signature));
    if (key !== undefined) yield [key, signature];
  }
}

/** Check one signature: `{checked, time}`; `checked` is false for a type that browsers cannot check. */
async function checkSignature(checkpoint, key, signature, latest) {
  let time = 0n;
  let bare = signature.value;
  if (key.type !== ED25519) {
    time = integer(bare.subarray(0, TIME_BYTES));
    bare = bare.subarray(TIME_BYTES);
  }
  must(bare.length === (key.type === ML_DSA_44 ? 2420 : 64) && time <= LARGEST_TIME && time <= BigInt(latest));
  if (key.type === ML_DSA_44) return { checked: false, time: null };
  const said = key.type === COSIGNATURE_ED25519 ? `cosignature/v1\ntime ${time}\n` : "";
  must(await ed25519Holds(key.publicKey, bare, utf8(said + checkpoint.text)));
  return { checked: true, time: time === 0n ? null : Number(time) };
}

/**
 * Check a signed checkpoint: `{checkpoint, logChecked, cosigned: Map(name → time), unchecked: [name]}`.
 * Throws NotLogText for one that is no known log's, or on which a known key's signature does not hold.
 */
async function checkCheckpoint(text, policy, now) {
  const latest = Math.floor(now + CLOCK_SKEW);
  const note = parseNote(text);
  const checkpoint = await parseCheckpoint(note.text);
  const logs = policy.logs.filter((key) => key.name === checkpoint.origin);
  const found = { checkpoint, logChecked: false, cosigned: new Map(), unchecked: [] };
  let signed = false;
  for (const [key, signature] of knownSignatures(note, logs)) {
    signed = true;
    if ((await checkSignature(checkpoint, key, signature, latest)).checked) found.logChecked = true;
  }
  must(signed);
  const names = new Map(policy.witnesses.map(({ name, key }) => [key, name]));
  for (const [key, signature] of knownSignatures(note, [...names.keys()])) {
    const { checked, time } = await checkSignature(checkpoint, key, signature, latest);
    const name = names.get(key);
    if (!checked) {
      found.unchecked.push(name);
      continue;
    }
    const times = [found.cosigned.get(name) ?? null, time].filter((each) => each !== null);
    found.cosigned.set(name, times.length === 0 ? null : Math.min(...times));
  }
  return found;
}

/** Check that the nodes lead from the leaf hash to the root (RFC 9162 §2.1.3.2). */
async function checkInclusion(leaf, { index, hashes }, { size, root }) {
  must(index < size);
  let [node, place, last] = [leaf, index, size - 1n];
  for (const sibling of hashes) {
    must(last > 0n);
    if (place & 1n || place === last) {
      node = await sha256(joined([1], sibling, node));
      while (place && !(place & 1n)) [place, last] = [place >> 1n, last >> 1n];
    } else {
      node = await sha256(joined([1], node, sibling));
    }
    [place, last] = [place >> 1n, last >> 1n];
  }
  must(last === 0n && sameBytes(node, root));
}

/** A standing in the log: the part `log` of a verdict, without the times that only the command line can check. */
export function standing(state, known = {}) {
  const nothing = { why: null, origin: null, index: null, size: null, witnesses: [] };
  return { state, ...nothing, notBefore: null, notAfter: null, due: null, ...known };
}

export function notChecked(why) {
  return standing("not_checked", { why });
}

async function guarded(work, otherwise) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Unable) return notChecked("browser_unable");
    if (error instanceof NotLogText) return otherwise;
    throw error;
  }
}

/**
 * Say what a proof file shows of a leaf; `now` is in seconds. Never throws for what the file holds.
 *
 * `head` is the tree that the receipt names, `{size, root}`, or undefined.
 */
export function judgeProof(leaf, proof, policy, now, head) {
  return guarded(async () => {
    const given = parseProof(proof);
    const found = await checkCheckpoint(given.checkpoint, policy, now);
    await checkInclusion(await leafHash(leaf), given, found.checkpoint);
    const witnesses = [...found.cosigned.keys()].sort();
    const enough = quorumReached(policy, witnesses);
    const perhaps = quorumReached(policy, [...witnesses, ...found.unchecked]);
    if (!found.logChecked || (perhaps && !enough)) return notChecked("browser_unable");
    const { origin, size } = found.checkpoint;
    const notAfter = earliest(found.cosigned);
    const notBefore = await toldNotBefore(head, given.extra, origin, policy, now);
    const since = notBefore !== null && notAfter !== null && notBefore.at > notAfter.at + CLOCK_SKEW ? null : notBefore;
    const known = { origin, index: given.index, size, witnesses, notBefore: since, notAfter };
    return standing(enough ? "logged" : "logged_not_witnessed", known);
  }, standing("proof_not_valid"));
}

/** Say when a witness first saw the tree that a receipt names, by a checkpoint that nobody vouches for; or null. */
async function toldNotBefore(head, note, origin, policy, now) {
  if (head === undefined || note.length === 0) return null;
  try {
    const { checkpoint, logChecked, cosigned } = await checkCheckpoint(noteText(note), policy, now);
    const same = checkpoint.origin === origin && checkpoint.size === BigInt(head.size);
    if (!same || base64url(checkpoint.root) !== head.root) return null;
    return logChecked && quorumReached(policy, [...cosigned.keys()]) ? earliest(cosigned) : null;
  } catch (error) {
    if (error instanceof NotLogText) return null;
    throw error;
  }
}

function earliest(cosigned) {
  const timed = [...cosigned].filter(([, time]) => time !== null);
  if (timed.length === 0) return null;
  const [name, at] = timed.reduce((first, next) => (next[1] < first[1] || (next[1] === first[1] && next[0] < first[0]) ? next : first));
  return { at, by: "witness", name };
}

/** Say what it means that the log, which signs this checkpoint now, has no entry for a leaf of that day. */
export function judgeAbsence(issuedOn, checkpoint, policy, now) {
  return guarded(async () => {
    const found = await checkCheckpoint(noteText(checkpoint), policy, now);
    if (!found.logChecked) return notChecked("browser_unable");
    const due = dueFor(issuedOn);
    const { origin, size } = found.checkpoint;
    return standing(now <= due ? "not_yet_logged" : "never_logged", { origin, size, due });
  }, notChecked("log_unreachable"));
}

/** Add to a verdict that passed how the receipt stands in the log (receipt_service/verify/log_check.py). */
export function withStanding(verdict, found) {
  const against = { proof_not_valid: "log_proof_not_valid", never_logged: "never_logged" }[found.state];
  if (against === undefined) return { ...verdict, log: found };
  return { ...verdict, status: "failed", reason: against, claims: {}, disclosures: {}, log: found };
}
