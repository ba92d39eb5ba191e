// The npm peer for ML-DSA-44: @noble/post-quantum, with C2SP's tlog-cosignature written out once more. One job on
// standard input, one answer on standard output: {vkey, note} → {time} of the key's signature, or {time: null} when it
// does not hold; {seed, name, text, time} → {vkey, line} signed by noble.

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";

const TYPE = 6;
const job = JSON.parse(readFileSync(0, "utf8"));

function number(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

function named(text) {
  const bytes = Buffer.from(text, "utf8");
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function message(cosigner, time, text) {
  const [origin, size, root] = text.split("\n");
  return Buffer.concat([
    Buffer.from("subtree/v1\n\0", "latin1"),
    named(cosigner),
    number(time),
    named(origin),
    number(0n),
    number(BigInt(size)),
    Buffer.from(root, "base64"),
  ]);
}

function keyId(name, publicKey) {
  return createHash("sha256").update(`${name}\n`).update(Buffer.from([TYPE])).update(publicKey).digest().subarray(0, 4);
}

function verify({ vkey, note }) {
  const [name, id, encoded] = vkey.split(/\+(?=[0-9a-f]{8}\+)|(?<=\+[0-9a-f]{8})\+/);
  const key = Buffer.from(encoded, "base64");
  const end = note.lastIndexOf("\n\n");
  const text = note.slice(0, end + 1);
  for (const line of note.slice(end + 2).split("\n")) {
    const [dash, signer, value] = line.split(" ");
    if (dash !== "\u2014" || signer !== name) continue;
    const raw = Buffer.from(value, "base64");
    if (raw.subarray(0, 4).toString("hex") !== id || key[0] !== TYPE) continue;
    const time = raw.readBigUInt64BE(4);
    if (ml_dsa44.verify(raw.subarray(12), message(name, time, text), key.subarray(1))) return { time: Number(time) };
  }
  return { time: null };
}

function sign({ seed, name, text, time }) {
  const { publicKey, secretKey } = ml_dsa44.keygen(Buffer.from(seed, "hex"));
  const id = keyId(name, publicKey);
  const value = Buffer.concat([id, number(BigInt(time)), ml_dsa44.sign(message(name, BigInt(time), text), secretKey)]);
  const typed = Buffer.concat([Buffer.from([TYPE]), publicKey]);
  return {
    vkey: `${name}+${id.toString("hex")}+${typed.toString("base64")}`,
    line: `\u2014 ${name} ${value.toString("base64")}\n`,
  };
}

process.stdout.write(JSON.stringify(job.seed ? sign(job) : verify(job)));
