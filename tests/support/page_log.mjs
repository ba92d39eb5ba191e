// Runs the page's own judge of the log under Node: reads a job on standard input, writes how each receipt stands.
// {modules, unable, proofs: [{leaf, proof, policy, now, head}], absences: [{issuedOn, checkpoint, policy, now}],
//  policies: [text]}, where proof, checkpoint, policy and text are base64.

import { pathToFileURL } from "node:url";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const job = JSON.parse(Buffer.concat(chunks).toString("utf8"));
const load = (name) => import(pathToFileURL(`${job.modules}/${name}`).href);
const { judgeAbsence, judgeProof, leafHash, hexadecimal } = await load("log.js");
const { NotLogText, parsePolicy } = await load("log_text.js");

if (job.unable) {
  // A browser from before Ed25519.
  crypto.subtle.importKey = () => Promise.reject(new DOMException("no such algorithm", "NotSupportedError"));
}
const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));

async function policyOf(text) {
  try {
    return await parsePolicy(bytes(text));
  } catch (error) {
    if (error instanceof NotLogText) return null;
    throw error;
  }
}

const proofs = [];
for (const { leaf, proof, policy, now, head } of job.proofs) {
  const found = await judgeProof(leaf, bytes(proof), await policyOf(policy), now, head ?? undefined);
  proofs.push({ ...found, hash: hexadecimal(await leafHash(leaf)) });
}
const absences = [];
for (const { issuedOn, checkpoint, policy, now } of job.absences) {
  absences.push(await judgeAbsence(issuedOn, bytes(checkpoint), await policyOf(policy), now));
}
const policies = [];
for (const text of job.policies) {
  const read = await policyOf(text);
  const named = read?.witnesses.map(({ name }) => name);
  policies.push(read && { logs: read.logs.length, witnesses: named, groups: read.groups, quorum: read.quorum });
}
const plain = (_, value) => (typeof value === "bigint" ? Number(value) : value);
console.log(JSON.stringify({ proofs, absences, policies }, plain));
