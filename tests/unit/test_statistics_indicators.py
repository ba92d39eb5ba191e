"""The indicators by hand-made released cells: what each gives, and when it gives nothing."""

import math

import pytest
from scipy import stats

from receipt_service.statistics.indicator_sheet import INDICATOR_OF, NOT_MEASURED, SHEET, Indicator, Kind
from receipt_service.statistics.indicators import (
    RECKONING,
    WHY,
    Cells,
    Measured,
    Reason,
    complement,
    days_of,
    dispersion,
    draw_adherence,
    figures,
    median_delay,
)
from receipt_service.statistics.lattice import HOUR_BANDS, TABLES
from receipt_service.statistics.method.concentration import variance_to_mean
from receipt_service.statistics.method.draw import Draw, adherence, drawn_numbers

PERIOD, AREA = "2026-Q3", "D75"
COUNTS = {
    ("total", "", ""): 10_000,
    ("basis", "CPP-78-2-AL2", ""): 6_000,
    ("basis", "CPP-78-2-AL7", ""): 3_000,
    ("basis", "CROUTE-R233-1", ""): 60,
    ("basis", "~other", ""): 940,
    ("basis*outcome", "CPP-78-2-AL2", "LIBRE"): 4_800,
    ("basis*outcome", "CROUTE-R233-1", "LIBRE"): 30,
    ("basis*outcome", "~other", "LIBRE"): 500,
    ("basis*record", "CPP-78-2-AL2", "requisition_missing"): 40,
    ("basis*record", "CPP-78-2-AL7", "requisition_missing"): 300,
    ("basis*record", "CPP-78-2-AL7", "requisition_outside"): None,
    ("record", "complete", ""): 9_000,
    ("record", "reason_missing", ""): 500,
    ("outcome", "LIBRE", ""): 8_000,
    ("outcome", "VERIF", ""): 250,
    ("outcome", "GAV", ""): None,
    ("measure", "PALPATION", ""): 2_000,
    ("measure*outcome", "PALPATION", "SAISIE"): 100,
    ("selection", "behaviour", ""): 7_000,
    ("delivery", "delivered", ""): 4_000,
    ("delivery", "sent", ""): 600,
    ("delivery", "not_delivered", ""): 400,
    ("delivery", "declined", ""): 1_500,
    ("delivery_delay", "0-5", ""): 1_000,
    ("delivery_delay", "5-15", ""): 3_000,
    ("delivery_delay", "60-300", ""): 0,
} | {("hour_band", band, ""): 1_250 for band in HOUR_BANDS}
AROUND = {("total", "", ""): 100_000} | {("hour_band", band, ""): 12_500 for band in HOUR_BANDS}
PLACES = {f"C7510{number}": 1_000 * number for number in range(1, 6)}
MONTHS = {"2026-07": 3_100, "2026-08": 3_100, "2026-09": 3_000}


def cells(changed=None, **options):
    released = {(table, PERIOD, AREA, a, b): n for (table, a, b), n in (COUNTS | (changed or {})).items()}
    released |= {(table, PERIOD, "F", a, b): n for (table, a, b), n in AROUND.items()}
    released |= {("total", PERIOD, place, "", ""): n for place, n in PLACES.items()}
    released |= {("total", month, AREA, "", ""): n for month, n in MONTHS.items()}
    given = {
        "requisition_bases": frozenset({"CPP-78-2-AL7"}),
        "places": tuple(PLACES),
        "compared_with": "F",
        "noise_variance": 3.0,
    }
    return Cells(released=released, period=PERIOD, area=AREA, **given | options)


def reckoned(code, changed=None, **options):
    return dict(RECKONING[code](cells(changed, **options)))


@pytest.mark.parametrize(
    ("code", "category", "value"),
    [
        ("checks", "", 10_000),
        ("checks_per_day", "", 10_000 / 92),
        ("checks_by_basis", "CPP-78-2-AL7", 3_000),
        ("checks_by_hour", "21-24", 1_250),
        ("checks_by_place", "C75103", 3_000),
        ("reason_missing", "", 0.05),
        ("requisition_missing", "CPP-78-2-AL7", 0.1),
        ("record_complete", "", 0.9),
        ("nothing", "", 0.8),
        ("hit_rate_by_basis", "CPP-78-2-AL2", 0.2),
        ("outcomes", "VERIF", 0.025),
        ("measures", "PALPATION", 0.2),
        ("find_rate_by_measure", "PALPATION", 0.05),
        ("location_quotient", "00-03", 1.0),
        ("selection_modes", "behaviour", 0.7),
        ("delivered", "", 0.8),
        ("not_delivered", "", 0.08),
        ("declined", "", 0.15),
        ("delivery_time", "", 5 + 10 * 1_000 / 3_000),
        ("place_gini", "", 4 / 15),
        ("time_dispersion", "hour_band", 0.0),
    ],
)
def test_an_indicator_is_what_its_formula_says(code, category, value):
    result = reckoned(code)[category]

    assert result.value == pytest.approx(value)
    for end in (result.low, result.high):
        assert end is None or math.isfinite(end)
    if INDICATOR_OF[code].kind is Kind.SHARE:
        assert 0 <= result.low < result.value < result.high <= 1


@pytest.mark.parametrize(
    ("code", "category", "reason"),
    [
        ("recorded_late", "", Reason.NOT_SHOWN),
        ("outcomes", "GAV", Reason.NOT_SHOWN),
        ("requisition_outside", "CPP-78-2-AL7", Reason.NOT_SHOWN),
        ("hit_rate_by_basis", "CROUTE-R233-1", Reason.SMALL_DENOMINATOR),
        ("hit_rate_by_basis", "CPP-78-2-AL7", Reason.NOT_SHOWN),
        ("draw_adherence", "", Reason.NOT_COUNTED),
        ("corrections", "", Reason.NOT_SHOWN),
    ],
)
def test_what_cannot_be_given_says_why(code, category, reason):
    assert reckoned(code)[category] is reason


@pytest.mark.parametrize(
    ("code", "changed", "reason"),
    [
        ("checks", {("total", "", ""): None}, Reason.NOT_SHOWN),
        ("nothing", {("total", "", ""): None}, Reason.NOT_SHOWN),
        ("nothing", {("total", "", ""): 99}, Reason.SMALL_DENOMINATOR),
        ("delivered", {("delivery", "sent", ""): None}, Reason.NOT_SHOWN),
        ("delivery_time", {("delivery_delay", band, ""): None for band in ("0-5", "5-15")}, Reason.NOT_SHOWN),
        (
            "delivery_time",
            {("delivery_delay", "0-5", ""): 40, ("delivery_delay", "5-15", ""): 59},
            Reason.SMALL_DENOMINATOR,
        ),
    ],
)
def test_a_missing_or_small_count_gives_no_figure(code, changed, reason):
    assert reckoned(code, changed)[""] is reason


def test_few_places_give_no_concentration():
    assert reckoned("place_gini", places=tuple(PLACES)[:4])[""] is Reason.FEW_PARTS


def test_places_with_hardly_a_check_give_no_concentration():
    none = {("total", PERIOD, place, "", ""): 0 for place in PLACES}
    empty = Cells(released=none, period=PERIOD, area=AREA, noise_variance=3.0, places=tuple(PLACES))

    assert dict(RECKONING["place_gini"](empty)) == {"": Reason.SMALL_DENOMINATOR}


def test_a_share_of_99_is_refused_and_one_of_100_given():
    assert isinstance(reckoned("nothing", {("total", "", ""): 100, ("outcome", "LIBRE", ""): 50})[""], Measured)


def test_requisitions_are_asked_for_only_where_the_basis_needs_one():
    assert set(reckoned("requisition_missing")) == {"CPP-78-2-AL7"}


def test_merged_lines_give_nothing():
    assert "~other" not in reckoned("checks_by_basis")
    assert "~other" not in reckoned("hit_rate_by_basis")


def test_without_an_area_around_it_nothing_is_located():
    assert reckoned("location_quotient", compared_with=None) == {}


@pytest.mark.parametrize("missing", [("hour_band", "00-03", ""), ("total", "", "")])
def test_a_quotient_needs_all_four_counts(missing):
    assert reckoned("location_quotient", {missing: None})["00-03"] is Reason.NOT_SHOWN


def test_a_quotient_of_few_checks_is_not_given():
    assert reckoned("location_quotient", {("total", "", ""): 99})["00-03"] is Reason.SMALL_DENOMINATOR


def test_noise_widens_every_interval():
    quiet, noisy = reckoned("nothing", noise_variance=0.0)[""], reckoned("nothing", noise_variance=300.0)[""]

    assert noisy.low < quiet.low
    assert noisy.high > quiet.high
    assert reckoned("checks", noise_variance=0.0)[""].low == 10_000


def test_months_are_held_against_their_days():
    months = reckoned("time_dispersion")["month"]

    assert months.chance > 0.5
    assert "month" not in dict(RECKONING["time_dispersion"](cells_of_a_month()))


def cells_of_a_month():
    return Cells(released={}, period="2026-07", area=AREA, noise_variance=3.0)


def test_hours_that_are_not_all_shown_are_not_tested():
    assert reckoned("time_dispersion", {("hour_band", "03-06", ""): None})["hour_band"] is Reason.NOT_SHOWN


def test_few_checks_are_not_tested():
    few = {("hour_band", band, ""): 12 for band in HOUR_BANDS}

    assert reckoned("time_dispersion", few)["hour_band"] is Reason.SMALL_DENOMINATOR


def test_dispersion_is_the_chi_squared_test():
    counts, lengths = [120, 90, 140, 150], [31, 28, 31, 30]
    expected = [sum(counts) * length / sum(lengths) for length in lengths]

    found = dispersion(counts, lengths, 0.0)

    theirs = stats.chisquare(counts, expected)
    assert found.value * 3 == pytest.approx(theirs.statistic)
    assert found.chance == pytest.approx(theirs.pvalue)


def test_of_equal_parts_it_is_the_variance_to_mean_ratio():
    counts = [120, 90, 140, 150]

    assert dispersion(counts, [1] * 4, 0.0).value == pytest.approx(variance_to_mean(counts).ratio)
    assert dispersion(counts, [1] * 4, 9.0).chance == pytest.approx(
        variance_to_mean(counts, noise_variance=9.0).clustered
    )


def test_adherence_to_a_draw_is_a_share_of_a_hundred_checks_or_more():
    draw = Draw(seed=bytes(16), one_in=10, passers=3_000)
    due = drawn_numbers(draw)
    made = [*due[:190], *(number for number in range(1, 90) if number not in due)][:200]

    found = draw_adherence(adherence(draw, made), len(made))

    assert found.value == pytest.approx(190 / 200)
    assert found.low < found.value < found.high
    assert 0 <= found.chance <= 1
    assert draw_adherence(adherence(draw, made[:99]), 99) is Reason.SMALL_DENOMINATOR
    assert draw_adherence(adherence(draw, []), 0) is Reason.SMALL_DENOMINATOR


def test_noise_is_no_sign_of_clustering():
    assert dispersion([110, 90], [1, 1], 50.0).value < dispersion([110, 90], [1, 1], 0.0).value


def test_the_last_band_of_delays_is_open():
    assert median_delay({"86400-": 100}) == Measured(86400, 86400, None, 100)


def test_the_rest_of_a_share_has_the_rest_of_its_interval():
    assert complement(Measured(0.2, 0.1, 0.4, 100)) == Measured(0.8, 0.6, 0.9, 100)
    assert complement(Measured(0.2, None, None)) == Measured(0.8, None, None)


@pytest.mark.parametrize(("month", "days"), [(202602, 28), (202802, 29), (202612, 31)])
def test_days_of_a_month(month, days):
    assert days_of(month) == days


def test_every_indicator_of_the_sheet_is_reckoned_in_its_order():
    found = figures(cells())

    assert set(RECKONING) == set(INDICATOR_OF)
    assert list(dict.fromkeys(figure.indicator for figure in found)) == [
        indicator.code for indicator in SHEET if indicator.code in {figure.indicator for figure in found}
    ]


def test_the_sheet_speaks_both_languages_and_hides_nothing():
    for texts in [text for one in SHEET for text in (one.label, one.definition, one.cannot_show)]:
        assert set(texts) == {"fr", "en"}
        assert texts["fr"] != texts["en"]
    assert all(one.formula and one.source for one in SHEET)
    assert len(INDICATOR_OF) == len(SHEET)
    assert set(WHY) == set(Reason)


def test_what_cannot_be_measured_is_said_with_where_it_is():
    assert all("defenseurdesdroits.fr" in text for text in NOT_MEASURED.values())


def test_a_table_that_the_lattice_does_not_have_is_refused():
    known = SHEET[0]
    with pytest.raises(ValueError, match="lattice"):
        Indicator(
            code="x",
            kind=known.kind,
            tables=("officer",),
            label=known.label,
            definition=known.definition,
            formula="",
            source="",
            cannot_show=known.cannot_show,
        )


def test_every_value_comes_from_a_table_of_the_lattice():
    assert {table for one in SHEET for table in one.tables} <= {table.code for table in TABLES}
