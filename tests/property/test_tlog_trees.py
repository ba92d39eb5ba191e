"""Whatever the size, the index and the steps of growth: what is true is proven, and what is bent is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_service.tlog.hash_reader import HashReader, check_tiles
from receipt_service.tlog.merkle import BadProof, RightEdge, leaf_hash, verify_consistency, verify_inclusion
from receipt_service.tlog.tiles import (
    ENTRIES,
    MalformedTile,
    Tile,
    parse_path,
    read_bundle,
    tile_at,
    tiles_for_growth,
    write_bundle,
)
from tests.support.merkle_by_definition import tree_hash
from tests.support.tile_store import TileStore

MOST = 2_000
LEAVES = [leaf_hash(number.to_bytes(4, "big")) for number in range(MOST)]
SIZES = st.integers(1, MOST)


@st.composite
def growths(draw):
    """The sizes that a tree passes through, up to the last."""
    return sorted(draw(st.lists(SIZES, min_size=1, max_size=8, unique=True)))


@st.composite
def bent_proofs(draw, proof, bystander):
    """The nodes with one bit flipped, one missing, one too many, or two exchanged."""
    nodes = list(proof)
    place = draw(st.integers(0, max(len(nodes) - 1, 0)))
    ways = ["more"] + (["flip", "fewer", "twice"] if nodes else [])
    match draw(st.sampled_from(ways)):
        case "more":
            nodes.insert(draw(st.integers(0, len(nodes))), bystander)
        case "flip":
            bit = draw(st.integers(0, 255))
            flipped = bytearray(nodes[place])
            flipped[bit // 8] ^= 1 << bit % 8
            nodes[place] = bytes(flipped)
        case "fewer":
            del nodes[place]
        case "twice":
            nodes.insert(place, nodes[place])
    return nodes


@given(growths())
def test_any_split_of_growth_makes_the_same_tiles(steps):
    store = TileStore()
    edge = RightEdge()
    for size in steps:
        edge = edge.extended(LEAVES[edge.size : size])
        store.grow(LEAVES[store.size : size])
        assert HashReader(size, store.read).right_edge() == edge
        assert edge.root == tree_hash(LEAVES[:size])

    at_once = TileStore(LEAVES[: steps[-1]])
    assert at_once.files.items() <= store.files.items()
    checked = dict(check_tiles(steps[-1], edge.root, store.read))
    assert {tile.path: data for tile, data in checked.items()} == at_once.files


@given(st.data(), SIZES)
def test_every_leaf_is_proven_and_no_bent_proof_is_taken(data, size):
    index = data.draw(st.integers(0, size - 1))
    reader = HashReader(size, TileStore(LEAVES[:size]).read)
    proof, root = reader.inclusion_proof(index), tree_hash(LEAVES[:size])

    verify_inclusion(LEAVES[index], index, size, proof, root)
    with pytest.raises(BadProof):
        verify_inclusion(LEAVES[index], index, size, data.draw(bent_proofs(proof, root)), root)
    with pytest.raises(BadProof):
        verify_inclusion(leaf_hash(b"other"), index, size, proof, root)


@given(st.data(), SIZES)
def test_every_beginning_is_proven_and_no_bent_proof_is_taken(data, new_size):
    old_size = data.draw(st.integers(1, new_size))
    proof = HashReader(new_size, TileStore(LEAVES[:new_size]).read).consistency_proof(old_size)
    old_root, new_root = tree_hash(LEAVES[:old_size]), tree_hash(LEAVES[:new_size])

    verify_consistency(old_size, old_root, new_size, new_root, proof)
    with pytest.raises(BadProof):
        verify_consistency(old_size, old_root, new_size, new_root, data.draw(bent_proofs(proof, new_root)))
    forked = tree_hash([*LEAVES[: old_size - 1], leaf_hash(b"other")])
    with pytest.raises(BadProof):
        verify_consistency(old_size, forked, new_size, new_root, proof)


@given(growths())
def test_growth_names_every_tile_of_each_size_once(steps):
    """What was written before and what is new make up the tiles of the new tree, none written twice."""
    written, size = set(), 0
    for new_size in steps:
        new = list(tiles_for_growth(size, new_size))
        assert len(new) == len(set(new))
        assert written.isdisjoint(new)
        written.update(new)
        assert written.issuperset(tiles_for_growth(0, new_size))
        size = new_size


@given(st.integers(ENTRIES, 7), st.integers(0, 10**17), st.integers(1, 256))
def test_a_path_leads_back(level, index, width):
    try:
        tile = Tile(level, index, width)
    except MalformedTile:
        return
    assert parse_path(tile.path) == tile


@given(st.text("tile/0123456789x.pentris", max_size=24).map("tile/".__add__))
def test_a_path_is_read_only_as_it_would_be_written(path):
    try:
        tile = parse_path(path)
    except MalformedTile:
        return
    assert tile.path == path


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=256), st.data())
def test_a_bundle_leads_back_and_has_one_form(entries, data):
    written = write_bundle(entries)
    assert read_bundle(written, len(entries)) == entries

    bent = bytearray(written)
    bent[data.draw(st.integers(0, len(bent) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        others = read_bundle(bytes(bent), len(entries))
    except MalformedTile:
        return
    assert others != entries
    assert write_bundle(others) == bytes(bent)


@given(SIZES)
def test_a_tree_has_no_tile_beyond_those_named(size):
    named = set(tiles_for_growth(0, size))
    for tile in named:
        assert tile_at(tile.level, tile.index, size) == tile
    assert {tile.level for tile in named} == {ENTRIES, *range((size.bit_length() + 7) // 8)}
