// The strict verifier, step for step and reason for reason that of receipt_service/verify/verifier.py.
// Runs wherever WebCrypto is: in the page, and in Node for the tests. Trusts the keys it is given.

import { GROUPS, validClaims } from "./claims.js";
import { NotCanonical, base64url, fromBase64url, fromUtf8, integer, sha256, utf8 } from "./encoding.js";
import { NotStrict, parseStrict } from "./strict_json.js";

const VCT = "urn:fr:recepisse:controle-identite:1";
const LARGEST = 65536;
const DAY = 86400;
const LAST_DAY = 253402214400;
const SHORTEST_SALT = 22;
const CLOCK_SKEW = 300;
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const DIGEST = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/** Ends a verification: a stable reason code of docs/verdicts.md. */
class Refused extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

function require(condition, reason) {
  if (!condition) throw new Refused(reason);
}

/**
 * Verify a leaf, a stub, a receipt or one with groups hidden, in SD-JWT form.
 *
 * `trust` is `{issuer, keys}`, keys by kid as `readKeys` gives them; `now` is in seconds.
 * Gives `{status, reason, view, issuer, kid, issuedOn, claims, leaf, disclosures}`; `claims` is empty
 * unless the status is "passed". Never throws for what the text holds.
 */
export async function verify(compact, trust, now) {
  const verdict = { status: "failed", reason: null, view: null, shown: [], claims: {}, disclosures: {} };
  try {
    await steps(compact, trust, now, verdict);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    verdict.reason = error.reason;
  }
  return verdict;
}

async function steps(compact, trust, now, verdict) {
  const parts = takeApart(compact); // (1)
  const kid = checkHeader(parts.header); // (2)
  const digests = checkPayload(parts.payload); // (3)
  Object.assign(verdict, { issuer: parts.payload.iss, kid });
  require(parts.payload.vct === VCT, "vct_unexpected"); // (4)
  const found = await checkDisclosures(parts.disclosures, digests); // (5)
  for (const [group, disclosure] of found) require(validClaims(group, disclosure.value), "claims_not_valid"); // (6)
  verdict.shown = GROUPS.filter((group) => found.has(group));
  verdict.view = viewOf(verdict.shown);
  checkSignatureForm(parts.signature); // (8)
  const key = trust.issuer === parts.payload.iss ? trust.keys.get(kid) : undefined; // (9)
  if (key === undefined) {
    verdict.status = "indeterminate";
    verdict.reason = trust.issuer === parts.payload.iss && trust.keys.size > 0 ? "key_unknown" : "issuer_unknown";
    return;
  }
  const how = { name: "ECDSA", hash: "SHA-256" };
  const holds = await crypto.subtle.verify(how, key.publicKey, parts.signature, utf8(parts.signingInput)); // (10)
  require(holds, "signature_invalid");
  const day = parts.payload.iat;
  require(day <= now + CLOCK_SKEW, "issued_in_future"); // (11)
  require(dayOf(key.notBefore ?? day) <= day && day <= dayOf(key.notAfter ?? day), "key_outside_period");
  verdict.status = "passed";
  verdict.issuedOn = day;
  verdict.leaf = parts.leaf;
  for (const group of verdict.shown) {
    verdict.claims[group] = found.get(group).value;
    verdict.disclosures[group] = found.get(group).encoded;
  }
}

function dayOf(seconds) {
  return Math.floor(seconds / DAY) * DAY;
}

function takeApart(compact) {
  require(compact.length <= LARGEST, "too_large");
  // eslint-disable-next-line no-control-regex
  require(/^[\u0000-\u007f]*$/.test(compact), "not_sd_jwt");
  const [leaf, ...rest] = compact.split("~");
  const jws = leaf.split(".");
  require(jws.length === 3, "not_sd_jwt");
  require(rest.length > 0, "final_tilde_missing");
  const after = rest.pop();
  const parts = {
    leaf,
    header: readObject(jws[0]),
    payload: readObject(jws[1]),
    signingInput: `${jws[0]}.${jws[1]}`,
    signature: decode(jws[2]),
    disclosures: rest.map(readDisclosure),
  };
  require(new Set(rest).size === rest.length, "disclosure_twice");
  require(after === "", after.split(".").length === 3 ? "key_binding_present" : "final_tilde_missing");
  return parts;
}

function decode(text) {
  try {
    return fromBase64url(text);
  } catch (error) {
    if (error instanceof NotCanonical) throw new Refused("base64url_not_canonical");
    throw error;
  }
}

function readJson(text) {
  const bytes = decode(text);
  try {
    return parseStrict(fromUtf8(bytes));
  } catch (error) {
    if (error instanceof NotStrict || error instanceof TypeError) throw new Refused("json_not_strict");
    throw error;
  }
}

function readObject(text) {
  const value = readJson(text);
  require(value !== null && typeof value === "object" && Object.getPrototypeOf(value) === null, "json_not_strict");
  return value;
}

function readDisclosure(encoded) {
  const parts = readJson(encoded);
  const texts = Array.isArray(parts) && typeof parts[0] === "string";
  if (texts && parts.length === 3 && typeof parts[1] === "string") {
    const [salt, name, value] = parts;
    require(name !== "_sd" && name !== "...", "claim_name_reserved");
    return { encoded, salt, name, value };
  }
  require(texts && parts.length === 2, "disclosure_malformed");
  return { encoded, salt: parts[0], name: null, value: parts[1] };
}

function checkHeader(header) {
  require(header.alg === "ES256", "alg_not_allowed");
  require(header.typ === "dc+sd-jwt", "typ_unexpected");
  const { kid } = header;
  require(sameNames(header, ["alg", "kid", "typ"]) && typeof kid === "string" && kid !== "", "header_unexpected");
  return kid;
}

function checkPayload(payload) {
  require(sameNames(payload, ["_sd", "_sd_alg", "iat", "iss", "vct"]), "payload_unexpected");
  const texts = typeof payload.iss === "string" && typeof payload.vct === "string" && payload.iss !== "";
  require(texts, "payload_unexpected");
  require(payload._sd_alg === "sha-256", "sd_alg_not_allowed");
  const day = payload.iat;
  require(Number.isInteger(day) && day % DAY === 0 && day >= 0 && day <= LAST_DAY, "issued_at_not_a_day");
  const digests = payload._sd;
  require(Array.isArray(digests) && digests.length === GROUPS.length, "digests_unexpected");
  require(digests.every((digest) => typeof digest === "string" && DIGEST.test(digest)), "digests_unexpected");
  require(new Set(digests).size === digests.length, "digest_twice");
  require(digests.every((digest, at) => at === 0 || digests[at - 1] < digest), "digests_unexpected");
  return new Set(digests);
}

function sameNames(object, names) {
  const found = Object.keys(object).sort();
  return found.length === names.length && found.every((name, at) => name === names[at]);
}

async function checkDisclosures(disclosures, digests) {
  const found = new Map();
  for (const disclosure of disclosures) {
    const digest = base64url(await sha256(utf8(disclosure.encoded)));
    require(digests.has(digest), "disclosure_not_referenced");
    require(disclosure.name !== null, "disclosure_malformed");
    require(GROUPS.includes(disclosure.name), "group_unknown");
    require(!found.has(disclosure.name), "claim_name_twice");
    require([...disclosure.salt].length >= SHORTEST_SALT, "salt_too_short");
    found.set(disclosure.name, disclosure);
  }
  require(new Set(disclosures.map((each) => each.salt)).size === disclosures.length, "salt_twice");
  return found;
}

function checkSignatureForm(signature) {
  require(signature.length === 64, "signature_malformed");
  const r = integer(signature.subarray(0, 32));
  const s = integer(signature.subarray(32));
  require(r > 0n && r < ORDER && s > 0n && s < ORDER, "signature_malformed");
  require(s <= ORDER / 2n, "signature_high_s");
}

function viewOf(shown) {
  if (shown.length === 0) return "leaf";
  if (shown.length === GROUPS.length) return "receipt";
  return shown.length === GROUPS.length - 1 && !shown.includes("person") ? "stub" : "partial";
}

/**
 * Read an issuer's metadata (SD-JWT VC, /.well-known/jwt-vc-issuer) as `{issuer, keys}`.
 * Throws an Error when it isn't one: a key set that is half understood is not trusted at all.
 */
export async function readKeys(metadata) {
  if (typeof metadata?.issuer !== "string" || !Array.isArray(metadata.jwks?.keys)) throw new Error("not issuer metadata");
  const keys = new Map();
  for (const jwk of metadata.jwks.keys) {
    const right = jwk.kty === "EC" && jwk.crv === "P-256" && (jwk.alg ?? "ES256") === "ES256" && !("d" in jwk);
    const named = typeof jwk.kid === "string" && jwk.kid !== "" && !keys.has(jwk.kid);
    const timed = [jwk.nbf ?? 0, jwk.exp ?? 0].every(Number.isInteger);
    if (!right || !named || !timed || (jwk.use ?? "sig") !== "sig") throw new Error("not a key for receipts");
    const { kty, crv, x, y } = jwk;
    const publicKey = await crypto.subtle.importKey("jwk", { kty, crv, x, y }, { name: "ECDSA", namedCurve: crv }, false, [
      "verify",
    ]);
    keys.set(jwk.kid, { publicKey, notBefore: jwk.nbf, notAfter: jwk.exp });
  }
  return { issuer: metadata.issuer, keys };
}
