"""Looking at the nearest parts finds every sliver, whichever of the parts a reader takes."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from receipt_service.statistics.method.slivers import slivers

AREAS = {"F": ["D1", "D2"], "D1": ["C1", "C2", "C3"], "D2": ["C4", "C5"]}
LEAVES = ["C1", "C2", "C3", "C4", "C5"]
leaf_counts = st.lists(st.integers(0, 15) | st.integers(0, 90), min_size=5, max_size=5)


def below(area):
    return {area} if area not in AREAS else set().union(*(below(part) for part in AREAS[area]))


@given(leaf_counts, st.sets(st.sampled_from(["F", "D1", "D2", *LEAVES])))
def test_slivers_are_found_where_some_choice_of_parts_leaves_a_few(counts, offered):
    leaves = dict(zip(LEAVES, counts, strict=True))
    true = {area: sum(leaves[leaf] for leaf in below(area)) for area in sorted(offered)}
    true = {area: n for area, n in true.items() if not 0 < n < 11}
    found = False
    for whole, n in true.items():
        inner = [area for area in true if area != whole and below(area) < below(whole)]
        for size in range(1, len(inner) + 1):
            for parts in combinations(inner, size):
                disjoint = sum(len(below(part)) for part in parts) == len(set().union(*map(below, parts)))
                found |= disjoint and 0 < n - sum(true[part] for part in parts) < 11

    assert bool(slivers(true, [AREAS])) == found
