"""A replay from its file to its tally: the stage without saved mails, API and worker each on their own."""

import secrets
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from receipt_service.demo.api_client import ApiClient
from receipt_service.demo.received import Auditor
from receipt_service.demo.stage import Stage
from receipt_service.demo.stops.mapping import Replay
from receipt_service.demo.stops.records import read_stops
from receipt_service.demo.stops.replay import Replayer, Text
from receipt_service.demo.stops.roster import read_roster
from receipt_service.demo.stops.tally import Tally

SEED: Final = 2026
CONCURRENCY: Final = 24
_ZONE: Final = ZoneInfo("Europe/Paris")


async def replay_file(
    stage: Stage,
    path: Path,
    *,
    limit: int | None,
    delivered: bool,
    seed: int = SEED,
    progress: Callable[[int], None] = lambda _: None,
) -> Tally:
    """Play a file on a stage. Raises ``StopsFileUnreadable``."""
    replay = Replay(
        seed=seed,
        secret=secrets.token_bytes(32),
        before=datetime.now(UTC),
        roster=read_roster(stage.directory),
        zone=_ZONE,
    )
    async with ApiClient(stage.base_url, token_url=stage.token_url, connections=2 * CONCURRENCY) as client:
        replayer = Replayer(
            client=client,
            auditor=Auditor(stage.trust_root, stage.base_url),
            replay=replay,
            take_texts=lambda: _texts(stage),
            take_mails=lambda: _mails(stage),
            keep_mail=lambda raw: _keep(stage, raw),
            delivered=delivered,
            concurrency=CONCURRENCY,
            progress=progress,
        )
        return await replayer.run(read_stops(path, limit=limit))


def _texts(stage: Stage) -> Iterator[Text]:
    """Take what is on the phone off it, so that memory stays as it is."""
    while stage.store.phone:
        arrival = stage.store.phone.popleft()
        yield Text(arrival.to, arrival.text)


def _mails(stage: Stage) -> Iterator[bytes]:
    while stage.mails:
        yield stage.mails.popleft().raw


def _keep(stage: Stage, raw: bytes) -> None:
    (stage.received / f"faulty-{time.time_ns()}.eml").write_bytes(raw)
