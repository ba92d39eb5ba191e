// The verification page: takes the link out of the address, asks for the stub, the keys and the
// texts, verifies here, asks for the log's proof, and shows the result. Keeps nothing; every text goes in by textContent.

import { Erased, Unreachable, get } from "./asking.js";
import { GROUPS } from "./claims.js";
import { base64url, fromUtf8, sha256, utf8 } from "./encoding.js";
import { NotALink, parseFragment, parseNumber, refusal, verifyLink } from "./link.js";
import { withStanding } from "./log.js";
import { logWords, lookUp } from "./log_section.js";
import { Words, grouped, rowsOf } from "./sheet.js";
import { successionOf, successionTexts } from "./succession.js";
import { readKeys, verify } from "./verifier.js";

const FILE_NAME = "receipt.sd-jwt";
const PROOF_NAME = "receipt.tlog-proof";
const PROOF_SUFFIX = ".tlog-proof";
const LARGEST_FILE = 65536;
const LARGEST_PROOF = 2097152;
const REASON_TEXTS = {
  signature_invalid: "altered",
  disclosure_not_referenced: "altered",
  base64url_not_canonical: "altered",
  json_not_strict: "altered",
  key_outside_period: "period",
  issued_in_future: "period",
  receipt_number_mismatch: "mismatch",
  stub_mismatch: "mismatch",
  salt_mismatch: "mismatch",
};

const find = (id) => document.getElementById(id);
const state = { language: "fr", texts: {}, verdict: null, proof: null, catalogue: null, working: false };
const blank = { verdict: null, proof: null, catalogue: null };

async function readTrust() {
  const bytes = await get("/.well-known/jwt-vc-issuer");
  return readKeys(JSON.parse(fromUtf8(bytes)));
}

/** The stub of a number: its SD-JWT text and what became of it, null when the service does not know it. */
async function readStub(number) {
  const bytes = await get(`/v1/stubs/${number}`);
  if (bytes === null) return null;
  const answer = JSON.parse(fromUtf8(bytes));
  if (typeof answer.stub !== "string") throw new Unreachable();
  return { text: answer.stub, succession: successionOf(answer) };
}

/** The catalogue that the receipt names, if the service gives those very bytes; null otherwise. */
async function readCatalogue({ version, sha256: digest }) {
  try {
    const bytes = await get(`/v1/catalogue?version=${encodeURIComponent(version)}`);
    if (bytes === null || base64url(await sha256(bytes)) !== digest) return null;
    return JSON.parse(fromUtf8(bytes));
  } catch {
    return null;
  }
}

/** Do the work of verifying, then hold what passed against the log: against the proof that the person gave, if any. */
async function judge(work, givenProof) {
  if (globalThis.crypto?.subtle === undefined) {
    Object.assign(state, blank, { verdict: refusal("browser_unable", "indeterminate") });
    show();
    return;
  }
  Object.assign(state, blank, { working: true });
  show();
  try {
    Object.assign(state, await completed(await work(), givenProof));
  } catch {
    Object.assign(state, blank, { verdict: refusal("stub_unreachable", "indeterminate") });
  }
  state.working = false;
  show();
  find("verdict").focus();
}

async function completed(verdict, givenProof) {
  if (verdict.status !== "passed") return { verdict };
  const named = verdict.claims.legal_basis?.catalogue;
  const [catalogue, { found, proof }] = await Promise.all([
    named === undefined ? null : readCatalogue(named),
    lookUp(verdict, givenProof, now()),
  ]);
  return { verdict: withStanding(verdict, found), proof, catalogue };
}

function now() {
  return Date.now() / 1000;
}

async function judgeLink(link) {
  const [stub, trust] = await Promise.allSettled([readStub(link.number), readTrust()]);
  if (stub.reason instanceof Erased) return refusal("stub_erased", "indeterminate");
  if (stub.status === "rejected") return refusal("stub_unreachable", "indeterminate");
  if (stub.value === null) return refusal("stub_not_found", "indeterminate");
  if (trust.status === "rejected") return refusal("keys_unreachable", "indeterminate");
  const { text, succession } = stub.value;
  return { ...(await verifyLink(link, text, trust.value, now(), succession.erased)), succession };
}

async function judgeFile(file) {
  if (file.size > LARGEST_FILE) return refusal("too_large");
  const compact = (await file.text()).trim();
  try {
    return await verify(compact, await readTrust(), now());
  } catch {
    return refusal("keys_unreachable", "indeterminate");
  }
}

/** Take the link out of the address bar and out of the history; the page alone knows it from then on. */
function takeFragment() {
  const fragment = location.hash.slice(1);
  if (fragment !== "") history.replaceState(null, "", location.pathname);
  return fragment;
}

function judgeFragment(fragment) {
  if (fragment === "") return;
  try {
    const link = parseFragment(fragment);
    judge(() => judgeLink(link));
  } catch (error) {
    if (!(error instanceof NotALink)) throw error;
    Object.assign(state, blank, { verdict: refusal("link_malformed", "indeterminate") });
    show();
  }
}

// ---- showing

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

function words() {
  return new Words(state.language, state.texts[state.language], state.catalogue);
}

function show() {
  const say = words();
  document.documentElement.lang = state.language;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = say.say(node.dataset.text);
  document.title = say.say("page.title");
  for (const button of find("languages").children) {
    button.setAttribute("aria-pressed", String(button.lang === state.language));
  }
  showVerdict(say);
  showSuccession(say);
  showLog(say);
  showReceipt(say);
}

function showVerdict(say) {
  const { verdict, working } = state;
  const box = find("verdict");
  box.dataset.status = working ? "working" : (verdict?.status ?? "none");
  box.dataset.reason = verdict?.reason ?? "";
  const [title, body] = verdictTexts(say, verdict, working);
  find("verdict-title").textContent = title;
  find("verdict-text").textContent = body;
  find("other").open = verdict === null || verdict.status !== "passed";
}

function showLog(say) {
  const found = state.verdict?.log;
  find("log").hidden = found === undefined;
  find("save-proof").hidden = state.proof === null;
  if (found === undefined) return;
  const { text, rows } = logWords(found, say, state.verdict.claims.when_where?.zone);
  find("log").dataset.state = found.state;
  find("log").dataset.why = found.why ?? "";
  find("log-text").textContent = text;
  const row = ([key, term, said]) => {
    const made = element("div", undefined, { "data-fact": key });
    made.append(element("dt", term), element("dd", said));
    return made;
  };
  find("log-facts").replaceChildren(...rows.map(row));
  find("log-trust").hidden = found.state === "not_checked";
}

/** Say beside an authentic receipt that it no longer stands, and lead to the one that took its place. */
function showSuccession(say) {
  const { verdict, working } = state;
  const succession = !working && verdict?.status === "passed" ? verdict.succession : undefined;
  const said = succession === undefined ? [] : successionTexts(succession, say);
  const box = find("succession");
  box.hidden = said.length === 0;
  box.replaceChildren(...said.flatMap(([title, text]) => [element("h2", title), element("p", text)]));
  if (succession?.newer === undefined || said.length === 0) return;
  const label = say.say("page.succession_replaced_by", { number: grouped(succession.newer) });
  const button = element("button", label, { type: "button" });
  button.addEventListener("click", () => judge(() => judgeLink({ number: succession.newer })));
  box.append(button);
}

function verdictTexts(say, verdict, working) {
  if (working) return [say.say("page.working"), ""];
  if (verdict === null) return [say.say("page.none"), say.say("page.none_how")];
  // What the log speaks against is signed all the same: "not authentic" would be false.
  const spoken = verdict.status === "failed" && verdict.log !== undefined ? "failed_log" : verdict.status;
  const title = say.say(`verdict.${spoken}`);
  if (verdict.status === "passed") {
    const view = ["receipt", "stub"].includes(verdict.view) ? verdict.view : "partial";
    return [title, say.say(`verdict.passed_${view}`)];
  }
  const key = REASON_TEXTS[verdict.reason] ?? verdict.reason;
  return [title, say.say(say.has(`reason.${key}`) ? `reason.${key}` : "reason.other")];
}

function showReceipt(say) {
  const { verdict } = state;
  const passed = verdict?.status === "passed";
  find("receipt").hidden = !passed;
  find("keep").hidden = !passed;
  find("technical").hidden = verdict === null;
  if (verdict !== null) showTechnical(say, verdict);
  if (!passed) return;
  const family = say.entry("bases", verdict.claims.legal_basis?.bases[0].code)?.family;
  find("receipt-title").textContent = say.title(family ?? "identity_check");
  find("texts-missing").hidden = state.catalogue !== null || verdict.claims.legal_basis === undefined;
  find("groups").replaceChildren(...GROUPS.map((group, at) => groupSection(group, at + 1, say, verdict.claims)));
  showChoices(say, verdict);
}

function groupSection(group, at, say, claims) {
  const section = element("section", undefined, { "aria-labelledby": `group-${group}`, "data-group": group });
  section.append(element("h3", `${at}. ${say.say(`group.${group}`)}`, { id: `group-${group}` }));
  if (claims[group] === undefined) {
    section.append(element("p", say.say(group === "person" ? "page.hidden_person" : "page.hidden")));
    return section;
  }
  const list = element("dl");
  for (const { key, term, items } of rowsOf(group, claims, say)) {
    const row = element("div", undefined, { "data-row": key });
    row.append(element("dt", term), ...items.map((item) => (key === "remedies" ? withLinks(item) : element("dd", item))));
    list.append(row);
  }
  section.append(list);
  return section;
}

/** The catalogue's own addresses become links; nothing that an officer wrote does. */
function withLinks(text) {
  const item = element("dd");
  for (const piece of text.split(/(https:\/\/[^\s;,()]+)/)) {
    item.append(piece.startsWith("https://") ? element("a", piece, { href: piece, rel: "noreferrer" }) : piece);
  }
  return item;
}

function showTechnical(say, verdict) {
  const rows = [
    ["page.reason", verdict.reason ?? verdict.status],
    ["page.issuer", verdict.issuer],
    ["page.key", verdict.kid],
    ["page.catalogue", verdict.claims.legal_basis?.catalogue.version],
  ].filter(([, value]) => value !== undefined);
  const list = find("technical-list");
  list.replaceChildren(...rows.flatMap(([key, value]) => [element("dt", say.say(key)), element("dd", value)]));
  if (verdict.leaf === undefined) return;
  sha256(utf8(verdict.leaf)).then((digest) => {
    if (state.verdict === verdict && list.lastChild?.dataset?.leaf === undefined) {
      list.append(element("dt", say.say("page.leaf")), element("dd", base64url(digest), { "data-leaf": "" }));
    }
  });
}

function showChoices(say, verdict) {
  const chosen = new Set([...find("choices").querySelectorAll("input:not(:checked)")].map((input) => input.value));
  const fresh = find("choices").dataset.leaf !== verdict.leaf;
  find("choices").dataset.leaf = verdict.leaf;
  const boxes = verdict.shown.map((group) => {
    const label = element("label");
    const input = element("input", undefined, { type: "checkbox", value: group });
    input.checked = fresh || !chosen.has(group);
    label.append(input, ` ${say.say(`group.${group}`)}`);
    return label;
  });
  find("choices").replaceChildren(...boxes);
}

// ---- what the person can do

function save() {
  const { verdict } = state;
  const chosen = [...find("choices").querySelectorAll("input:checked")].map((input) => verdict.disclosures[input.value]);
  keep(`${[verdict.leaf, ...chosen].join("~")}~`, "application/dc+sd-jwt", FILE_NAME);
}

function saveProof() {
  keep(state.proof, "application/octet-stream", PROOF_NAME);
}

function keep(content, type, name) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = element("a", undefined, { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function submitNumber(event) {
  event.preventDefault();
  const input = find("number");
  const number = parseNumber(input.value);
  input.setAttribute("aria-invalid", String(number === null));
  find("number-wrong").hidden = number !== null;
  if (number === null) {
    input.focus();
    return;
  }
  input.value = grouped(number);
  judge(() => judgeLink({ number }));
}

/** Open a receipt file, and the log's proof if it was chosen with it. */
async function openFiles(event) {
  const files = [...event.target.files];
  const proof = files.find((file) => file.name.endsWith(PROOF_SUFFIX));
  const receipt = files.find((file) => file !== proof) ?? proof;
  if (receipt === undefined) return;
  const given = proof === undefined ? undefined : await readGiven(proof);
  event.target.value = "";
  judge(() => judgeFile(receipt), given);
}

/** The bytes of a proof that the person chose; none of a file that is too large to be one. */
async function readGiven(file) {
  return new Uint8Array(file.size > LARGEST_PROOF ? 0 : await file.arrayBuffer());
}

async function start() {
  const fragment = takeFragment(); // before anything that waits
  const available = document.documentElement.dataset.languages.split(" ");
  const preferred = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase());
  state.language = preferred.find((language) => available.includes(language)) ?? available[0];
  const files = available.map((language) => get(`/r/texts/${language}.json`));
  for (const [at, bytes] of (await Promise.all(files)).entries()) {
    state.texts[available[at]] = JSON.parse(fromUtf8(bytes));
  }
  for (const language of available) {
    const button = element("button", state.texts[language]["language.name"], { type: "button", lang: language });
    button.addEventListener("click", () => {
      state.language = language;
      show();
    });
    find("languages").append(button);
  }
  find("save").addEventListener("click", save);
  find("save-proof").addEventListener("click", saveProof);
  find("print").addEventListener("click", () => print());
  find("by-number").addEventListener("submit", submitNumber);
  find("file").addEventListener("change", openFiles);
  addEventListener("hashchange", () => judgeFragment(takeFragment()));
  find("starting").hidden = true;
  find("main").hidden = false;
  show();
  judgeFragment(fragment);
}

start();
