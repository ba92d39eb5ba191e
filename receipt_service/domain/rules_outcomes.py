"""Why, how and with what result: reasons, selection, measures and outcomes against the bases and the officer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from receipt_service.domain.catalogue_entries import Authority
from receipt_service.domain.check_request import MAX_MEASURES, MAX_OUTCOMES, MAX_REASONS
from receipt_service.domain.rules_person import is_surely_adult, is_surely_minor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from receipt_service.domain.catalogue_entries import Entry, LegalBasis, Measure, Outcome
    from receipt_service.domain.rules_case import Case


def check_reasons(case: Case) -> None:
    """At least one reason, each fitting a basis; and every basis has one that fits it."""
    request = case.request
    if not request.reasons:
        case.refuse("/reasons", "reason.none")
    known = list(_codes(case, "/reasons", "reason", request.reasons, case.catalogue.reasons, MAX_REASONS))
    if not case.known:
        return
    for index, code in known:
        if not any(code in entry.reasons for entry in case.entries):
            case.refuse(f"/reasons/{index}", "reason.not_for_basis")
    given = {code for _, code in known}
    for index, _, entry in case.known:
        if request.reasons and entry.reasons.isdisjoint(given) and not entry.accessory_to:
            case.refuse(f"/legal_bases/{index}/code", "reason.basis_without", article=entry.article)
    if request.reason_text is None or not request.reason_text.strip():
        demanding = [entry for entry in case.entries if entry.reason_text_required]
        if demanding:
            case.refuse("/reason_text", "reason_text.required", article=demanding[0].article)


def check_selection(case: Case) -> None:
    """Refuse a mode of selection that does not exist, or that no basis admits (al. 9-10 are never systematic)."""
    mode = case.request.selection
    if mode not in case.catalogue.selection_modes:
        case.refuse("/selection", "selection.unknown")
        return
    leading = [entry for entry in case.entries if not entry.accessory_to]
    if leading and not any(mode in entry.selections for entry in leading):
        case.refuse("/selection", "selection.not_for_basis")


def check_measures(case: Case) -> None:
    """Ask a basis for every search, with its consent or instruction, and the quality where one is needed."""
    request = case.request
    for index, code in _codes(case, "/measures", "measure", request.measures, case.catalogue.measures, MAX_MEASURES):
        measure = case.catalogue.measures[code]
        pointer = f"/measures/{index}"
        if measure.qualities is not None and case.officer.quality not in measure.qualities:
            case.refuse(pointer, "measure.quality", **_labels(measure))
        if measure.needs_basis and case.known:
            _check_search(case, pointer, measure)


def _check_search(case: Case, pointer: str, measure: Measure) -> None:
    """Refuse a search that no basis grounds, or whose conditions of consent are not met."""
    granting = [(index, use, entry) for index, use, entry in case.known if measure.code in entry.searches]
    if not granting:
        case.refuse(pointer, "measure.not_for_basis", **_labels(measure))
    elif not any(_is_consented(entry, use.consent, use.prosecutor_instruction) for _, use, entry in granting):
        index, _, entry = granting[0]
        prosecutor = "prosecutor_instruction" in entry.fields
        case.refuse(
            f"/legal_bases/{index}/consent",
            "search.consent_required",
            article=entry.article,
            or_prosecutor_fr=" ou, à défaut, les instructions du procureur" if prosecutor else "",
            or_prosecutor_en=" or, failing that, the prosecutor’s instructions" if prosecutor else "",
        )


def _is_consented(entry: LegalBasis, consent: bool | None, instruction: bool | None) -> bool:  # noqa: FBT001
    """Whether the basis asks no consent, or has it, or the prosecutor's instruction in its place."""
    return not entry.search_needs_consent or consent is True or instruction is True


def check_outcomes(case: Case) -> None:
    """At least one outcome; ``LIBRE`` alone; each within the officer's power and grounded by a basis."""
    request = case.request
    if not request.outcomes:
        case.refuse("/outcomes", "outcome.none")
    known = list(_codes(case, "/outcomes", "outcome", request.outcomes, case.catalogue.outcomes, MAX_OUTCOMES))
    for index, code in known:
        outcome = case.catalogue.outcomes[code]
        pointer = f"/outcomes/{index}"
        if outcome.excludes_others and len(set(request.outcomes)) > 1:
            case.refuse(pointer, "outcome.excludes_others", **_labels(outcome))
        _check_power(case, pointer, outcome)
        _check_ground(case, pointer, outcome)


def _check_power(case: Case, pointer: str, outcome: Outcome) -> None:
    """Who may bring the outcome about, alone or on an OPJ's order."""
    if outcome.qualities is None:
        return
    authority = outcome.qualities.get(case.officer.quality)
    if authority is None:
        case.refuse(pointer, "outcome.quality", **_labels(outcome))
    elif authority is Authority.ON_ORDER and case.request.ordered_by is None:
        case.refuse(pointer, "outcome.order_required", **_labels(outcome))


def _check_ground(case: Case, pointer: str, outcome: Outcome) -> None:
    """Refuse an outcome that no basis allows, or that the person's age excludes."""
    if case.known and (
        (outcome.needs_bases and not any(entry.code in outcome.needs_bases for entry in case.entries))
        or (outcome.needs_identity_basis and not any(entry.grounds_identity for entry in case.entries))
    ):
        case.refuse(pointer, "outcome.needs_basis", **_labels(outcome))
    if outcome.minors == "never" and is_surely_minor(case):
        case.refuse(pointer, "outcome.adults_only", **_labels(outcome))
    if outcome.minors == "only" and is_surely_adult(case):
        case.refuse(pointer, "outcome.minors_only", **_labels(outcome))


def _codes(
    case: Case, pointer: str, kind: str, codes: tuple[str, ...], entries: Mapping[str, Entry], limit: int
) -> Iterator[tuple[int, str]]:
    """Yield position and code of those that exist; refuse unknown and repeated ones, and too many."""
    if len(codes) > limit:
        case.refuse(pointer, f"{kind}.too_many", limit=limit)
        return
    for index, code in enumerate(codes):
        if code not in entries:
            case.refuse(f"{pointer}/{index}", f"{kind}.unknown")
        elif code in codes[:index]:
            case.refuse(f"{pointer}/{index}", f"{kind}.duplicate")
        else:
            yield index, code


def _labels(entry: Entry) -> dict[str, str]:
    """Return an entry's labels as parameters of a rule's texts."""
    return {"label_fr": entry.label["fr"], "label_en": entry.label["en"]}
