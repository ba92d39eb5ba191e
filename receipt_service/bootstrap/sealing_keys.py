"""The public side of sealing: the current hour's key from the folder that the delivery worker fills.

This process has no private key and could not open what it seals. Without a key of the hour nothing is accepted.
"""

import stat
from datetime import datetime
from pathlib import Path

from receipt_service.crypto.sealing import Sealer
from receipt_service.domain.epoch import PUBLIC_KEY_BYTES, epoch_of, public_name
from receipt_service.errors import ConfigurationError, Unavailable


class SealingKeys:
    """The folder of public keys, read once an hour."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._current: Sealer | None = None

    def sealer_at(self, now: datetime) -> Sealer:
        """Give the sealer of the hour. Raises ``Unavailable`` while there is no sound key of that hour."""
        epoch = epoch_of(now)
        if self._current is None or self._current.epoch != epoch:
            self._current = self._load(epoch)
        return self._current

    def _load(self, epoch: str) -> Sealer:
        path = self._folder / public_name(epoch)
        try:
            if path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise Unavailable("others may write the sealing key of this hour (chmod 644)")
            public_key = path.read_bytes()
            if len(public_key) != PUBLIC_KEY_BYTES:
                raise Unavailable("the sealing key of this hour is damaged")
            return Sealer(public_key, epoch)
        except (OSError, ConfigurationError) as error:
            raise Unavailable("there is no sealing key of this hour: is the delivery worker running?") from error
