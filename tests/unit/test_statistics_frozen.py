"""What is kept of released figures: up to a bound, the least asked for goes first."""

from receipt_service.statistics.frozen import Kept


def test_what_was_asked_for_last_stays():
    kept = Kept[str, list[int]](6, len)
    for name, size in (("a", 2), ("b", 2), ("c", 2)):
        assert kept.keep(name, [0] * size) == [0] * size
    assert kept.get("a") == [0, 0]
    kept.keep("d", [0])
    assert [name for name in "abcd" if kept.get(name) is not None] == ["a", "c", "d"]


def test_what_is_larger_than_the_bound_is_given_and_not_kept():
    kept = Kept[str, list[int]](3, len)
    kept.keep("small", [1])
    assert kept.keep("large", [0] * 4) == [0] * 4
    assert kept.get("large") is None
    assert kept.get("small") == [1]


def test_the_first_value_of_a_key_stays():
    kept = Kept[str, int](2)
    kept.keep("a", 1)
    kept.keep("a", 2)
    kept.keep("b", 3)
    assert (kept.get("a"), kept.get("b")) == (1, 3)
