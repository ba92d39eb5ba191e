"""A verdict as people read it, in French or English, with the catalogue's words for its codes."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

from receipt_service.bootstrap.resources import read_schema
from receipt_service.cli.log_text import log_lines
from receipt_service.cli.verdict_words import LABELS, REASONS, WORDS
from receipt_service.domain.groups import Group
from receipt_service.errors import ConfigurationError
from receipt_service.verify.verdict import Verdict

_KINDS: Final = {
    "reasons": "reasons",
    "selection": "selection_modes",
    "measures": "measures",
    "outcomes": "outcomes",
    "possible": "consequences",
    "remedies": "remedies",
    "established_by": "established_by",
    "reason": "not_established",
    "rank": "ranks",
    "quality": "qualities",
    "force": "forces",
    "offence_class": "offence_classes",
    "offences": "offence_groups",
    "risk_type": "risk_types",
    "zone_type": "zone_types",
    "objective_element": "objective_elements",
}
"""Which kind of the catalogue the codes of a member are."""


def language() -> str:
    """Choose by the environment (POSIX order); English when it says nothing."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "fr" if value.lower().startswith("fr") else "en"
    return "en"


def lines(verdict: Verdict, lang: str) -> Iterator[str]:
    """Write a verdict for people. Only what is verified is shown from inside the receipt."""
    words, colon = WORDS[lang], WORDS[lang]["colon"]
    yield words[verdict.status.value]
    for finding in verdict.findings:
        yield f"  {REASONS[finding.reason][lang]} [{finding.reason.value}]"
    if verdict.issuer is not None and verdict.kid is not None:
        told = "claimed_issuer" if verdict.leaf is None else "issuer"
        yield f"{words[told]}{colon}{_plain(verdict.issuer)}"
        yield f"{words['key']}{colon}{_plain(verdict.kid)}"
    if verdict.log is not None:
        yield from log_lines(verdict.log, lang)
    if not verdict.passed:
        return
    yield f"{words['issued_on']}{colon}{verdict.issued_on}"
    yield f"{words['view']}{colon}{words[f'view_{verdict.view}']}"
    texts = _Texts(verdict, lang)
    for group in verdict.shown:
        yield ""
        yield LABELS[lang][group.value]
        yield from texts.members(verdict.claims[group], "  ")
    if verdict.hidden:
        yield ""
        yield f"{words['hidden']}{colon}{', '.join(LABELS[lang][group.value] for group in verdict.hidden)}"
    if not texts.known:
        yield words["catalogue_missing"]


class _Texts:
    """The claims in words; codes stay codes unless this very catalogue is at hand."""

    def __init__(self, verdict: Verdict, lang: str) -> None:
        self._lang = lang
        self._labels = LABELS[lang]
        self._colon = WORDS[lang]["colon"]
        named = verdict.claims.get(Group.LEGAL_BASIS, {}).get("catalogue")
        self._catalogue = _catalogue(named)
        self.known = named is None or bool(self._catalogue)

    def members(self, claims: Mapping[str, Any], margin: str) -> Iterator[str]:
        for name, value in claims.items():
            label = self._labels.get(name, name)
            if name == "bases":
                for basis in value:
                    yield f"{margin}{label}{self._colon}{self._label('bases', basis['code'])}"
                    yield from self.members({key: basis[key] for key in basis if key != "code"}, margin + "  ")
            elif name == "catalogue":
                yield f"{margin}{label}{self._colon}{value['version']}"
            elif isinstance(value, dict):
                yield f"{margin}{label}{self._colon}".rstrip()
                yield from self.members(value, margin + "  ")
            elif isinstance(value, list):
                yield from self._listed(name, value, margin)
            else:
                yield f"{margin}{label}{self._colon}{self._text(name, value)}"

    def _listed(self, name: str, values: list[Any], margin: str) -> Iterator[str]:
        label = self._labels.get(name, name)
        if len(values) == 1:
            yield f"{margin}{label}{self._colon}{self._text(name, values[0])}"
        elif values:
            yield f"{margin}{label}{self._colon}".rstrip()
            for value in values:
                yield f"{margin}  - {self._text(name, value)}"

    def _text(self, name: str, value: Any) -> str:
        if isinstance(value, bool):
            return WORDS[self._lang]["yes" if value else "no"]
        if name == "identity":
            return self._labels[value]
        return self._label(_KINDS[name], value) if name in _KINDS else str(value).replace("\n", " / ")

    def _label(self, kind: str, code: str) -> str:
        label = self._catalogue.get(kind, {}).get(code)
        return code if label is None else f"{label[self._lang]} ({code})"


def _catalogue(named: Mapping[str, str] | None) -> dict[str, dict[str, dict[str, str]]]:
    """Read the labels of the catalogue that the receipt binds; nothing if it is another text by that name."""
    if named is None:
        return {}
    from hashlib import sha256  # noqa: PLC0415

    from receipt_service.domain.canonical import base64url  # noqa: PLC0415

    try:
        document = read_schema("catalogue", f"catalogue-{named['version']}.json")
    except ConfigurationError:
        return {}
    if base64url(sha256(document).digest()) != named["sha256"]:
        return {}
    return {
        kind: {entry["code"]: entry["label"] for entry in entries}
        for kind, entries in json.loads(document).items()
        if isinstance(entries, list) and entries and isinstance(entries[0], dict)
    }


def _plain(text: str) -> str:
    """Show foreign text without letting it steer the terminal."""
    return text if text.isprintable() else ascii(text)
