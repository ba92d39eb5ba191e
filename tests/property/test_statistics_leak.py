"""After withholding, no difference of nested shown cells is 1 to 10, whichever of the parts a reader takes."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from receipt_service.statistics.method.leak import slivers, to_withhold

AREAS = {"F": ["D1", "D2"], "D1": ["C1", "C2", "C3"], "D2": ["C4", "C5"]}
LEAVES = ["C1", "C2", "C3", "C4", "C5"]
leaf_counts = st.lists(st.integers(0, 15) | st.integers(0, 90), min_size=5, max_size=5)


def below(area):
    return {area} if area not in AREAS else set().union(*(below(part) for part in AREAS[area]))


@given(leaf_counts, st.sets(st.sampled_from(["F", "D1", "D2", *LEAVES])))
def test_no_difference_of_shown_areas_is_a_sliver(counts, offered):
    leaves = dict(zip(LEAVES, counts, strict=True))
    true = {area: sum(leaves[leaf] for leaf in below(area)) for area in sorted(offered)}
    true = {area: n for area, n in true.items() if not 0 < n < 11}
    withheld = to_withhold(true, [AREAS])
    shown = {area: n for area, n in true.items() if area not in withheld}

    assert withheld <= true.keys()
    assert slivers(shown, [AREAS]) == []
    for whole, n in shown.items():
        inner = [area for area in shown if area != whole and below(area) < below(whole)]
        for size in range(1, len(inner) + 1):
            for parts in combinations(inner, size):
                disjoint = sum(len(below(part)) for part in parts) == len(set().union(*map(below, parts)))
                assert not disjoint or not 0 < n - sum(shown[part] for part in parts) < 11


@given(leaf_counts)
def test_nothing_is_withheld_where_there_is_no_sliver(counts):
    leaves = {leaf: n + 11 for leaf, n in zip(LEAVES, counts, strict=True)}
    true = {area: sum(leaves[leaf] for leaf in below(area)) for area in ["F", "D1", "D2", *LEAVES]}

    assert to_withhold(true, [AREAS]) == frozenset()
