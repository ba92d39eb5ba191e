"""Receipts that must not pass: every way to bend one, each from a good one and a key that may sign.

Most are signed with the trusted key, as if the issuer itself had written them: a verifier must refuse
them for what they are, not because the signature happens to break.
"""

import json
from collections.abc import Mapping
from typing import Any

from receipt_service.crypto.keys import ORDER
from receipt_service.domain.canonical import base64url, from_base64url, to_json
from receipt_service.domain.groups import Group
from receipt_service.domain.receipt import Receipt
from receipt_service.verify.verdict import Reason
from tests.support.forged_claims import bent_claims
from tests.support.forging import (
    DAY,
    Bogus,
    altered,
    bent,
    header_of,
    is_low,
    join,
    receipt_day,
    reissued,
    sign,
    swapped,
    turned,
    with_trailing_bits,
    written,
)
from tests.support.receipts import ISSUER, OTHER_SIGNER, sample_receipt


def bogus_receipts() -> list[Bogus]:
    """Every bogus receipt, by name."""
    receipt = sample_receipt()
    return [
        *_bent_disclosures(receipt),
        *_bent_encodings(receipt),
        *_bent_headers(receipt),
        *_bent_payloads(receipt),
        *_bent_signatures(receipt),
        *bent_claims(receipt),
    ]


def _bent_disclosures(receipt: Receipt) -> list[Bogus]:
    leaf, all_five = receipt.leaf, receipt.disclosures
    person = receipt.disclosure(Group.PERSON)
    renamed = altered(receipt, Group.PERSON, family_name="Autre")
    stranger = written("AAECAwQFBgcICQoLDA0ODw", "note", "x")
    other = sample_receipt(issued_on=receipt_day(receipt, 1), salts=[bytes([n] * 16) for n in range(5)])
    element = written(person.salt, person.value)
    number = written(person.salt, 7, person.value)
    four = written(person.salt, "person", person.value, "more")
    spelt_out = base64url(json.dumps([person.salt, "person", person.value]).encode())
    short = written("AAAA", "person", person.value)
    shared = written(receipt.disclosure(Group.OFFICER).salt, "person", person.value)
    twice = written("AAECAwQFBgcICQoLDA0ODw", "officer", receipt.disclosure(Group.OFFICER).value)
    return [
        Bogus(
            "altered-disclosure",
            join(leaf, swapped(receipt, Group.PERSON, renamed)),
            Reason.DISCLOSURE_NOT_REFERENCED,
            "the family name was changed; PyPI sd-jwt 0.10.4 drops the claim and accepts",
        ),
        Bogus(
            "unreferenced-disclosure",
            join(leaf, [*all_five, stranger]),
            Reason.DISCLOSURE_NOT_REFERENCED,
            "a sixth disclosure that no digest commits to",
        ),
        Bogus(
            "duplicated-disclosure",
            join(leaf, [*all_five, all_five[2]]),
            Reason.DISCLOSURE_TWICE,
            "the same disclosure twice",
        ),
        Bogus(
            "foreign-disclosure",
            join(leaf, swapped(receipt, Group.PERSON, other.disclosures[2])),
            Reason.DISCLOSURE_NOT_REFERENCED,
            "the person of another receipt of the same issuer",
        ),
        Bogus(
            "respelt-disclosure",
            join(leaf, swapped(receipt, Group.PERSON, spelt_out)),
            Reason.DISCLOSURE_NOT_REFERENCED,
            "the same claim in other JSON: digests bind bytes, not meaning",
        ),
        Bogus(
            "array-element-disclosure",
            bent(receipt, Group.PERSON, element),
            Reason.DISCLOSURE_MALFORMED,
            "two elements where an object member needs three",
        ),
        Bogus(
            "disclosure-of-four",
            bent(receipt, Group.PERSON, four),
            Reason.DISCLOSURE_MALFORMED,
            "four elements",
        ),
        Bogus(
            "claim-name-number",
            bent(receipt, Group.PERSON, number),
            Reason.DISCLOSURE_MALFORMED,
            "the claim name is not text",
        ),
        Bogus(
            "claim-name-sd",
            bent(receipt, Group.PERSON, written(person.salt, "_sd", [])),
            Reason.CLAIM_NAME_RESERVED,
            "a disclosure of the claim _sd",
        ),
        Bogus(
            "claim-name-dots",
            bent(receipt, Group.PERSON, written(person.salt, "...", "x")),
            Reason.CLAIM_NAME_RESERVED,
            "a disclosure of the claim ...",
        ),
        Bogus(
            "unknown-group",
            bent(receipt, Group.PERSON, written(person.salt, "identity", person.value)),
            Reason.GROUP_UNKNOWN,
            "none of the five names",
        ),
        Bogus(
            "group-twice",
            bent(receipt, Group.PERSON, twice),
            Reason.CLAIM_NAME_TWICE,
            "two officers, no person",
        ),
        Bogus(
            "issuer-in-disclosure",
            bent(receipt, Group.PERSON, written(person.salt, "iss", "https://evil.example")),
            Reason.GROUP_UNKNOWN,
            "a disclosure that would overwrite the issuer",
        ),
        Bogus(
            "short-salt",
            bent(receipt, Group.PERSON, short),
            Reason.SALT_TOO_SHORT,
            "a salt that can be guessed",
        ),
        Bogus("shared-salt", bent(receipt, Group.PERSON, shared), Reason.SALT_TWICE, "the officer's salt"),
    ]


def _bent_encodings(receipt: Receipt) -> list[Bogus]:
    leaf, all_five, compact = receipt.leaf, receipt.disclosures, receipt.compact
    header, payload, signature = leaf.split(".")
    first = next(text for text in all_five if len(text) % 4)
    person = receipt.disclosure(Group.PERSON)
    doubled = json.dumps(person.value, ensure_ascii=False)[:-1] + ', "family_name": "Autre"}'
    deep = '{"identity":"not_established","reason":{"a":1,"a":2}}'
    raw = lambda value: base64url(f'["{person.salt}","person",{value}]'.encode())  # noqa: E731
    latin = base64url(f'["{person.salt}","person","é"]'.encode("latin-1"))
    twice_in_leaf = json.dumps(receipt.leaf_claims())[:-1] + f', "iss": "{ISSUER}"}}'
    return [
        Bogus(
            "final-tilde-missing",
            compact[:-1],
            Reason.FINAL_TILDE_MISSING,
            "PyPI sd-jwt takes the last disclosure for a key binding JWT and ignores it",
        ),
        Bogus("leaf-without-tilde", leaf, Reason.FINAL_TILDE_MISSING, "a plain JWT is not an SD-JWT"),
        Bogus(
            "key-binding-appended",
            compact + sign({"alg": "ES256", "typ": "kb+jwt"}, {"iat": 1}),
            Reason.KEY_BINDING_PRESENT,
            "a receipt is bound to no key",
        ),
        Bogus("empty-disclosure", f"{leaf}~~", Reason.JSON_NOT_STRICT, "nothing between two ~"),
        Bogus(
            "padded-disclosure",
            join(leaf, [first + "=" * (-len(first) % 4)]),
            Reason.BASE64URL_NOT_CANONICAL,
            "base64 padding",
        ),
        Bogus(
            "padded-signature", f"{header}.{payload}.{signature}==~", Reason.BASE64URL_NOT_CANONICAL, "base64 padding"
        ),
        Bogus(
            "trailing-bits-signature",
            f"{header}.{payload}.{with_trailing_bits(signature)}~",
            Reason.BASE64URL_NOT_CANONICAL,
            "another spelling of the same signature: another leaf",
        ),
        Bogus(
            "trailing-bits-disclosure",
            join(leaf, [with_trailing_bits(first)]),
            Reason.BASE64URL_NOT_CANONICAL,
            "another spelling of the same disclosure",
        ),
        Bogus(
            "standard-base64",
            compact.replace("-", "+").replace("_", "/"),
            Reason.BASE64URL_NOT_CANONICAL,
            "the other alphabet",
        ),
        Bogus("space-inside", f"{leaf[:40]} {leaf[40:]}~", Reason.BASE64URL_NOT_CANONICAL, "a space"),
        Bogus("line-break-at-end", compact + "\n", Reason.FINAL_TILDE_MISSING, "something after the final ~"),
        Bogus("not-ascii", compact.replace("~", "\uff5e", 1), Reason.NOT_SD_JWT, "a full-width tilde"),
        Bogus("four-parts", f"{leaf}.AAAA~", Reason.NOT_SD_JWT, "a JWS has three parts"),
        Bogus("empty", "", Reason.NOT_SD_JWT, "nothing at all"),
        Bogus("too-long", f"{leaf}~{'A' * (1 << 16)}~", Reason.TOO_LARGE, "longer than any receipt"),
        Bogus(
            "duplicate-member",
            bent(receipt, Group.PERSON, raw(doubled)),
            Reason.JSON_NOT_STRICT,
            "two family names: readers differ on which counts",
        ),
        Bogus(
            "duplicate-member-deep",
            bent(receipt, Group.PERSON, raw(deep)),
            Reason.JSON_NOT_STRICT,
            "a member twice, further down",
        ),
        Bogus(
            "duplicate-member-escaped",
            bent(receipt, Group.PERSON, raw(r'{"a":1,"\u0061":2}')),
            Reason.JSON_NOT_STRICT,
            "the same name spelt with an escape",
        ),
        Bogus(
            "duplicate-member-in-leaf",
            join(sign(header_of(receipt), twice_in_leaf.encode()), all_five),
            Reason.JSON_NOT_STRICT,
            "two issuers",
        ),
        Bogus("nan", bent(receipt, Group.PERSON, raw("NaN")), Reason.JSON_NOT_STRICT, "not JSON"),
        Bogus(
            "huge-integer",
            bent(receipt, Group.PERSON, raw("9007199254740993")),
            Reason.JSON_NOT_STRICT,
            "JavaScript reads ...992",
        ),
        Bogus(
            "huge-float",
            bent(receipt, Group.PERSON, raw("1e400")),
            Reason.JSON_NOT_STRICT,
            "infinite for most readers",
        ),
        Bogus(
            "lone-surrogate",
            bent(receipt, Group.PERSON, raw(r'"\ud800"')),
            Reason.JSON_NOT_STRICT,
            "half a character",
        ),
        Bogus("latin-1", bent(receipt, Group.PERSON, latin), Reason.JSON_NOT_STRICT, "not UTF-8"),
        Bogus(
            "byte-order-mark",
            bent(receipt, Group.PERSON, base64url(b"\xef\xbb\xbf[]")),
            Reason.JSON_NOT_STRICT,
            "a byte order mark before the JSON",
        ),
        Bogus(
            "text-after-json",
            bent(receipt, Group.PERSON, base64url(b"[] []")),
            Reason.JSON_NOT_STRICT,
            "two values",
        ),
        Bogus(
            "nested-too-deep",
            bent(receipt, Group.PERSON, raw("[" * 5000 + "]" * 5000)),
            Reason.JSON_NOT_STRICT,
            "five thousand arrays",
        ),
    ]


def _bent_headers(receipt: Receipt) -> list[Bogus]:
    header, payload = header_of(receipt), receipt.leaf_claims()

    def signed(name: str, reason: Reason, comment: str, changed: Mapping[str, Any]) -> Bogus:
        return Bogus(name, join(sign(changed, payload), receipt.disclosures), reason, comment)

    unsigned = ".".join([base64url(to_json({**header, "alg": "none"})), receipt.leaf.split(".")[1], ""])
    return [
        Bogus("alg-none", join(unsigned, receipt.disclosures), Reason.ALG_NOT_ALLOWED, "no signature at all"),
        signed("alg-none-signed", Reason.ALG_NOT_ALLOWED, "alg none over a good signature", {**header, "alg": "none"}),
        signed("alg-hs256", Reason.ALG_NOT_ALLOWED, "a MAC under the public key", {**header, "alg": "HS256"}),
        signed("alg-es384", Reason.ALG_NOT_ALLOWED, "another curve", {**header, "alg": "ES384"}),
        signed("alg-lower-case", Reason.ALG_NOT_ALLOWED, "es256", {**header, "alg": "es256"}),
        signed("typ-jwt", Reason.TYP_UNEXPECTED, "typ JWT", {**header, "typ": "JWT"}),
        signed("typ-missing", Reason.TYP_UNEXPECTED, "no typ", {"alg": "ES256", "kid": header["kid"]}),
        signed("kid-missing", Reason.HEADER_UNEXPECTED, "no kid", {"alg": "ES256", "typ": header["typ"]}),
        signed("kid-number", Reason.HEADER_UNEXPECTED, "a kid that is not text", {**header, "kid": 1}),
        signed("crit", Reason.HEADER_UNEXPECTED, "a critical extension", {**header, "crit": ["b64"], "b64": False}),
        signed(
            "jwk-in-header",
            Reason.HEADER_UNEXPECTED,
            "brings its own key",
            {**header, "jwk": OTHER_SIGNER.public_key.jwk},
        ),
        signed("x5c-in-header", Reason.HEADER_UNEXPECTED, "brings a certificate", {**header, "x5c": ["MIIB"]}),
    ]


def _bent_payloads(receipt: Receipt) -> list[Bogus]:
    payload, all_five = receipt.leaf_claims(), receipt.disclosures
    digests: list[str] = payload["_sd"]

    def changed(name: str, reason: Reason, comment: str, **members: Any) -> Bogus:
        return Bogus(name, join(reissued(receipt, all_five, **members), all_five), reason, comment)

    less = {name: value for name, value in payload.items() if name != "iat"}
    return [
        changed("vct-wrong", Reason.VCT_UNEXPECTED, "a credential of another type", vct="urn:fr:recepisse:autre:1"),
        changed("vct-number", Reason.PAYLOAD_UNEXPECTED, "vct is not text", vct=1),
        changed("iss-object", Reason.PAYLOAD_UNEXPECTED, "iss is not text", iss={"a": 1}),
        changed("extra-claim", Reason.PAYLOAD_UNEXPECTED, "a claim in clear", jti="1"),
        changed("clear-group", Reason.PAYLOAD_UNEXPECTED, "a group in clear, beside its digest", officer={}),
        Bogus("iat-missing", join(sign(header_of(receipt), less), all_five), Reason.PAYLOAD_UNEXPECTED, "no iat"),
        changed("iat-time-of-day", Reason.ISSUED_AT_NOT_A_DAY, "tells when the check was", iat=payload["iat"] + 1),
        changed("iat-float", Reason.ISSUED_AT_NOT_A_DAY, "not an integer", iat=float(payload["iat"])),
        changed("iat-true", Reason.ISSUED_AT_NOT_A_DAY, "not a number", iat=True),
        changed("iat-negative", Reason.ISSUED_AT_NOT_A_DAY, "before 1970", iat=-DAY),
        changed("iat-beyond-dates", Reason.ISSUED_AT_NOT_A_DAY, "after the year 9999", iat=DAY * 10**9),
        changed("iat-future", Reason.ISSUED_IN_FUTURE, "a day to come", iat=payload["iat"] + 30 * DAY),
        changed("sd-alg-sha-512", Reason.SD_ALG_NOT_ALLOWED, "another hash", _sd_alg="sha-512"),
        changed("sd-alg-md5", Reason.SD_ALG_NOT_ALLOWED, "a broken hash", _sd_alg="md5"),
        changed("four-digests", Reason.DIGESTS_UNEXPECTED, "says that one group is missing", _sd=digests[:4]),
        changed("six-digests", Reason.DIGESTS_UNEXPECTED, "says that there is more", _sd=sorted([*digests, "A" * 43])),
        changed("digest-twice", Reason.DIGEST_TWICE, "the same digest twice", _sd=sorted([*digests[:4], digests[0]])),
        changed("digests-unsorted", Reason.DIGESTS_UNEXPECTED, "an order that may say something", _sd=digests[::-1]),
        changed("digest-short", Reason.DIGESTS_UNEXPECTED, "not 32 bytes", _sd=sorted([*digests[:4], "AAAA"])),
        changed("digest-number", Reason.DIGESTS_UNEXPECTED, "not text", _sd=[*digests[:4], 1]),
        changed("digests-object", Reason.DIGESTS_UNEXPECTED, "not an array", _sd={"a": 1}),
        Bogus(
            "payload-array",
            join(sign(header_of(receipt), b"[]"), all_five),
            Reason.JSON_NOT_STRICT,
            "the payload is not an object",
        ),
    ]


def _bent_signatures(receipt: Receipt) -> list[Bogus]:
    header, payload, signature = receipt.leaf.split(".")
    raw = from_base64url(signature)
    r, s = raw[:32], raw[32:]
    zero, order = bytes(32), ORDER.to_bytes(32, "big")

    def with_signature(name: str, reason: Reason, comment: str, data: bytes) -> Bogus:
        return Bogus(name, join(f"{header}.{payload}.{base64url(data)}", receipt.disclosures), reason, comment)

    stolen_name = join(sign(header_of(receipt), receipt.leaf_claims(), OTHER_SIGNER), receipt.disclosures)
    return [
        Bogus(
            "high-s",
            join(turned(receipt.leaf), receipt.disclosures),
            Reason.SIGNATURE_HIGH_S,
            "verifies under ECDSA, and gives a second leaf for one receipt",
        ),
        Bogus("wrong-key", stolen_name, Reason.SIGNATURE_INVALID, "another key under the trusted key's id"),
        with_signature("signature-zero-r", Reason.SIGNATURE_MALFORMED, "r = 0", zero + s),
        with_signature("signature-zero-s", Reason.SIGNATURE_MALFORMED, "s = 0", r + zero),
        with_signature("signature-zero", Reason.SIGNATURE_MALFORMED, "r = s = 0 (CVE-2022-21449)", zero + zero),
        with_signature("signature-r-is-n", Reason.SIGNATURE_MALFORMED, "r = n", order + s),
        with_signature("signature-s-is-n", Reason.SIGNATURE_MALFORMED, "s = n", r + order),
        with_signature("signature-short", Reason.SIGNATURE_MALFORMED, "63 bytes", raw[:-1]),
        with_signature("signature-long", Reason.SIGNATURE_MALFORMED, "65 bytes", raw + b"\0"),
        with_signature(
            "signature-der", Reason.SIGNATURE_MALFORMED, "the DER form", b"0\x44\x02\x20" + r + b"\x02\x20" + s
        ),
        with_signature("signature-empty", Reason.SIGNATURE_MALFORMED, "no signature", b""),
        with_signature(
            "signature-swapped", Reason.SIGNATURE_INVALID if is_low(r) else Reason.SIGNATURE_HIGH_S, "s || r", s + r
        ),
    ]
