// The npm peer: @sd-jwt/core and @sd-jwt/sd-jwt-vc with jose's ES256. One job on standard input, one answer on
// standard output: {verify: [text…], issue: {claims, header, disclose}, key: JWK} → {verified: […], issued: text}.

import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

import { SDJwtInstance } from "@sd-jwt/core";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";
import { FlattenedSign, compactVerify, importJWK } from "jose";

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const job = JSON.parse(readFileSync(0, "utf8"));
const { d, ...publicJwk } = job.key;
const publicKey = await importJWK({ ...publicJwk, alg: "ES256" });

// Only our own verifier asks for the smaller s; jose signs with either.
function lowS(signature) {
  const raw = Buffer.from(signature, "base64url");
  const s = BigInt(`0x${raw.subarray(32).toString("hex")}`);
  const low = s > ORDER / 2n ? ORDER - s : s;
  return Buffer.concat([raw.subarray(0, 32), Buffer.from(low.toString(16).padStart(64, "0"), "hex")]).toString("base64url");
}

async function sign(data) {
  const [header, payload] = data.split(".");
  const key = await importJWK({ ...job.key, alg: "ES256" });
  const signed = await new FlattenedSign(Buffer.from(payload, "base64url"))
    .setProtectedHeader(JSON.parse(Buffer.from(header, "base64url")))
    .sign(key);
  if (`${signed.protected}.${signed.payload}` !== data) throw new Error("jose wrote the header in another way");
  return lowS(signed.signature);
}

const config = {
  signer: sign,
  signAlg: "ES256",
  verifier: async (data, signature) => {
    await compactVerify(`${data}.${signature}`, publicKey, { algorithms: ["ES256"] });
    return true;
  },
  hasher: (data) => createHash("sha256").update(data).digest(),
  hashAlg: "sha-256",
  saltGenerator: () => randomBytes(16).toString("base64url"),
};

async function verify(text) {
  const answer = {};
  for (const [name, Instance] of [["core", SDJwtInstance], ["vc", SDJwtVcInstance]]) {
    try {
      const { payload } = await new Instance(config).verify(text);
      answer[name] = { accepted: true, payload };
    } catch (error) {
      answer[name] = { accepted: false, error: String(error.message) };
    }
  }
  return answer;
}

const verified = [];
for (const text of job.verify ?? []) verified.push(await verify(text));
const issued = job.issue
  ? await new SDJwtVcInstance(config).issue(job.issue.claims, { _sd: job.issue.disclose }, { header: job.issue.header })
  : null;
process.stdout.write(JSON.stringify({ verified, issued }));
