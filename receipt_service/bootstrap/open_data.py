"""The published quarters on the disk, for the routes that serve them: only what a manifest names is ever read."""

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path

from receipt_service.domain.publication import QUARTER
from receipt_service.domain.signed_manifest import MANIFEST, SIGNED_MANIFEST
from receipt_service.errors import Unavailable
from receipt_service.telemetry import logger
from receipt_service.verify.publication import Manifest, read_manifest
from receipt_service.verify.signed_manifest import NotAsSigned, SignedFile, check_file
from receipt_service.web.services import OpenFile, PublishedQuarter


class OpenDataShelf:
    """A folder with one sub-folder for each published quarter; they are frozen, so each manifest is read once."""

    def __init__(self, root: Path) -> None:
        """``root`` need not exist: then nothing is published."""
        self._root = root
        self._manifests: dict[str, Manifest] = {}

    async def quarters(self) -> Sequence[PublishedQuarter]:
        """List what is published, the newest quarter first."""
        return await asyncio.to_thread(self._quarters)

    async def file(self, period: str, name: str) -> OpenFile | None:
        """Return one file of a quarter; ``None`` where there is none.

        Raises ``Unavailable`` when the file is not what was signed: nobody gets it then.
        """
        return await asyncio.to_thread(self._file, period, name)

    def _quarters(self) -> list[PublishedQuarter]:
        try:
            periods = sorted((entry.name for entry in self._root.iterdir()), reverse=True)
        except OSError:
            return []
        manifests = [(period, self._manifest(period)) for period in periods]
        return [
            PublishedQuarter(period, manifest.published_at, _listed(manifest))
            for period, manifest in manifests
            if manifest is not None
        ]

    def _manifest(self, period: str) -> Manifest | None:
        """Read the manifest of a quarter; its name is checked before it becomes a path."""
        if QUARTER.fullmatch(period) is None:
            return None
        found = self._manifests.get(period)
        if found is None:
            try:
                found = read_manifest((self._root / period / SIGNED_MANIFEST).read_bytes())
            except (OSError, NotAsSigned):
                return None
            self._manifests[period] = found
        return found

    def _file(self, period: str, name: str) -> OpenFile | None:
        manifest = self._manifest(period)
        if manifest is None:
            return None
        listed = next((file for file in manifest.files if file.name == name), None)
        if listed is None and name not in {MANIFEST, SIGNED_MANIFEST}:
            return None
        try:
            content = (self._root / period / name).read_bytes()
        except OSError:
            return None
        if listed is not None:
            _require_as_signed(listed, content)
        elif name == MANIFEST and content != manifest.content:
            raise Unavailable("a published manifest was altered on the disk")
        return OpenFile(name, content, hashlib.sha256(content).hexdigest())


def _listed(manifest: Manifest) -> tuple[tuple[str, int], ...]:
    return tuple((file.name, file.size) for file in manifest.files)


def _require_as_signed(listed: SignedFile, content: bytes) -> None:
    try:
        check_file(listed, content)
    except NotAsSigned as error:
        logger().error("open_data_altered", reason=error.reason)
        raise Unavailable("a published file was altered on the disk") from error
