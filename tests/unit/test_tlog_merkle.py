"""The Merkle tree against RFC 6962's own recursive definition, and what verification must refuse."""

import hashlib

import pytest

from receipt_service.tlog.merkle import (
    EMPTY_ROOT,
    BadProof,
    RightEdge,
    Subtree,
    consistency_ranges,
    full_subtrees,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    root_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.support.merkle_by_definition import consistency_path, inclusion_path, tree_hash

LEAVES = [leaf_hash(str(number).encode()) for number in range(70)]


def test_hashes_have_the_prefixes_of_the_rfc():
    assert hashlib.sha256(b"").digest() == EMPTY_ROOT
    assert leaf_hash(b"a") == hashlib.sha256(b"\x00a").digest()
    assert node_hash(b"l" * 32, b"r" * 32) == hashlib.sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()


def test_roots_are_those_of_the_definition():
    assert [root_hash(LEAVES[:size]) for size in range(71)] == [tree_hash(LEAVES[:size]) for size in range(71)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13, 64, 70])
def test_ranges_of_proofs_are_the_paths_of_the_definition(size):
    for index in range(size):
        path = [tree_hash(LEAVES[start:end]) for start, end in inclusion_ranges(index, size)]
        assert path == inclusion_path(index, LEAVES[:size])
    for old_size in range(1, size + 1):
        path = [tree_hash(LEAVES[start:end]) for start, end in consistency_ranges(old_size, size)]
        assert path == consistency_path(old_size, LEAVES[:size])


def test_nothing_proves_that_a_tree_begins_with_the_empty_one():
    assert consistency_ranges(0, 5) == []


def test_no_ranges_where_there_is_nothing_to_prove():
    for index, size in [(0, 0), (5, 5), (-1, 5)]:
        with pytest.raises(BadProof):
            inclusion_ranges(index, size)
    for old_size, new_size in [(6, 5), (-1, 5)]:
        with pytest.raises(BadProof):
            consistency_ranges(old_size, new_size)


def test_full_subtrees_cover_a_range():
    assert list(full_subtrees(3, 13)) == [Subtree(0, 3), Subtree(2, 1), Subtree(2, 2), Subtree(0, 12)]
    assert list(full_subtrees(4, 4)) == []


@pytest.mark.parametrize("size", [1, 2, 5, 16, 33])
def test_every_leaf_is_proven_and_only_there(size):
    root = root_hash(LEAVES[:size])
    for index in range(size):
        proof = inclusion_path(index, LEAVES[:size])
        verify_inclusion(LEAVES[index], index, size, proof, root)
        for elsewhere in {*range(size)} - {index}:
            with pytest.raises(BadProof):
                verify_inclusion(LEAVES[index], elsewhere, size, proof, root)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (4, 3), (-1, 3), (2**63, 2**63 + 1), (0, 2**63)], ids=repr)
def test_a_place_that_no_tree_has_is_refused(index, size):
    with pytest.raises(BadProof):
        verify_inclusion(LEAVES[0], index, size, [], LEAVES[0])


def test_an_inclusion_proof_has_its_nodes_and_no_others():
    root = root_hash(LEAVES[:13])
    proof = inclusion_path(6, LEAVES[:13])
    for bent in (proof[1:], proof[:-1], [*proof, root], [root, *proof], [proof[0][:-1], *proof[1:]], []):
        with pytest.raises(BadProof):
            verify_inclusion(LEAVES[6], 6, 13, bent, root)


@pytest.mark.parametrize("spoilt", ["leaf", "root"])
def test_leaf_and_root_are_hashes_of_32_bytes(spoilt):
    leaf, root = LEAVES[0], LEAVES[0]
    with pytest.raises(BadProof, match="32 bytes"):
        verify_inclusion(leaf[1:] if spoilt == "leaf" else leaf, 0, 1, [], root + b"0" if spoilt == "root" else root)


def test_every_beginning_of_a_tree_is_proven():
    for new_size in range(1, 40):
        for old_size in range(1, new_size + 1):
            proof = consistency_path(old_size, LEAVES[:new_size])
            verify_consistency(old_size, root_hash(LEAVES[:old_size]), new_size, root_hash(LEAVES[:new_size]), proof)


def test_another_beginning_is_refused():
    new_root = root_hash(LEAVES[:13])
    for old_size in range(1, 14):
        other = root_hash([*LEAVES[: old_size - 1], LEAVES[69]])
        with pytest.raises(BadProof):
            verify_consistency(old_size, other, 13, new_root, consistency_path(old_size, LEAVES[:13]))


@pytest.mark.parametrize(("old_size", "new_size"), [(0, 0), (0, 13), (14, 13), (-1, 13), (1, 2**63)], ids=repr)
def test_sizes_that_leave_nothing_to_prove_are_refused(old_size, new_size):
    with pytest.raises(BadProof):
        verify_consistency(old_size, EMPTY_ROOT, new_size, root_hash(LEAVES[:13]), [])


@pytest.mark.parametrize("old_size", [1, 6, 8, 12, 13])
def test_a_consistency_proof_has_its_nodes_and_no_others(old_size):
    old_root, new_root = root_hash(LEAVES[:old_size]), root_hash(LEAVES[:13])
    proof = consistency_path(old_size, LEAVES[:13])
    bents = [[*proof, new_root], [old_root, *proof], [new_root, *proof]]
    if proof:
        bents += [proof[1:], proof[:-1], [proof[0] + b"0", *proof[1:]], []]
    for bent in bents:
        with pytest.raises(BadProof):
            verify_consistency(old_size, old_root, 13, new_root, bent)


def test_a_right_edge_grows_to_the_root_of_the_whole():
    edge = RightEdge()
    for start, end in [(0, 1), (1, 1), (1, 6), (6, 16), (16, 70)]:
        edge = edge.extended(LEAVES[start:end])
        assert edge.root == root_hash(LEAVES[:end])
        assert RightEdge(edge.size, edge.hashes) == edge
    assert edge.size == 70
    assert len(edge.hashes) == 3


@pytest.mark.parametrize(
    ("size", "hashes"),
    [(3, (LEAVES[0],)), (0, (LEAVES[0],)), (1, (b"short",)), (-1, (LEAVES[0],)), (2**63, (LEAVES[0],))],
)
def test_a_right_edge_of_another_shape_is_refused(size, hashes):
    with pytest.raises(BadProof):
        RightEdge(size, hashes)


def test_a_right_edge_takes_only_hashes():
    with pytest.raises(BadProof):
        RightEdge().extended([LEAVES[0], b"short"])
