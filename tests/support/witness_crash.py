"""Witnesses that are killed at a point, each forked from one that has imported everything.

``python -m tests.support.witness_crash`` reads lines of JSON (folder, point, size, answer's file); a child answers one
request for a history that it is given by name, writes the answer down as a client would have it, and dies by SIGKILL.
"""

import os
from collections.abc import Callable
from pathlib import Path

from receipt_service.bootstrap.witness_folder import load_witness
from receipt_service.witness import answering, last_seen
from tests.support.dying import answer_lines, die, then_die
from tests.support.witnesses import LOG, leaves, request, signed


def half_written(path: Path, content: bytes) -> None:
    """Write half of the new record aside, and die."""
    path.with_name(f".{path.name}.new").write_bytes(content[: len(content) // 2])
    die()


POINTS: dict[str, Callable[[], None]] = {
    "before the record is read": lambda: setattr(last_seen, "_read", die),
    "before anything is signed": lambda: setattr(answering, "require_growth", then_die(answering.require_growth)),
    "signed, not recorded": lambda: setattr(last_seen.Turn, "replace", die),
    "half of the record written aside": lambda: setattr(last_seen, "_write", half_written),
    "record written aside, not in place": lambda: setattr(Path, "replace", die),
    "record in place, not durable": lambda: setattr(last_seen, "sync_folder", die),
    "recorded, not answered": lambda: setattr(last_seen.Turn, "replace", then_die(last_seen.Turn.replace)),
    "answered": lambda: setattr(os, "_exit", die),
}


def run(folder: str, point: str, size: int, answer: str) -> None:
    witness = load_witness(Path(folder))
    (log,) = witness.followed()
    POINTS[point]()
    tree = leaves(size)
    lines = witness.add_checkpoint(request(tree, log.checkpoint.size, note=signed(tree, (LOG,))))
    Path(answer).write_bytes(lines)


if __name__ == "__main__":
    answer_lines(run)
