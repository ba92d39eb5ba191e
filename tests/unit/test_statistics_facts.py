"""What is counted of a check, read off the claims that the service really writes."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from receipt_service.domain.correction import CorrectionReason, Replaced
from receipt_service.domain.groups import ORDINARY, Group, Moment, claims_of
from receipt_service.errors import MalformedReceipt
from receipt_service.statistics.facts import born_at_rest, cells_of, delay_band, officer_cells_of, resting
from receipt_service.statistics.lattice import DELAY_BANDS, Delivery, Dimension, RecordMark
from receipt_service.statistics.units import UnitTree
from tests.support.checks import CHECKED_AT, NOW, catalogue, situation
from tests.support.receipts import RECEIPT_NUMBER
from tests.support.stub_facts import claims, packed, reader

TREE = UnitTree({"N": None, "N1": "N"})


def real(code, *, recorded_at=NOW, moment=ORDINARY, **changed):
    check = replace(situation(code).check(), **changed)
    groups = claims_of(
        check,
        situation(code).person,
        receipt_number=RECEIPT_NUMBER,
        recorded_at=recorded_at,
        catalogue=catalogue(),
        moment=moment,
    )
    kept = [(group, claim) for group, claim in groups.items() if group is not Group.PERSON]
    return check, reader().read("\n".join(json.dumps(["s", group.value, claim]) for group, claim in kept))


def fact(**changed):
    return reader().read(packed(claims("N1", **changed)))


@pytest.mark.parametrize("code", sorted(catalogue().bases))
def test_a_real_check_of_every_basis_is_read(code):
    check, found = real(code)

    main = check.bases[0].code
    assert (found.basis, found.family) == (main, catalogue().bases[main].family)
    assert (found.unit, found.officer) == (check.officer.service.code, check.officer.number)
    assert (found.commune, found.department) == (check.place.commune, check.place.department)
    assert (found.reasons, found.measures, found.outcomes) == (check.reasons, check.measures, check.outcomes)
    assert found.selection == check.selection.value
    assert found.marks == (RecordMark.COMPLETE,)
    assert found.operations == tuple(use.operation_reference for use in check.bases if use.operation_reference)
    assert found.draw_counter is None


@pytest.mark.parametrize(
    ("at", "month", "band"),
    [
        ("2026-10-31T23:59:59+01:00", 202610, "21-24"),
        ("2026-11-01T00:00:00+01:00", 202611, "00-03"),
        ("2026-11-01T12:00:00+11:00", 202611, "12-15"),
    ],
)
def test_month_and_hour_are_those_of_the_place(at, month, band):
    found = fact(checked_at=at)

    assert (found.month, found.hour_band) == (month, band)


def test_a_check_recorded_after_an_hour_is_late_and_may_be_complete():
    in_time = real("CPP-78-2-AL2", recorded_at=CHECKED_AT + timedelta(hours=1))[1]
    late = real("CPP-78-2-AL2", recorded_at=CHECKED_AT + timedelta(hours=1, seconds=1))[1]

    assert in_time.marks == (RecordMark.COMPLETE,)
    assert late.marks == (RecordMark.COMPLETE, RecordMark.LATE)


def test_a_correction_is_marked_and_as_late_as_the_receipt_that_it_replaces():
    def corrected(first_recorded_at):
        replaced = Replaced(
            receipt_number=RECEIPT_NUMBER,
            reason=CorrectionReason.WRONG_PLACE,
            checked_at=CHECKED_AT,
            recorded_at=first_recorded_at,
        )
        days_after = CHECKED_AT + timedelta(days=2)
        return real("CPP-78-2-AL2", recorded_at=days_after, moment=Moment(replaces=replaced))[1]

    in_time, late = corrected(CHECKED_AT), corrected(CHECKED_AT + timedelta(hours=2))
    assert in_time.corrects
    assert in_time.marks == (RecordMark.COMPLETE, RecordMark.CORRECTION)
    assert late.marks == (RecordMark.COMPLETE, RecordMark.LATE, RecordMark.CORRECTION)
    assert not fact().corrects


def test_a_correction_that_went_to_nobody_was_declined_by_nobody():
    channels = ("screen", "declined")
    assert born_at_rest(channels) == (Delivery.SHOWN, Delivery.DECLINED)
    assert born_at_rest(channels, corrects=True) == (Delivery.SHOWN,)


def test_a_check_without_any_reason_is_marked():
    assert fact(reasons=[]).marks == (RecordMark.REASON_MISSING,)
    assert fact(reasons=[], reason_text="Il a changé de trottoir").marks == (RecordMark.COMPLETE,)


REQUISITION = {
    "communes": ["75056"],
    "starts_at": "2026-11-23T14:00:00+01:00",
    "ends_at": "2026-11-23T18:00:00+01:00",
}


@pytest.mark.parametrize(
    ("requisition", "mark"),
    [
        (REQUISITION, RecordMark.COMPLETE),
        ({**REQUISITION, "communes": ["75110"]}, RecordMark.COMPLETE),
        ({**REQUISITION, "communes": ["69123"]}, RecordMark.REQUISITION_OUTSIDE),
        ({**REQUISITION, "starts_at": "2026-11-23T15:05:31+01:00"}, RecordMark.REQUISITION_OUTSIDE),
        ({**REQUISITION, "ends_at": "2026-11-23T15:05:29+01:00"}, RecordMark.REQUISITION_OUTSIDE),
        (None, RecordMark.REQUISITION_MISSING),
    ],
)
def test_a_check_is_held_against_its_requisition(requisition, mark):
    basis = {"code": "CPP-78-2-AL7"} | ({} if requisition is None else {"requisition": requisition})

    assert fact(bases=[basis]).marks == (mark,)


def test_a_check_is_counted_in_each_of_its_areas():
    one = replace(fact(reasons=["A", "B"], outcomes=["X", "Y"]), channels=("sms",))
    cells = list(cells_of(one, TREE))

    assert {area for table, area, _, _ in cells if table == "total"} == {"F", "D75", "C75110", "UN1", "UN"}
    assert {area for table, area, _, _ in cells if table == "reason"} == {"F", "D75", "UN1", "UN"}
    assert sorted(pair[2:] for pair in cells if pair[:2] == ("reason*outcome", "F")) == [
        ("A", "X"), ("A", "Y"), ("B", "X"), ("B", "Y"),
    ]  # fmt: skip
    assert [pair for pair in cells if pair[0] in {"delivery", "delivery_delay"}] == []
    assert list(officer_cells_of(one)) == [
        (202611, "N1", "1234567", "identity_check", outcome) for outcome in ("", "X", "Y")
    ]


def test_a_unit_with_units_below_it_keeps_its_own_checks_apart():
    assert TREE.areas("N") == ("LN", "UN")
    assert TREE.own_area("N1") == "UN1"
    assert TREE.subtree("N") == {"N", "N1"}
    assert TREE.areas("elsewhere") == ("Uelsewhere",)


def test_a_message_is_counted_where_it_rests_and_nowhere_else():
    one = fact()
    moved = resting(one, "delivered", 7)

    assert resting(one, "sending", None) is None
    assert resting(one, "queued", None) is None
    assert resting(one, "dead_letter", None).values(Dimension.DELIVERY) == (Delivery.NOT_DELIVERED,)
    assert {cell[0] for cell in cells_of(moved, TREE)} == {"delivery", "delivery_delay"}
    assert (moved.deliveries, moved.delays) == ((Delivery.DELIVERED,), ("5-15",))
    assert list(officer_cells_of(moved)) == []
    assert born_at_rest(("sms", "paper", "declined")) == (Delivery.PRINTED, Delivery.DECLINED)


def test_delays_fall_into_their_bands():
    assert [delay_band(seconds) for seconds in (0, 4, 5, 59, 86_399, 86_400)] == [
        "0-5", "0-5", "5-15", "15-60", "7200-86400", "86400-",
    ]  # fmt: skip
    assert list(DELAY_BANDS.values()) == sorted(DELAY_BANDS.values())


@pytest.mark.parametrize("text", ["", "[]", "[1]\n[2]\n[3]\n[4]", "not JSON", packed(claims("N1")) + "\n[1,2,3]"])
def test_anything_else_is_refused(text):
    with pytest.raises(MalformedReceipt, match="not the disclosures"):
        reader().read(text)
