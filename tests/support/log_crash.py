"""Processes that keep the log and are killed at a point, each forked from one that has imported everything.

``python -m tests.support.log_crash`` reads lines of JSON (database, base folder, point) and answers each with how its
child ended. A child dies by SIGKILL: nothing is caught, nothing cleaned up.
"""

from collections.abc import Callable
from pathlib import Path

from receipt_service.bootstrap import key_files
from receipt_service.bootstrap.log_keys import LastSignedFile
from receipt_service.storage import log_entries, log_queue, log_tree
from receipt_service.storage.engine import open_engine
from receipt_service.transparency import log_folder, sequencing
from receipt_service.transparency.log_folder import LogFolder
from receipt_service.transparency.publishing import Publisher
from tests.support.dying import answer_lines, at_call, die, then_die
from tests.support.logs import open_log

POINTS: dict[str, Callable[[], None]] = {
    "before anything": lambda: setattr(log_queue, "claim", die),
    "claimed, not committed": lambda: setattr(log_queue, "claim", then_die(log_queue.claim)),
    "places given, not committed": lambda: setattr(log_entries, "append", then_die(log_entries.append)),
    "tree grown, not committed": lambda: setattr(log_tree, "grow", then_die(log_tree.grow)),
    "sequenced": lambda: setattr(Publisher, "publish", die),
    "one tile written aside": lambda: setattr(Path, "replace", die),
    "some tiles written": lambda: setattr(log_folder, "replace_whole", at_call(log_folder.replace_whole, 2)),
    "tiles written, not durable": lambda: setattr(log_folder, "sync_folder", at_call(log_folder.sync_folder, 2)),
    "tiles durable": lambda: setattr(LastSignedFile, "write", die),
    "half of that record": lambda: setattr(key_files, "sync_folder", die),
    "recorded, not signed": lambda: setattr(LastSignedFile, "write", then_die(LastSignedFile.write)),
    "signed, not written": lambda: setattr(LogFolder, "write_checkpoint", die),
    "checkpoint written": lambda: setattr(LogFolder, "write_checkpoint", then_die(LogFolder.write_checkpoint)),
    "noted, not committed": lambda: setattr(log_tree, "note_published", then_die(log_tree.note_published)),
    "noted": lambda: setattr(LogFolder, "drop_partials", die),
    "published": lambda: setattr(Publisher, "publish", then_die(Publisher.publish)),
}


def run(database: str, base: str, point: str) -> None:
    engine = open_engine(database)
    log = open_log(engine, Path(base))
    POINTS[point]()
    sequencing.sequence(engine, 10_000)
    log.publisher().publish()


if __name__ == "__main__":
    answer_lines(run)
