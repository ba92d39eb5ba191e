"""Receipts that must not pass: every way to bend one, each from a good one and a key that may sign.

Most are signed with the trusted key, as if the issuer itself had written them: a verifier must refuse
them for what they are, not because the signature happens to break.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from receipt_service.crypto.keys import ORDER
from receipt_service.crypto.signing import Signer
from receipt_service.domain.canonical import base64url, from_base64url, from_json, to_json
from receipt_service.domain.disclosure import digest_of
from receipt_service.domain.groups import Group
from receipt_service.domain.receipt import Receipt
from receipt_service.verify.verdict import Reason
from tests.support.receipts import ISSUER, OTHER_SIGNER, SIGNER, sample_receipt

_DAY = 86_400


@dataclass(frozen=True)
class Bogus:
    """A text that is no receipt, why, and how a reader should think of it."""

    name: str
    text: str
    reason: Reason
    comment: str


def sign(header: Mapping[str, Any] | bytes, payload: Mapping[str, Any] | bytes, signer: Signer = SIGNER) -> str:
    """A JWS over whatever header and payload."""
    parts = [part if isinstance(part, bytes) else to_json(dict(part)) for part in (header, payload)]
    signing_input = ".".join(map(base64url, parts))
    return f"{signing_input}.{base64url(signer.sign(signing_input.encode()))}"


def header_of(receipt: Receipt) -> dict[str, Any]:
    return dict(from_json(from_base64url(receipt.leaf.split(".")[0])))


def join(leaf: str, disclosures: Iterable[str]) -> str:
    return "~".join([leaf, *disclosures, ""])


def written(*parts: Any) -> str:
    """A disclosure of any JSON."""
    return base64url(to_json(list(parts)))


def reissued(receipt: Receipt, disclosures: Iterable[str], **changed: Any) -> str:
    """The leaf signed anew over these disclosures' digests; ``changed`` replaces payload members."""
    digests = sorted(map(digest_of, disclosures))
    return sign(header_of(receipt), {**receipt.leaf_claims(), "_sd": digests, **changed})


def swapped(receipt: Receipt, group: Group, encoded: str) -> list[str]:
    """The receipt's disclosures with one replaced."""
    names = list(Group)
    return [encoded if name is group else old for name, old in zip(names, receipt.disclosures, strict=True)]


def altered(receipt: Receipt, group: Group, **members: Any) -> str:
    """A group's disclosure with members replaced, same salt."""
    old = receipt.disclosure(group)
    return written(old.salt, group.value, {**old.value, **members})


def turned(leaf: str) -> str:
    """The malleable twin: (r, n - s) verifies as well."""
    head, signature = leaf.rsplit(".", 1)
    raw = from_base64url(signature)
    twin = ORDER - int.from_bytes(raw[32:], "big")
    return f"{head}.{base64url(raw[:32] + twin.to_bytes(32, 'big'))}"


def with_trailing_bits(encoded: str) -> str:
    """Another spelling of the same bytes: the last letter's spare bits set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(encoded) % 4, "no spare bits in this one"
    return encoded[:-1] + alphabet[alphabet.index(encoded[-1]) + 1]


def bogus_receipts() -> list[Bogus]:
    """Every bogus receipt, by name."""
    receipt = sample_receipt()
    return [
        *_bent_disclosures(receipt),
        *_bent_encodings(receipt),
        *_bent_headers(receipt),
        *_bent_payloads(receipt),
        *_bent_signatures(receipt),
        *_bent_claims(receipt),
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
            _with(receipt, Group.PERSON, element),
            Reason.DISCLOSURE_MALFORMED,
            "two elements where an object member needs three",
        ),
        Bogus("disclosure-of-four", _with(receipt, Group.PERSON, four), Reason.DISCLOSURE_MALFORMED, "four elements"),
        Bogus(
            "claim-name-number",
            _with(receipt, Group.PERSON, number),
            Reason.DISCLOSURE_MALFORMED,
            "the claim name is not text",
        ),
        Bogus(
            "claim-name-sd",
            _with(receipt, Group.PERSON, written(person.salt, "_sd", [])),
            Reason.CLAIM_NAME_RESERVED,
            "a disclosure of the claim _sd",
        ),
        Bogus(
            "claim-name-dots",
            _with(receipt, Group.PERSON, written(person.salt, "...", "x")),
            Reason.CLAIM_NAME_RESERVED,
            "a disclosure of the claim ...",
        ),
        Bogus(
            "unknown-group",
            _with(receipt, Group.PERSON, written(person.salt, "identity", person.value)),
            Reason.GROUP_UNKNOWN,
            "none of the five names",
        ),
        Bogus("group-twice", _with(receipt, Group.PERSON, twice), Reason.CLAIM_NAME_TWICE, "two officers, no person"),
        Bogus(
            "issuer-in-disclosure",
            _with(receipt, Group.PERSON, written(person.salt, "iss", "https://evil.example")),
            Reason.GROUP_UNKNOWN,
            "a disclosure that would overwrite the issuer",
        ),
        Bogus("short-salt", _with(receipt, Group.PERSON, short), Reason.SALT_TOO_SHORT, "a salt that can be guessed"),
        Bogus("shared-salt", _with(receipt, Group.PERSON, shared), Reason.SALT_TWICE, "the officer's salt"),
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
            _with(receipt, Group.PERSON, raw(doubled)),
            Reason.JSON_NOT_STRICT,
            "two family names: readers differ on which counts",
        ),
        Bogus(
            "duplicate-member-deep",
            _with(receipt, Group.PERSON, raw(deep)),
            Reason.JSON_NOT_STRICT,
            "a member twice, further down",
        ),
        Bogus(
            "duplicate-member-escaped",
            _with(receipt, Group.PERSON, raw(r'{"a":1,"\u0061":2}')),
            Reason.JSON_NOT_STRICT,
            "the same name spelt with an escape",
        ),
        Bogus(
            "duplicate-member-in-leaf",
            join(sign(header_of(receipt), twice_in_leaf.encode()), all_five),
            Reason.JSON_NOT_STRICT,
            "two issuers",
        ),
        Bogus("nan", _with(receipt, Group.PERSON, raw("NaN")), Reason.JSON_NOT_STRICT, "not JSON"),
        Bogus(
            "huge-integer",
            _with(receipt, Group.PERSON, raw("9007199254740993")),
            Reason.JSON_NOT_STRICT,
            "JavaScript reads ...992",
        ),
        Bogus(
            "huge-float",
            _with(receipt, Group.PERSON, raw("1e400")),
            Reason.JSON_NOT_STRICT,
            "infinite for most readers",
        ),
        Bogus(
            "lone-surrogate", _with(receipt, Group.PERSON, raw(r'"\ud800"')), Reason.JSON_NOT_STRICT, "half a character"
        ),
        Bogus("latin-1", _with(receipt, Group.PERSON, latin), Reason.JSON_NOT_STRICT, "not UTF-8"),
        Bogus(
            "byte-order-mark",
            _with(receipt, Group.PERSON, base64url(b"\xef\xbb\xbf[]")),
            Reason.JSON_NOT_STRICT,
            "a byte order mark before the JSON",
        ),
        Bogus(
            "text-after-json", _with(receipt, Group.PERSON, base64url(b"[] []")), Reason.JSON_NOT_STRICT, "two values"
        ),
        Bogus(
            "nested-too-deep",
            _with(receipt, Group.PERSON, raw("[" * 5000 + "]" * 5000)),
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
        changed("iat-negative", Reason.ISSUED_AT_NOT_A_DAY, "before 1970", iat=-_DAY),
        changed("iat-beyond-dates", Reason.ISSUED_AT_NOT_A_DAY, "after the year 9999", iat=_DAY * 10**9),
        changed("iat-future", Reason.ISSUED_IN_FUTURE, "a day to come", iat=payload["iat"] + 30 * _DAY),
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
            "signature-swapped", Reason.SIGNATURE_INVALID if _is_low(r) else Reason.SIGNATURE_HIGH_S, "s || r", s + r
        ),
    ]


def _bent_claims(receipt: Receipt) -> list[Bogus]:
    def changed(name: str, comment: str, group: Group, **members: Any) -> Bogus:
        return Bogus(name, _with(receipt, group, altered(receipt, group, **members)), Reason.CLAIMS_NOT_VALID, comment)

    number = receipt.receipt_number
    person = receipt.disclosure(Group.PERSON)
    return [
        changed("number-lower-case", "the number in another case", Group.WHEN_WHERE, receipt_number=number.lower()),
        changed("number-alias", "O for 0", Group.WHEN_WHERE, receipt_number=number.replace("0", "O")),
        changed("number-beyond-128-bits", "the top bits set", Group.WHEN_WHERE, receipt_number="8" + number[1:]),
        changed(
            "time-without-offset",
            "a time that depends on the reader",
            Group.WHEN_WHERE,
            checked_at="2026-11-23T14:05:00",
        ),
        changed("time-in-zulu", "not the time of the place", Group.WHEN_WHERE, checked_at="2026-11-23T13:05:00Z"),
        changed("commune-unknown-form", "not an INSEE code", Group.WHEN_WHERE, commune="Paris"),
        changed("control-character", "an escape sequence for terminals", Group.WHEN_WHERE, place="\x1b[2J"),
        changed("extra-member", "a member that the schema does not know", Group.PERSON, phone="+33639980001"),
        changed("document-number", "a document's number never stands on a receipt", Group.PERSON, document_number="X"),
        changed("birth-date-form", "17/05/1990", Group.PERSON, birth_date="17/05/1990"),
        changed("no-basis", "a check without a legal basis", Group.LEGAL_BASIS, bases=[]),
        changed("codes-twice", "the same code twice", Group.CONSEQUENCES, outcomes=["LIBRE", "LIBRE"]),
        changed("code-number", "a number for a code", Group.OFFICER, rank=3),
        changed(
            "service-missing-member", "a service without a name", Group.OFFICER, service={"code": "X", "force": "PN"}
        ),
        Bogus(
            "person-not-an-object",
            _with(receipt, Group.PERSON, written(person.salt, "person", "Durand")),
            Reason.CLAIMS_NOT_VALID,
            "a text where the person should be",
        ),
    ]


def _with(receipt: Receipt, group: Group, encoded: str) -> str:
    """A receipt that the issuer itself signed over this disclosure: only its form can be refused."""
    disclosures = swapped(receipt, group, encoded)
    return join(reissued(receipt, disclosures), disclosures)


def _is_low(number: bytes) -> bool:
    return int.from_bytes(number, "big") <= ORDER // 2


def receipt_day(receipt: Receipt, later: int = 0) -> date:
    return datetime.fromtimestamp(receipt.leaf_claims()["iat"] + later * _DAY, tz=UTC).date()
