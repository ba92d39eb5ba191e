"""What holds for every basis, time and text: one spoiled thing gives that refusal, and no other way round it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import assume, example, given
from hypothesis import strategies as st

from receipt_service.domain.catalogue_entries import Authority
from receipt_service.domain.check import Quality
from receipt_service.domain.check_request import PlaceRequest
from receipt_service.domain.screening import CIRCUMSTANCES, EVENT, PLACE, REASONS, REFERENCE, findings_in, suspicion_of
from receipt_service.domain.screening_names import IdentityMarks
from receipt_service.domain.screening_vocabulary import COMMON_WORDS, PROTECTED_WORDS, TOPONYMS
from receipt_service.domain.screening_words import fold, quick_words, spell, words
from receipt_service.domain.territory import department_code
from receipt_service.errors import InvalidCheck
from tests.support.checks import (
    CHECKED_AT,
    NOW,
    OPJ_NUMBER,
    PERSON,
    RECIPIENT,
    catalogue,
    officer,
    situation,
    superior,
    territory,
)

CODES = sorted(catalogue().bases)
codes = st.sampled_from(CODES)
communes = st.sampled_from(sorted(territory()._communes))
with_requisition = st.sampled_from(
    [code for code in CODES if catalogue().bases[code].requisition and code != "CPP-78-2-5"]
)
with_operation = st.sampled_from([code for code in CODES if catalogue().bases[code].operation_max_hours])
outcomes = st.lists(st.sampled_from(sorted(catalogue().outcomes)), min_size=1, max_size=4, unique=True)
texts = st.text(st.characters(codec="utf-8"), max_size=60) | st.text(
    "abcdefghijklmnopqrstuvwxyzéèàçôûABCDEÉ0123456789 .,-'’@:/\u00a0\u200bœ", max_size=80
)
spans = st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=400))


@given(codes, st.sampled_from(Quality))
def test_who_may_act_is_exactly_what_the_entry_says(code, quality):
    case = situation(code)
    authorities = [catalogue().bases[use.code].qualities.get(quality) for use in case.request.legal_bases]
    ordered = replace(case.change(ordered_by=OPJ_NUMBER), officer=officer(quality), ordered_by=superior())
    alone = replace(case, officer=officer(quality))
    refused = {rule for _, rule in ordered.violations()}
    assert ("basis.quality" in refused) == (None in authorities)
    assert ("ordered_by.required" in {rule for _, rule in alone.violations()}) == (Authority.ON_ORDER in authorities)


@given(with_requisition, spans, st.booleans())
def test_outside_its_period_a_requisition_never_holds(code, span, before):
    case = situation(code)
    length = timedelta(hours=6)
    start = CHECKED_AT + span if before else CHECKED_AT - length - span
    moved = case.change_requisition(signed_at=start, starts_at=start, ends_at=start + length)
    expected = "requisition.not_yet_valid" if before else "requisition.expired"
    assert [rule for _, rule in moved.violations()] == [expected]


@given(with_requisition, st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=24)), st.floats(0, 1))
def test_inside_its_period_a_requisition_always_holds(code, length, share):
    assume(length > timedelta(0))
    start = CHECKED_AT - length * share
    case = situation(code).change_requisition(signed_at=start, starts_at=start, ends_at=max(start + length, CHECKED_AT))
    assert case.violations() == []


@given(with_operation, st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=30)))
def test_an_operation_is_over_after_its_hours_and_not_before(code, elapsed):
    limit = timedelta(hours=catalogue().bases[code].operation_max_hours)
    found = situation(code).change_basis(operation_started_at=CHECKED_AT - elapsed).violations()
    assert [rule for _, rule in found] == ([] if elapsed <= limit else ["operation.too_long"])


@given(codes, communes)
def test_a_basis_applies_in_its_territory_and_nowhere_else(code, commune):
    case = situation(code)
    entries = [catalogue().bases[use.code] for use in case.request.legal_bases]
    case = case.change(place=PlaceRequest(public_place="Place du marché", commune=commune))
    uses = tuple(
        use if use.requisition is None else replace(use, requisition=replace(use.requisition, communes=(commune,)))
        for use in case.request.legal_bases
    )
    department = department_code(commune)
    expected = {
        rule
        for entry in entries
        for rule, broken in (
            ("basis.department", entry.departments is not None and department not in entry.departments),
            ("basis.metropolitan_only", entry.metropolitan_only and department.startswith(("97", "98"))),
        )
        if broken
    }
    assert {rule for _, rule in case.change(legal_bases=uses).violations()} == expected


@given(codes, outcomes)
def test_libre_goes_with_nothing(code, chosen):
    found = {rule for _, rule in situation(code).change(outcomes=tuple(chosen)).violations()}
    assert ("outcome.excludes_others" in found) == ("LIBRE" in chosen and len(chosen) > 1)


near = st.timedeltas(timedelta(hours=-80), timedelta(hours=8)).map(NOW.__add__)
ever = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis asks for naive bounds


@given(near | ever)
@example(NOW - timedelta(hours=72))
@example(NOW - timedelta(hours=72, microseconds=1))
@example(NOW + timedelta(minutes=5))
@example(NOW + timedelta(minutes=5, microseconds=1))
def test_only_the_last_three_days_can_be_registered(checked_at):
    found = [rule for _, rule in situation("CPP-78-2-AL8").change(checked_at=checked_at).violations()]
    if checked_at > NOW + timedelta(minutes=5):
        assert found == ["time.future"]
    else:
        assert found == ([] if checked_at >= NOW - timedelta(hours=72) else ["time.too_old"])


def or_as_it_was(strategy):
    """What is drawn for every member at once is never a valid check; None leaves one as it was."""
    return st.none() | strategy


@given(
    st.lists(codes, min_size=1, max_size=3, unique=True),
    or_as_it_was(st.sampled_from(Quality)),
    or_as_it_was(communes),
    or_as_it_was(outcomes.map(tuple)),
    or_as_it_was(st.lists(st.sampled_from(sorted(catalogue().measures)), max_size=3, unique=True).map(tuple)),
    or_as_it_was(st.lists(st.sampled_from(sorted(catalogue().reasons)), max_size=4, unique=True).map(tuple)),
    or_as_it_was(texts),
)
@example(["CPP-78-2-AL7"], None, None, None, None, None, None)
def test_whatever_is_sent_either_a_check_or_explained_violations_come_out(
    used, quality, commune, ends, measures, why, text
):
    case = situation(used[0])
    uses = [use for code in used for use in situation(code).request.legal_bases]
    members = {"outcomes": ends, "measures": measures, "reasons": why, "reason_text": text}
    where = {"public_place": text, "commune": commune}
    case = case.change(
        legal_bases=tuple({use.code: use for use in uses}.values()),
        place=replace(case.request.place, **{name: drawn for name, drawn in where.items() if drawn is not None}),
        **{name: drawn for name, drawn in members.items() if drawn is not None},
    )
    case = case if quality is None else replace(case, officer=officer(quality))
    found = outcome_of(case)
    if isinstance(found, InvalidCheck):
        assert found.violations
        for violation in found.violations:
            assert violation.field.startswith("/")
            assert "{" not in violation.fr + violation.en
    else:
        assert found.possible_consequences
        assert found.remedies


def outcome_of(case):
    try:
        return case.check()
    except InvalidCheck as refusal:
        return refusal


names = st.text("abcdefghijklmnopqrstuvwxyzéèçôABCDEFGHIJ", min_size=2, max_size=12).map(str.strip)


@given(
    names,
    names,
    st.sampled_from(["{} a pris la fuite", "vu avec {}, qui a couru", "sac jeté par {}", "({})"]),
    st.data(),
)
def test_a_telling_name_is_seen_in_every_spelling(family, given, frame, data):
    folded = words(family)
    assume(len(folded) == 1 and folded[0] not in COMMON_WORDS | PROTECTED_WORDS.keys() | TOPONYMS)
    person = replace(PERSON, family_name=family, given_names=given)
    marks = IdentityMarks.of(person, RECIPIENT)
    dotted = ".".join(fold(family).upper()) + "." if len(folded[0]) > 2 else family
    spelling = data.draw(
        st.sampled_from(
            [
                family,
                family.upper(),
                family.lower(),
                fold(family),
                fold(family).title(),
                dotted,
            ]
        )
    )
    text = frame.format(spelling)
    assert "text.identity" in findings_in(text, REASONS, marks)
    suspicion = suspicion_of([text], marks)
    assert suspicion is not None
    assert "text.identity" in findings_in(text, REASONS, marks, suspicion)


@given(
    st.dates(min_value=datetime(1900, 1, 1, tzinfo=UTC).date(), max_value=NOW.date()),
    st.sampled_from(
        [
            "{d:02}/{m:02}/{y}",
            "{d}.{m}.{y}",
            "{y}-{m:02}-{d:02}",
            "{d:02}{m:02}{y}",
            "{d:02} {m:02} {s:02}",
            "{y}{m:02}{d:02}",
            "{d}-{m}-{s:02}",
        ]
    ),
)
def test_a_birth_date_is_seen_in_every_order(date, form):
    marks = IdentityMarks.of(replace(PERSON, birth_date=date.isoformat()), RECIPIENT)
    text = "le " + form.format(d=date.day, m=date.month, y=date.year, s=date.year % 100)
    assert "text.identity" in findings_in(text, REASONS, marks)
    assert "text.identity" in findings_in(text, REASONS, marks, suspicion_of([text], marks))


@given(
    st.lists(texts, min_size=1, max_size=4), st.sampled_from([REASONS, CIRCUMSTANCES, EVENT, PLACE, REFERENCE]), names
)
def test_the_quick_pass_never_clears_what_the_screens_refuse(several, profile, family):
    marks = IdentityMarks.of(replace(PERSON, family_name=family), RECIPIENT)
    suspicion = suspicion_of(several, marks)
    for text in several:
        thorough = findings_in(text, profile, marks)
        assert (() if suspicion is None else findings_in(text, profile, marks, suspicion)) == thorough


@given(texts)
def test_the_quick_folding_agrees_with_the_full_one(text):
    quick = quick_words(text)
    if quick is not None:
        assert quick == [word for word in words(text) if not word.isdigit()]
    assert [word.folded for word in spell(text)] == words(text)
