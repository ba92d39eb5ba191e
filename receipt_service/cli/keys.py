"""``receipt-service keys``: make, rotate and list the keys that sign receipts; make statistics' and the log's."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click

from receipt_service.bootstrap.keyring import OVERLAP, IssuerKey, generate_key, read_keys, rotate_key
from receipt_service.bootstrap.log_keys import make_log_keys
from receipt_service.bootstrap.statistics_key import has_statistics_key, make_statistics_key
from receipt_service.config.loading import load
from receipt_service.config.parts import IssuerKeySettings, KeySettings, LogKeySettings, StatisticsKeySettings

_HOUR: Final = timedelta(hours=1)

_folder = click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), help="Where the keys are; else as the settings say."
)


@click.group()
def keys() -> None:
    """Make, rotate and list the keys that sign receipts.

    The passphrase comes from RECEIPT_ISSUER_KEY_PASSPHRASE, or from the file that
    RECEIPT_ISSUER_KEY_PASSPHRASE_FILE names; without one, key files are 0600 and read by their owner alone.
    """


@keys.command()
@_folder
def generate(folder: Path | None) -> None:
    """Make the first signing key, and the statistics key unless there is one; with --folder the signing key alone."""
    settings = load(KeySettings)
    key = generate_key(folder or settings.issuer_keys, _passphrase(settings), datetime.now(UTC))
    if folder is None and not has_statistics_key(settings.statistics_key):
        make_statistics_key(settings.statistics_key)
    click.echo(_line(key, datetime.now(UTC)))


@keys.command()
def statistics() -> None:
    """Make the key of statistics, where `generate` was run before there was one, or on another machine.

    It is never made anew: figures of a released period would change their noise.
    """
    folder = load(StatisticsKeySettings).statistics_key
    make_statistics_key(folder)
    click.echo(f"made the statistics key in {folder}")


@keys.command("log")
@click.argument("origin", metavar="HOST/log")
def log_keys(origin: str) -> None:
    """Make the keys of the transparency log HOST/log: the service's address without https://, and /log behind it.

    They are never made anew: a log keeps its name and its keys. Prints them as verifiers and witnesses take them.
    """
    signer = make_log_keys(load(LogKeySettings).log_keys, origin)
    for key in signer.verifiers:
        click.echo(key.vkey)


@keys.command()
@_folder
@click.option("--starts-in", type=click.FloatRange(0, 24 * 366), default=0.0, show_default=True, help="Hours from now.")
@click.option(
    "--overlap",
    type=click.FloatRange(0, 24 * 366),
    default=OVERLAP / _HOUR,
    show_default=True,
    help="Hours for which the old key goes on, for processes that still hold it. 0 for a key that leaked.",
)
def rotate(folder: Path | None, starts_in: float, overlap: float) -> None:
    """Make a new key; the old one ends and stays published.

    Restart the API within the overlap: a process reads its keys when it starts.
    """
    settings = load(IssuerKeySettings)
    where = folder or settings.issuer_keys
    now = datetime.now(UTC)
    rotate_key(where, _passphrase(settings), now, starts_in=starts_in * _HOUR, overlap=overlap * _HOUR)
    for key in read_keys(where):
        click.echo(_line(key, now))


@keys.command("list")
@_folder
@click.option("--json", "as_json", is_flag=True, help="Write the published key set (JWKS).")
def list_keys(folder: Path | None, *, as_json: bool) -> None:
    """List all keys, newest first; needs no passphrase."""
    where = folder or load(IssuerKeySettings).issuer_keys
    found = read_keys(where)
    if as_json:
        click.echo(json.dumps({"keys": [key.jwk for key in found]}, indent=2))
        return
    now = datetime.now(UTC)
    for key in found:
        click.echo(_line(key, now))


def _passphrase(settings: IssuerKeySettings) -> bytes | None:
    secret = settings.issuer_key_passphrase
    return None if secret is None else secret.get_secret_value().encode()


def _line(key: IssuerKey, now: datetime) -> str:
    state = "ended" if key.ended_at(now) else "signs" if key.signs_at(now) else "waits"
    end = "" if key.not_after is None else f"{key.not_after:%Y-%m-%dT%H:%M:%SZ}"
    return f"{key.kid}  {state}  {key.not_before:%Y-%m-%dT%H:%M:%SZ} … {end}".rstrip()
