"""Tiles: their paths, what is written when a tree grows, bundles, and proofs that are read out of them."""

import pytest

from receipt_service.tlog.hash_reader import HashReader, check_tiles
from receipt_service.tlog.merkle import (
    EMPTY_ROOT,
    BadProof,
    RightEdge,
    Subtree,
    leaf_hash,
    root_hash,
    verify_consistency,
    verify_inclusion,
)
from receipt_service.tlog.tiles import (
    ENTRIES,
    LARGEST_ENTRY,
    MalformedTile,
    Tile,
    bundle_hashes,
    grow_tiles,
    hashes_of,
    parse_path,
    read_bundle,
    tile_at,
    tiles_for_growth,
    tiles_of,
    write_bundle,
)
from tests.support.tile_store import TileStore

LEAVES = [leaf_hash(number.to_bytes(4, "big")) for number in range(70_000)]


@pytest.fixture(scope="module")
def published():
    """The tree of 70,000 leaves of tlog-tiles' own example."""
    return TileStore(LEAVES)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(0, 1234067, 112), "tile/0/x001/x234/067.p/112"),
        (Tile(1, 0, 1), "tile/1/000.p/1"),
        (Tile(3, 999), "tile/3/999"),
        (Tile(0, 1000), "tile/0/x001/000"),
        (Tile(ENTRIES, 5, 255), "tile/entries/005.p/255"),
        (Tile(ENTRIES, 36_028_797_018_963_966), "tile/entries/x036/x028/x797/x018/x963/966"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_path_is_written_and_read(tile, path):
    assert tile.path == path
    assert parse_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/1",
        "tile/0/0001",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/00/001",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p/1/",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/data/000",
        "tile/0/\u0660\u0660\u0661",
        "tile/0/../000",
        "tile/0/x999/x999/x999/x999/x999/999",
        "tile/7/999",
        "",
    ],
)
def test_another_path_is_refused(path):
    with pytest.raises(MalformedTile):
        parse_path(path)


@pytest.mark.parametrize(("level", "index", "width"), [(0, -1, 1), (0, 0, 0), (0, 0, 257), (-2, 0, 1), (64, 0, 1)])
def test_no_tile_has_such_coordinates(level, index, width):
    with pytest.raises(MalformedTile):
        Tile(level, index, width)


def test_a_partial_tile_knows_its_full_one():
    assert Tile(1, 2, 3).full == Tile(1, 2)


def test_the_specifications_example():
    """tlog-tiles, Partial Tiles: what a tree of 70,000 leaves consists of."""
    counts = {}
    for tile in tiles_of(70_000):
        counts.setdefault((tile.level, tile.width), []).append(tile.index)
    assert counts[0, 256] == counts[ENTRIES, 256] == list(range(273))
    assert counts[0, 112] == counts[ENTRIES, 112] == [273]
    assert counts[1, 256] == [0]
    assert counts[1, 17] == [1]
    assert counts[2, 1] == [0]
    assert sum(map(len, counts.values())) == 273 * 2 + 2 + 3


def test_a_tree_of_one_full_tile():
    assert list(tiles_of(256)) == [Tile(ENTRIES, 0), Tile(0, 0), Tile(1, 0, 1)]


def test_growth_names_only_what_is_new():
    assert list(tiles_for_growth(300, 301)) == [Tile(ENTRIES, 1, 45), Tile(0, 1, 45)]
    assert list(tiles_for_growth(510, 513)) == [
        *(Tile(ENTRIES, 1), Tile(ENTRIES, 2, 1)),
        *(Tile(0, 1), Tile(0, 2, 1)),
        Tile(1, 0, 2),
    ]
    assert list(tiles_for_growth(300, 300)) == []
    assert list(tiles_for_growth(0, 0)) == []


def test_tiles_hold_the_hashes_of_their_level(published):
    assert published.files["tile/0/000"] == b"".join(LEAVES[:256])
    assert published.files["tile/0/273.p/112"] == b"".join(LEAVES[-112:])
    assert published.files["tile/1/000"][:32] == root_hash(LEAVES[:256])
    assert published.files["tile/1/001.p/17"][-32:] == root_hash(LEAVES[272 * 256 : 273 * 256])
    assert published.files["tile/2/000.p/1"] == root_hash(LEAVES[:65536])


def test_growth_step_by_step_makes_the_tiles_of_the_whole(published):
    store = TileStore()
    for end in (1, 2, 255, 256, 257, 1000, 65_535, 65_536, 69_999, 70_000):
        store.grow(LEAVES[store.size : end])
    assert published.files.items() <= store.files.items()


def test_growth_reads_one_partial_tile_of_each_level():
    store = TileStore(LEAVES[:69_000])
    store.read_paths.clear()
    store.grow(LEAVES[69_000:70_000])
    assert store.read_paths == ["tile/0/269.p/136", "tile/1/001.p/13"]


def test_growth_takes_a_wider_tile_in_place_of_a_partial_one(published):
    """A partial tile may be deleted once there is a wider one (tlog-tiles, Partial Tiles)."""
    made = dict(grow_tiles(100, LEAVES[100:300], lambda tile: published.files[tile.full.path]))
    assert made[Tile(0, 0)] == published.files["tile/0/000"]
    assert made[Tile(0, 1, 44)] == b"".join(LEAVES[256:300])


def test_growth_refuses_what_is_no_hash():
    with pytest.raises(MalformedTile):
        list(grow_tiles(0, [LEAVES[0], b"short"], lambda _: b""))


@pytest.mark.parametrize("data", [b"", LEAVES[0], LEAVES[0] * 2 + b"0", LEAVES[0] * 257])
def test_a_tile_of_another_length_is_refused(data):
    with pytest.raises(MalformedTile):
        hashes_of(Tile(0, 0, 2), lambda _: data)


def test_no_tile_where_the_tree_does_not_reach():
    with pytest.raises(MalformedTile):
        tile_at(0, 2, 512)


def test_a_bundle_is_written_and_read():
    entries = [b"", b"a", b"b" * LARGEST_ENTRY]
    data = write_bundle(entries)
    assert data[:5] == b"\0\0\0\x01a"
    assert read_bundle(data, 3) == entries
    assert bundle_hashes(data, 3) == b"".join(map(leaf_hash, entries))


@pytest.mark.parametrize(("data", "width"), [(b"\0\x01a", 2), (b"\0\x01a\0", 2), (b"\0\x02a", 1), (b"", 1), (b"\0", 1)])
def test_another_bundle_is_refused(data, width):
    with pytest.raises(MalformedTile):
        read_bundle(data, width)


@pytest.mark.parametrize("entries", [[], [b""] * 257, [b"x" * (LARGEST_ENTRY + 1)]], ids=len)
def test_a_bundle_that_cannot_be_written_is_not(entries):
    with pytest.raises(MalformedTile):
        write_bundle(entries)


@pytest.mark.parametrize("index", [0, 1, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999])
def test_an_inclusion_proof_is_read_from_few_tiles(published, index):
    published.read_paths.clear()
    reader = HashReader(70_000, published.read)
    root = reader.root()
    assert root == root_hash(LEAVES)
    verify_inclusion(LEAVES[index], index, 70_000, reader.inclusion_proof(index), root)
    assert reader.leaf(index) == LEAVES[index]
    assert len(published.read_paths) == len(set(published.read_paths)) <= 5


@pytest.mark.parametrize("old_size", [1, 2, 255, 256, 65_536, 65_537, 69_999, 70_000])
def test_a_consistency_proof_is_read_from_few_tiles(published, old_size):
    published.read_paths.clear()
    proof = HashReader(70_000, published.read).consistency_proof(old_size)
    assert len(published.read_paths) <= 5
    verify_consistency(old_size, root_hash(LEAVES[:old_size]), 70_000, root_hash(LEAVES), proof)


def test_the_right_edge_is_read_from_tiles(published):
    assert HashReader(70_000, published.read).right_edge() == RightEdge().extended(LEAVES)


def test_an_empty_tree_has_a_root_and_no_tiles():
    reader = HashReader(0, {}.__getitem__)
    assert reader.root() == EMPTY_ROOT
    assert reader.right_edge() == RightEdge()
    assert list(check_tiles(0, EMPTY_ROOT, {}.__getitem__)) == []
    with pytest.raises(BadProof):
        reader.inclusion_proof(0)


@pytest.mark.parametrize(("level", "index"), [(0, 70_000), (16, 1), (17, 0), (0, -1), (-1, 0), (8, 273)], ids=str)
def test_no_subtree_beyond_the_tree(published, level, index):
    with pytest.raises(BadProof):
        HashReader(70_000, published.read).subtree(Subtree(level, index))


def test_no_proof_of_a_larger_tree(published):
    with pytest.raises(BadProof):
        HashReader(70_000, published.read).consistency_proof(70_001)


def test_all_tiles_are_checked(published):
    checked = dict(check_tiles(70_000, root_hash(LEAVES), published.read))
    assert {tile.path: data for tile, data in checked.items()} == published.files


@pytest.mark.parametrize(
    "path", ["tile/0/000", "tile/0/272", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]
)
def test_one_bit_in_any_tile_is_found(published, path):
    bent = bytearray(published.files[path])
    bent[-1] ^= 1
    files = {**published.files, path: bytes(bent)}
    with pytest.raises(BadProof):
        list(check_tiles(70_000, root_hash(LEAVES), lambda tile: files[tile.path]))


def test_tiles_of_another_tree_are_found(published):
    with pytest.raises(BadProof, match="another root"):
        next(check_tiles(70_000, root_hash(LEAVES[:-1]), published.read))


def test_tiles_that_change_between_two_reads_are_found(published):
    """Who serves the right tile for the root and another to the auditor is caught, not believed."""
    served = []

    def read(tile):
        data = published.files[tile.path]
        served.append(tile.path)
        return bytes(len(data)) if served.count(tile.path) > 1 else data

    checked = dict(check_tiles(70_000, root_hash(LEAVES), read))
    assert {tile.path: data for tile, data in checked.items()} == published.files
    assert len(served) == len(set(served))
