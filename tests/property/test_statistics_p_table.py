"""What holds for the noise, whatever its parameters."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from receipt_service.statistics.method.p_table import Noise, least_variance, perturbation_table


@st.composite
def noises(draw):
    forbidden = draw(st.integers(0, 12))
    return Noise(
        deviation=draw(st.integers(forbidden + 1, forbidden + 12)),
        variance=draw(st.floats(0.05, 60)),
        forbidden=forbidden,
    )


@settings(max_examples=25)  # a table takes a tenth of a second
@given(noises())
def test_every_row_keeps_the_constraints(noise):
    for count, row in enumerate(perturbation_table(noise)):
        results = [count + deviation for deviation in row.deviations]
        most = max(noise.variance, least_variance(count, noise.forbidden))

        assert abs(sum(row.probabilities) - 1) < 1e-9
        assert abs(row.mean) < 1e-6
        assert row.variance <= most * (1 + 1e-5)
        assert all(result == 0 or result > noise.forbidden for result in results)
        assert all(abs(deviation) <= noise.deviation for deviation in row.deviations)


@settings(max_examples=25)  # a table takes a tenth of a second
@given(noises())
def test_probability_does_not_fall_on_the_way_up_to_no_deviation(noise):
    for row in perturbation_table(noise):
        if 0 in row.deviations:
            rising = row.probabilities[: row.deviations.index(0) + 1]
            assert all(low <= high * (1 + 1e-9) for low, high in pairwise(rising))


@settings(max_examples=25)  # a table takes a tenth of a second
@given(noises())
def test_variance_is_reached_where_less_curved_noise_would_exceed_it(noise):
    """Of a row below its variance the noise is as flat as its mean allows: it is the same for every larger variance."""
    larger = Noise(deviation=noise.deviation, variance=4 * noise.variance, forbidden=noise.forbidden)
    for count, (row, wider) in enumerate(zip(perturbation_table(noise), perturbation_table(larger), strict=True)):
        if count and row.variance < noise.variance * (1 - 1e-5):
            assert max(abs(a - b) for a, b in zip(row.probabilities, wider.probabilities, strict=True)) < 1e-6
