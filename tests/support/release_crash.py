"""Releasing processes that are killed at a point, each forked from one that has imported everything.

``python -m tests.support.release_crash`` reads lines of JSON (database, point) and answers each with how its child
ended. A child dies by SIGKILL: nothing is caught, nothing cleaned up.
"""

from collections.abc import Callable

from receipt_service.statistics.releasing import release as releasing
from receipt_service.storage import releases
from receipt_service.storage.engine import open_engine
from tests.support.dying import answer_lines, at_call, die, then_die
from tests.support.population import METHOD
from tests.support.worlds import NOW

PERIOD = "2026-07"
POINTS: dict[str, Callable[[], None]] = {
    "before anything": lambda: setattr(releases, "claim", die),
    "claimed, not committed": lambda: setattr(releases, "claim", then_die(releases.claim)),
    "claimed": lambda: setattr(releasing, "Choice", die),
    "some cells written": lambda: setattr(releases, "prolong", at_call(releases.prolong, 3)),
    "some cells written, the next not committed": lambda: setattr(
        releases, "add_cells", at_call(releases.add_cells, 3)
    ),
    "all cells written": lambda: setattr(releases, "finish", die),
    "shown, not committed": lambda: setattr(releases, "finish", then_die(releases.finish)),
    "shown": lambda: setattr(releasing, "Released", die),
}


def run(database: str, point: str) -> None:
    releasing._AT_ONCE = 50
    POINTS[point]()
    releasing.release(open_engine(database), PERIOD, method=METHOD, now=NOW, clock=lambda: NOW)


if __name__ == "__main__":
    answer_lines(run)
