// JSON that every reader understands alike. JSON.parse keeps the last of two members with one name;
// another reader keeps the first: two people would then see two receipts under one signature.

import { own } from "./encoding.js";

/** Not JSON, or not JSON that every reader understands alike. */
export class NotStrict extends Error {}

/** A number with a fraction or an exponent: kept apart, since 1.0 is not the integer 1 for every reader. */
export class Fraction {
  constructor(value) {
    this.value = value;
  }
}

const DEEPEST = 500;
const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
// eslint-disable-next-line no-control-regex
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const LONE_SURROGATE = /\p{Surrogate}/u; // the flag takes a pair as one character

/** Parse a JSON text; objects come without a prototype. Throws NotStrict. */
export function parseStrict(text) {
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.skip();
  if (reader.at !== text.length) throw new NotStrict();
  return value;
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  match(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) throw new NotStrict();
    this.at = pattern.lastIndex;
    return found;
  }

  skip() {
    this.match(SPACE);
  }

  take(char) {
    this.skip();
    if (this.text[this.at] !== char) return false;
    this.at += 1;
    return true;
  }

  expect(text) {
    if (!this.text.startsWith(text, this.at)) throw new NotStrict();
    this.at += text.length;
  }

  value(depth) {
    if (depth > DEEPEST) throw new NotStrict();
    this.skip();
    switch (this.text[this.at]) {
      case "{":
        return this.object(depth);
      case "[":
        return this.array(depth);
      case '"':
        return this.string();
      case "t":
        this.expect("true");
        return true;
      case "f":
        this.expect("false");
        return false;
      case "n":
        this.expect("null");
        return null;
      default:
        return this.number();
    }
  }

  object(depth) {
    const members = Object.create(null);
    this.expect("{");
    if (this.take("}")) return members;
    do {
      this.skip();
      const name = this.string();
      if (name in members) throw new NotStrict();
      if (!this.take(":")) throw new NotStrict();
      members[name] = this.value(depth + 1);
    } while (this.take(","));
    if (!this.take("}")) throw new NotStrict();
    return members;
  }

  array(depth) {
    const elements = [];
    this.expect("[");
    if (this.take("]")) return elements;
    do {
      elements.push(this.value(depth + 1));
    } while (this.take(","));
    if (!this.take("]")) throw new NotStrict();
    return elements;
  }

  string() {
    this.expect('"');
    let text = "";
    for (;;) {
      text += this.match(PLAIN)[0];
      const char = this.text[this.at];
      this.at += 1;
      if (char === '"') break;
      if (char !== "\\") throw new NotStrict();
      text += this.escape();
    }
    if (LONE_SURROGATE.test(text)) throw new NotStrict();
    return text;
  }

  escape() {
    const char = this.text[this.at];
    this.at += 1;
    if (char !== "u") {
      if (!own(ESCAPES, char ?? "")) throw new NotStrict();
      return ESCAPES[char];
    }
    const digits = this.text.slice(this.at, this.at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new NotStrict();
    this.at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  number() {
    const [digits, fraction, exponent] = this.match(NUMBER);
    const value = Number(digits);
    if (!Number.isFinite(value)) throw new NotStrict();
    if (fraction !== undefined || exponent !== undefined) return new Fraction(value);
    if (!Number.isSafeInteger(value)) throw new NotStrict();
    return value;
  }
}
