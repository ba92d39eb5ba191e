"""Publishing processes that are killed at a point, each forked from one that has imported everything.

``python -m tests.support.publication_crash`` reads lines of JSON (root, database, key, point) and answers each with how
its child ended. A child dies by SIGKILL: nothing is caught, nothing cleaned up.
"""

from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from receipt_service.crypto.signing import Signer
from receipt_service.statistics.publication import folder
from receipt_service.statistics.publication import publish as publishing
from receipt_service.storage import publications
from receipt_service.storage.engine import open_engine
from tests.support.dying import answer_lines, at_call, die, then_die
from tests.support.publishing import NOW, QUARTER, a_press


def half_written(path: Path, content: bytes, mode: int) -> None:
    """Write a file, and of the signed manifest only the half."""
    whole_file(path, content if path.suffix != ".jws" else content[: len(content) // 2], mode)
    if path.suffix == ".jws":
        die()


whole_file = folder.write_new
POINTS: dict[str, Callable[[], None]] = {
    "before anything": lambda: setattr(publishing, "_reserve", die),
    "budget spent, not committed": lambda: setattr(publications, "reserve", then_die(publications.reserve)),
    "budget spent": lambda: setattr(publishing, "add_noise", die),
    "noise drawn": lambda: setattr(folder, "write_draft", die),
    "one file written": lambda: setattr(folder, "write_new", at_call(folder.write_new, 2)),
    "all but the signed manifest written": lambda: setattr(folder, "write_new", at_call(folder.write_new, 8)),
    "half of the signed manifest written": lambda: setattr(folder, "write_new", half_written),
    "all files written": lambda: setattr(folder, "sync_folder", die),
    "files durable": lambda: setattr(publishing, "_complete", die),
    "files recorded, not committed": lambda: setattr(publications, "complete", then_die(publications.complete)),
    "files recorded": lambda: setattr(folder, "put_in_place", die),
    "put in place, not durable": lambda: setattr(folder, "sync_folder", at_call(folder.sync_folder, 3)),
    "put in place": lambda: setattr(folder, "put_in_place", then_die(folder.put_in_place)),
}


def run(root: str, database: str, key: str, point: str) -> None:
    private_key = load_pem_private_key(Path(key).read_bytes(), None)
    press = a_press(open_engine(database), Path(root), Signer(private_key))  # type: ignore[arg-type]
    POINTS[point]()
    publishing.publish(press, QUARTER, NOW)


if __name__ == "__main__":
    answer_lines(run)
