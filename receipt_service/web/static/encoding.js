// Bytes: base64url in its one canonical form, UTF-8, SHA-256, HKDF. Only WebCrypto does cryptography.

const UTF8 = new TextEncoder();
const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const VALUES = new Map([...ALPHABET].map((char, value) => [char, value]));

/** Not base64url in its canonical form: padding, other letters, or bits left over. */
export class NotCanonical extends Error {}

/** Object.hasOwn, for telephones older than it. */
export function own(object, name) {
  return Object.prototype.hasOwnProperty.call(object, name);
}

export function utf8(text) {
  return UTF8.encode(text);
}

/** Decode UTF-8; throws a TypeError for anything that is not, and keeps a byte order mark. */
export function fromUtf8(bytes) {
  return STRICT_UTF8.decode(bytes);
}

export function base64url(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const group = (bytes[at] << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const letters = Math.min(4, bytes.length - at + 1);
    for (let letter = 0; letter < letters; letter += 1) text += ALPHABET[(group >> (18 - 6 * letter)) & 63];
  }
  return text;
}

export function fromBase64url(text) {
  if (text.length % 4 === 1) throw new NotCanonical();
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const char of text) {
    const value = VALUES.get(char);
    if (value === undefined) throw new NotCanonical();
    bits = ((bits << 6) | value) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes[at] = (bits >> held) & 255;
      at += 1;
    }
  }
  if (bits & ((1 << held) - 1)) throw new NotCanonical();
  return bytes;
}

export async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** Derive `length` bytes for a purpose: HKDF-SHA256 without a salt (RFC 5869). */
export async function derive(secret, info, length) {
  const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: utf8(info) };
  return new Uint8Array(await crypto.subtle.deriveBits(how, key, 8 * length));
}

/** Read a big-endian unsigned integer. */
export function integer(bytes) {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
