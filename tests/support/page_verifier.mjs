// Runs the page's own verifier under Node: reads a job on standard input, writes its verdicts.
// {modules, trust, now, receipts: [text], links: [{fragment, stub, erased}]} → {receipts: [...], links: [...]}

import { pathToFileURL } from "node:url";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const job = JSON.parse(Buffer.concat(chunks).toString("utf8"));
const load = (name) => import(pathToFileURL(`${job.modules}/${name}`).href);
const { readKeys, verify } = await load("verifier.js");
const { NotALink, complete, parseFragment, verifyLink } = await load("link.js");

const trust = await readKeys(job.trust);
const brief = ({ status, reason, view, shown }) => ({ status, reason, view, shown });

async function follow({ fragment, stub, erased }) {
  try {
    const link = parseFragment(fragment);
    const receipt = link.person === undefined ? null : await complete(link, stub);
    return { ...brief(await verifyLink(link, stub, trust, job.now, erased ?? [])), receipt };
  } catch (error) {
    if (error instanceof NotALink) return { status: "failed", reason: "link_malformed" };
    throw error;
  }
}

const receipts = [];
for (const text of job.receipts) receipts.push(brief(await verify(text, trust, job.now)));
const links = [];
for (const link of job.links) links.push(await follow(link));
console.log(JSON.stringify({ receipts, links }));
