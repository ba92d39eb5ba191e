"""Rules R1, R4-R9: who may use a basis, where, with which facts, and beside which other basis."""

from __future__ import annotations

import re
from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from receipt_service.domain.catalogue_entries import Authority
from receipt_service.domain.check import BasisUse, Quality
from receipt_service.domain.check_request import MAX_BASES

if TYPE_CHECKING:
    from receipt_service.domain.catalogue_entries import LegalBasis
    from receipt_service.domain.rules_case import Case

_FACTS: Final = tuple(fact.name for fact in fields(BasisUse) if fact.name != "code")
_facts_of: Final = attrgetter(*_FACTS)
_MUST_BE_TRUE: Final = ("premises_professional", "owner_present")
_NATINF: Final = re.compile(r"(?:NATINF\s?)?\d{1,6}", re.IGNORECASE)


def find_bases(case: Case) -> None:
    """Look the bases up in the catalogue; unknown, repeated and too many ones are refused."""
    uses = case.request.legal_bases
    if not uses:
        case.refuse("/legal_bases", "basis.none")
    if len(uses) > MAX_BASES:
        case.refuse("/legal_bases", "basis.too_many", limit=MAX_BASES)
        return
    seen: set[str] = set()
    for index, use in enumerate(uses):
        entry = case.catalogue.bases.get(use.code)
        if entry is None:
            case.refuse(f"/legal_bases/{index}/code", "basis.unknown", version=case.catalogue.version)
        elif use.code in seen:
            case.refuse(f"/legal_bases/{index}/code", "basis.duplicate")
        else:
            case.known.append((index, use, entry))
            case.entries.append(entry)
        seen.add(use.code)


def check_bases(case: Case) -> None:
    """Hold every basis against its entry."""
    for index, use, entry in case.known:
        pointer = f"/legal_bases/{index}"
        _check_officer(case, pointer, entry)
        _check_territory(case, pointer, entry)
        _check_company(case, pointer, use, entry)
        _check_presence(case, pointer, use, entry)
        _check_facts(case, pointer, use, entry)


def check_order(case: Case) -> None:
    """R6: whoever is no OPJ names the OPJ on whose order they act, and that OPJ is one."""
    number = case.request.ordered_by
    if number is None:
        dependent = [e for e in case.entries if e.qualities.get(case.officer.quality) is Authority.ON_ORDER]
        if dependent:
            case.refuse("/ordered_by", "ordered_by.required", article=dependent[0].article)
        return
    superior = case.ordered_by
    if superior is None or superior.number != number:
        case.refuse("/ordered_by", "ordered_by.unknown")
    elif superior.quality is not Quality.OPJ:
        case.refuse("/ordered_by", "ordered_by.not_opj")


def _check_officer(case: Case, pointer: str, entry: LegalBasis) -> None:
    """R1: the officer's quality, and for customs their rank."""
    if case.officer.quality not in entry.qualities:
        case.refuse(f"{pointer}/code", "basis.quality", article=entry.article)
    elif entry.ranks is not None and case.officer.rank not in entry.ranks:
        case.refuse(f"{pointer}/code", "basis.rank", article=entry.article)


def _check_territory(case: Case, pointer: str, entry: LegalBasis) -> None:
    """R4, R5: overseas bases in their département, al. 9 and 10 in metropolitan France; in force on that day."""
    if case.checked_at is not None and case.zone is not None:
        day = case.checked_at.astimezone(case.zone).date()
        if (entry.effective_from is not None and day < entry.effective_from) or (
            entry.effective_until is not None and day > entry.effective_until
        ):
            case.refuse(f"{pointer}/code", "basis.not_in_force", article=entry.article)
    if case.commune is None:
        return
    department = case.territory.departments[case.commune.department]
    if entry.metropolitan_only and not department.metropolitan:
        case.refuse(f"{pointer}/code", "basis.metropolitan_only", article=entry.article)
    if entry.departments is not None and department.code not in entry.departments:
        names = ", ".join(case.territory.departments[code].name for code in sorted(entry.departments))
        case.refuse(f"{pointer}/code", "basis.department", article=entry.article, departments=names)


def _check_company(case: Case, pointer: str, use: BasisUse, entry: LegalBasis) -> None:
    """R7, R8: what needs another basis, in the same check or in an earlier one."""
    if entry.accessory_to and not any(other.code in entry.accessory_to for other in case.entries):
        case.refuse(
            f"{pointer}/code",
            "basis.accessory_only",
            article=entry.article,
            others="CPP art. 78-2 al. 2-8",
        )
    if entry.excludes_families and any(other.family in entry.excludes_families for other in case.entries):
        case.refuse(f"{pointer}/code", "basis.excluded", article=entry.article)
    if entry.follows:
        _check_parent(case, pointer, use, entry)


def _check_parent(case: Case, pointer: str, use: BasisUse, entry: LegalBasis) -> None:
    """R8: a check on one of the bases that this one follows; a parent receipt, once given, must be right."""
    field = f"{pointer}/parent_receipt_number"
    if use.parent_receipt_number is None:
        if not any(other.code in entry.follows for other in case.entries):
            case.refuse(field, "basis.parent_required", article=entry.article)
    elif case.parent_bases is None:
        case.refuse(field, "basis.parent_unknown")
    elif entry.follows.isdisjoint(case.parent_bases):
        case.refuse(field, "basis.parent_not_allowed", article=entry.article)


def _check_presence(case: Case, pointer: str, use: BasisUse, entry: LegalBasis) -> None:
    """Every fact that the entry asks for is given, and no other."""
    for name in entry.required_fields:
        value = getattr(use, name)
        if value is None or (isinstance(value, str) and not value.strip()):
            case.refuse(f"{pointer}/{name}", "basis.field_required", article=entry.article)
    given = [name for name, value in zip(_FACTS, _facts_of(use), strict=True) if value is not None]
    for name in given:
        if name not in entry.fields:
            case.refuse(f"{pointer}/{name}", "basis.field_not_allowed", article=entry.article)
    for name in _MUST_BE_TRUE:
        if name in entry.fields and getattr(use, name) is False:
            case.refuse(f"{pointer}/{name}", "basis.must_be_true", article=entry.article)


def _check_facts(case: Case, pointer: str, use: BasisUse, entry: LegalBasis) -> None:
    """Codes among the facts exist and suit the basis; R9: a NATINF code where a petty offence grounds it."""
    catalogue = case.catalogue
    if use.offence_class is not None and entry.offence_classes and use.offence_class not in entry.offence_classes:
        allowed = ", ".join(catalogue.offence_classes[code].label["fr"] for code in sorted(entry.offence_classes))
        case.refuse(f"{pointer}/offence_class", "offence.class", article=entry.article, allowed=allowed)
    if entry.natinf_required and use.offence is not None and not _NATINF.fullmatch(use.offence.strip()):
        case.refuse(f"{pointer}/offence", "offence.natinf", article=entry.article)
    if use.zone_type is not None and entry.zone_types and use.zone_type not in entry.zone_types:
        allowed = ", ".join(sorted(entry.zone_types))
        case.refuse(f"{pointer}/zone_type", "zone.unknown", article=entry.article, allowed=allowed)
    if use.risk_type is not None and use.risk_type not in catalogue.risk_types:
        case.refuse(f"{pointer}/risk_type", "risk.unknown")
    if use.objective_element is not None and use.objective_element not in catalogue.objective_elements:
        case.refuse(f"{pointer}/objective_element", "element.unknown")
