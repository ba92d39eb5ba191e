// The texts of the transparency log (C2SP signed-note, tlog-checkpoint, tlog-proof, tlog-policy), each read in one
// form only, as receipt_service/tlog reads them. Nothing that is read here is believed yet: see log.js.

import { NotCanonical, fromBase64url, fromUtf8, sha256, utf8 } from "./encoding.js";

/** Not one of the log's texts in the one form accepted. */
export class NotLogText extends Error {}

export const ED25519 = 0x01;
export const COSIGNATURE_ED25519 = 0x04;
export const ML_DSA_44 = 0x06;

const LARGEST_NUMBER = 2n ** 63n - 1n;
const LARGEST_NOTE = 1 << 20;
const LARGEST_PROOF = LARGEST_NOTE + (1 << 16);
const MOST_SIGNATURES = 64;
const MOST_HASHES = 63;
const HASH_BYTES = 32;
const KEY_ID_BYTES = 4;
const HEADER = "c2sp.org/tlog-proof@v1";
const EM_DASH = "\u2014 ";
const NUMBER = /^(?:0|[1-9][0-9]{0,18})$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/* eslint-disable no-control-regex */
const CONTROL = /[\u0000-\u001f]/;
const CONTROL_IN_NOTE = /[\u0000-\u0009\u000b-\u001f]/;
const NOT_IN_A_NAME = /[+\u0000-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const NOT_IN_A_POLICY = /[\u0000-\u0008\u000b-\u001f\u007f]/;
const NOT_ASCII = /[^\u0000-\u007f]/;
/* eslint-enable no-control-regex */
const LOG_TYPES = [ED25519, ML_DSA_44];
const WITNESS_TYPES = [COSIGNATURE_ED25519, ML_DSA_44];
const NOBODY = "none";

export function must(condition) {
  if (!condition) throw new NotLogText();
}

function readText(bytes, largest) {
  must(bytes.length <= largest);
  try {
    return fromUtf8(bytes);
  } catch {
    throw new NotLogText();
  }
}

function readNumber(digits) {
  must(NUMBER.test(digits));
  const number = BigInt(digits);
  must(number <= LARGEST_NUMBER);
  return number;
}

/** Read the canonical form of standard base64 only. */
function fromBase64(text) {
  must(BASE64.test(text));
  try {
    return fromBase64url(text.replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_"));
  } catch (error) {
    if (error instanceof NotCanonical) throw new NotLogText();
    throw error;
  }
}

function readHash(text) {
  const hash = fromBase64(text);
  must(hash.length === HASH_BYTES);
  return hash;
}

export function sameBytes(first, second) {
  return first.length === second.length && first.every((byte, at) => byte === second[at]);
}

function partition(text, mark) {
  const at = text.indexOf(mark);
  must(at >= 0);
  return [text.slice(0, at), text.slice(at + mark.length)];
}

/** Read a signed note: `{text, signatures: [{name, keyId, value}]}`. */
export function parseNote(note) {
  must(utf8(note).length <= LARGEST_NOTE);
  const at = note.lastIndexOf("\n\n");
  must(at >= 0);
  const text = note.slice(0, at + 1);
  must(!CONTROL_IN_NOTE.test(text));
  const lines = note.slice(at + 2).split("\n");
  must(lines.pop() === "" && lines.length > 0 && lines.length <= MOST_SIGNATURES);
  return { text, signatures: lines.map(readSignature) };
}

function readSignature(line) {
  must(line.startsWith(EM_DASH));
  const [name, encoded] = partition(line.slice(EM_DASH.length), " ");
  must(name !== "" && !NOT_IN_A_NAME.test(name));
  const bytes = fromBase64(encoded);
  must(bytes.length > KEY_ID_BYTES);
  return { name, keyId: bytes.subarray(0, KEY_ID_BYTES), value: bytes.subarray(KEY_ID_BYTES) };
}

/** Read a checkpoint out of a note's text: `{origin, size, root, text}`; the size is a BigInt. */
export async function parseCheckpoint(text) {
  const lines = text.split("\n");
  must(lines.length > 3 && lines.pop() === "");
  const [origin, size, root, ...extensions] = lines;
  for (const line of [origin, ...extensions]) must(line !== "" && !CONTROL.test(line));
  const read = { origin, size: readNumber(size), root: readHash(root), text };
  must(read.size > 0n || sameBytes(read.root, await sha256(new Uint8Array(0))));
  return read;
}

/**
 * Read a proof file: `{index, hashes, checkpoint, extra}`; the index is a BigInt, the checkpoint a signed note's text,
 * and the extra data bytes that nobody vouches for.
 */
export function parseProof(bytes) {
  const [head, checkpoint] = partition(readText(bytes, LARGEST_PROOF), "\n\n");
  must(!NOT_ASCII.test(head) && checkpoint.endsWith("\n"));
  const lines = head.split("\n");
  must(lines.shift() === HEADER);
  let extra = new Uint8Array(0);
  if (lines[0]?.startsWith("extra ")) {
    extra = fromBase64(lines.shift().slice(6));
    must(extra.length > 0);
  }
  must(lines[0]?.startsWith("index "));
  const index = readNumber(lines.shift().slice(6));
  must(lines.length <= MOST_HASHES);
  return { index, hashes: lines.map(readHash), checkpoint, extra };
}

/** Read a signed checkpoint as it is served. */
export function noteText(bytes) {
  return readText(bytes, LARGEST_NOTE);
}

async function readKey(vkey, types) {
  const [name, rest] = partition(vkey, "+");
  const [digits, encoded] = partition(rest, "+");
  const typed = fromBase64(encoded);
  const type = typed[0];
  must(name !== "" && !NOT_IN_A_NAME.test(name) && types.includes(type));
  must(typed.length === 1 + (type === ML_DSA_44 ? 1312 : 32));
  const before = utf8(`${name}\n`);
  const whole = new Uint8Array(before.length + typed.length);
  whole.set(before);
  whole.set(typed, before.length);
  const keyId = (await sha256(whole)).subarray(0, KEY_ID_BYTES);
  must(digits === [...keyId].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
  return { name, type, keyId, publicKey: typed.subarray(1) };
}

/** Read a policy: `{logs: [key], witnesses: [{name, key}], groups: [{name, threshold, members}], quorum}`. */
export async function parsePolicy(bytes) {
  const text = readText(bytes, LARGEST_NOTE);
  must(!NOT_IN_A_POLICY.test(text));
  const policy = { logs: [], witnesses: [], groups: [], quorum: null };
  const names = new Set([NOBODY]);
  const members = new Set();
  for (const line of text.split("\n")) {
    const words = line.replace(/^[ \t]+|[ \t]+$/g, "").split(/[ \t]+/);
    if (words[0] !== "" && !words[0].startsWith("#")) await readLine(words, policy, names, members);
  }
  must(policy.quorum !== null);
  return policy;
}

async function readLine([keyword, ...words], policy, names, members) {
  const define = (name) => {
    must(!names.has(name));
    names.add(name);
  };
  const once = (keys, key) => must(!keys.some((other) => sameBytes(other.publicKey, key.publicKey)));
  if (keyword === "log" && (words.length === 1 || words.length === 2)) {
    const key = await readKey(words[0], LOG_TYPES);
    once(policy.logs, key);
    policy.logs.push(key);
  } else if (keyword === "witness" && (words.length === 2 || words.length === 3)) {
    const key = await readKey(words[1], WITNESS_TYPES);
    once(policy.witnesses.map((each) => each.key), key);
    define(words[0]);
    policy.witnesses.push({ name: words[0], key });
  } else if (keyword === "group" && words.length >= 3) {
    const [name, given, ...listed] = words;
    for (const member of listed) {
      must(names.has(member) && member !== NOBODY && !members.has(member));
      members.add(member);
    }
    const threshold = { any: 1n, all: BigInt(listed.length) }[given] ?? readNumber(given);
    must(threshold >= 1n && threshold <= BigInt(listed.length));
    define(name);
    policy.groups.push({ name, threshold: Number(threshold), members: listed });
  } else {
    must(keyword === "quorum" && words.length === 1 && policy.quorum === null && names.has(words[0]));
    policy.quorum = words[0];
  }
}

/** Say whether these witnesses, by the policy's names, are enough. */
export function quorumReached(policy, cosigned) {
  const witnessed = new Set(cosigned);
  for (const { name, threshold, members } of policy.groups) {
    if (members.filter((member) => witnessed.has(member)).length >= threshold) witnessed.add(name);
  }
  return policy.quorum === NOBODY || witnessed.has(policy.quorum);
}
