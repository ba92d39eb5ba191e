"""The published log on the disk, for the routes that serve it, and the proofs that it gives."""

import asyncio

from receipt_service.errors import Unavailable
from receipt_service.telemetry import logger
from receipt_service.tlog.merkle import BadProof
from receipt_service.tlog.notation import MalformedLogText
from receipt_service.tlog.tiles import MalformedTile, parse_path
from receipt_service.transparency.log_folder import ANCHOR, CHECKPOINT, POLICY, WITNESSED, LogFolder
from receipt_service.transparency.proving import Proofs

_REPLACED = frozenset({CHECKPOINT, WITNESSED, ANCHOR, POLICY})


class LogShelf:
    """The folder of the log, and the database that knows where an entry stands."""

    def __init__(self, folder: LogFolder, proofs: Proofs) -> None:
        """``folder`` need not exist: then nothing is published."""
        self._folder, self._proofs = folder, proofs

    async def file(self, path: str) -> bytes | None:
        """Return a file of the log; ``None`` where there is none. The path is checked before it becomes one."""
        if path not in _REPLACED:
            try:
                path = parse_path(path).path
            except MalformedTile:
                return None
        return await asyncio.to_thread(self._folder.read, path)

    async def proof(self, leaf_hash: bytes) -> bytes:
        """Return the proof file of an entry. Raises ``NotFound``, and ``Unavailable`` for a damaged folder."""
        try:
            return await asyncio.to_thread(self._proofs.of_leaf, leaf_hash)
        except (BadProof, MalformedLogText) as error:
            logger().error("log.folder_damaged", exc_info=error)
            raise Unavailable("the log's folder is not what was published") from error
