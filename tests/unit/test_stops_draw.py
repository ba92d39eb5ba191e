from hypothesis import given
from hypothesis import strategies as st

from receipt_service.demo.stops.draw import Draw


def test_the_choices_are_the_same_in_every_process():
    draw = Draw(2026, "person", b"record")
    assert [draw.below(1000) for _ in range(4)] == [300, 372, 250, 671]
    assert Draw(2026, "person", b"record").bytes(4).hex() == "4c5f40ab"


@given(
    one=st.tuples(st.integers(0, 9), st.sampled_from("ab"), st.binary(max_size=4)),
    other=st.tuples(st.integers(0, 9), st.sampled_from("ab"), st.binary(max_size=4)),
)
def test_seed_purpose_and_record_each_make_another_stream(one, other):
    assert (Draw(*one).bytes(16) == Draw(*other).bytes(16)) == (one == other)


@given(seed=st.integers(0, 2**63), bound=st.integers(1, 2**32))
def test_a_choice_lies_below_its_bound(seed, bound):
    draw = Draw(seed, "x", b"")
    assert all(0 <= draw.below(bound) < bound for _ in range(20))


def test_shares_are_kept():
    draw = Draw(1, "shares", b"")
    drawn = [draw.share({"often": 90, "never": 0, "seldom": 10}) for _ in range(10_000)]
    assert drawn.count("never") == 0
    assert 850 < drawn.count("seldom") < 1150
