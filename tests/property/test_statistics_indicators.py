"""What holds for the indicators whatever was released."""

import math

from hypothesis import given
from hypothesis import strategies as st

from receipt_service.statistics.indicator_sheet import INDICATOR_OF, Kind
from receipt_service.statistics.indicators import Cells, Measured, figures, median_delay
from receipt_service.statistics.lattice import DELAY_BANDS, HOUR_BANDS, LAST_DELAY_BAND

BANDS = (*DELAY_BANDS, LAST_DELAY_BAND)
shown = st.none() | st.integers(11, 10_000) | st.just(0)
tables = {
    "total": [("", "")],
    "basis": [("B1", ""), ("B2", ""), ("~other", "")],
    "reason": [("R1", "")],
    "hour_band": [(band, "") for band in HOUR_BANDS],
    "selection": [("behaviour", "")],
    "outcome": [("LIBRE", ""), ("VERIF", "")],
    "measure": [("PALPATION", "")],
    "record": [("complete", ""), ("late", ""), ("reason_missing", "")],
    "delivery": [(each, "") for each in ("delivered", "sent", "not_delivered", "declined")],
    "delivery_delay": [(band, "") for band in BANDS],
    "basis*outcome": [("B1", "LIBRE"), ("B2", "LIBRE"), ("~other", "LIBRE")],
    "basis*record": [("B1", "requisition_missing"), ("B1", "requisition_outside")],
    "measure*outcome": [("PALPATION", "SAISIE")],
}
keys = [(table, "2026-Q3", area, a, b) for table, values in tables.items() for a, b in values for area in ("D75", "F")]
PLACES = tuple(f"C7510{number}" for number in range(1, 7))
keys += [("total", "2026-Q3", place, "", "") for place in PLACES]
released = st.fixed_dictionaries({}, optional=dict.fromkeys(keys, shown))


@st.composite
def some_cells(draw):
    return Cells(
        released=draw(released),
        period="2026-Q3",
        area="D75",
        noise_variance=draw(st.floats(0, 50)),
        requisition_bases=frozenset({"B1"}),
        places=PLACES,
        compared_with="F",
    )


@given(some_cells())
def test_a_figure_is_a_number_inside_its_interval_or_a_reason(cells):
    for figure in figures(cells):
        result = figure.result
        if isinstance(result, Measured):
            assert math.isfinite(result.value)
            assert result.low is None or result.low <= result.value + 1e-9
            assert result.high is None or result.value <= result.high + 1e-9
            assert result.chance is None or 0 <= result.chance <= 1


@given(some_cells())
def test_a_share_is_only_of_a_hundred_or_more(cells):
    for figure in figures(cells):
        if isinstance(figure.result, Measured) and INDICATOR_OF[figure.indicator].kind is Kind.SHARE:
            assert figure.result.denominator >= 100


@given(some_cells(), st.sampled_from(keys))
def test_a_count_that_is_withheld_is_like_one_that_is_not_there(cells, key):
    """So that "withheld" tells nothing that "none" would not."""
    absent = {name: count for name, count in cells.released.items() if name != key and count is not None}
    withheld = {**absent, key: None}

    def given(mapping):
        figure_of = figures(
            Cells(
                released=mapping,
                period=cells.period,
                area=cells.area,
                noise_variance=cells.noise_variance,
                requisition_bases=cells.requisition_bases,
                places=cells.places,
                compared_with=cells.compared_with,
            )
        )
        return {(each.indicator, each.category): each.result for each in figure_of if isinstance(each.result, Measured)}

    assert given(absent) == given(withheld)


@given(st.dictionaries(st.sampled_from(BANDS), st.integers(0, 5_000)))
def test_half_of_the_messages_take_no_longer_than_the_median(messages):
    found = median_delay(messages)

    if isinstance(found, Measured):
        total = sum(messages.values())
        bounds = [0, *DELAY_BANDS.values()]
        until_low = sum(messages.get(band, 0) for band, begins in zip(BANDS, bounds, strict=True) if begins < found.low)
        assert until_low <= total / 2
        if found.high is not None:
            until_high = sum(messages.get(band, 0) for band, ends in DELAY_BANDS.items() if ends <= found.high)
            assert until_high >= total / 2
