"""``receipt-service trust``: the keys that ``verify`` starts from, kept in a file of yours."""

import os
from pathlib import Path
from typing import Final

import click

from receipt_service.cli.fetch import fetch
from receipt_service.errors import ConfigurationError, ReceiptServiceError
from receipt_service.verify.trust_root import TrustedKey, TrustRoot

_WELL_KNOWN: Final = "/.well-known/jwt-vc-issuer"


def default_path() -> Path:
    """Find the file: ``$XDG_CONFIG_HOME/receipt-service/trust-root.json`` (XDG base directories)."""
    configured = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(configured) if configured.startswith("/") else Path.home() / ".config"
    return base / "receipt-service" / "trust-root.json"


def load(path: Path | None) -> TrustRoot:
    """Read the trust root; without one at the default place, trust nobody.

    Raises ``ConfigurationError`` for a file that is named and missing, or that is not a trust root.
    """
    where = path or default_path()
    try:
        return TrustRoot.from_json(where.read_bytes())
    except FileNotFoundError as error:
        if path is None:
            return TrustRoot()
        raise ConfigurationError(f"{where}: no such trust root") from error
    except OSError as error:
        raise ConfigurationError(f"{where}: {error.strerror}") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from error


@click.group()
def trust() -> None:
    """Keep the keys that receipts are verified with."""


@trust.command("fetch")
@click.argument("issuer")
@click.option("--trust-root", "path", type=click.Path(path_type=Path, dir_okay=False), help="Where to save them.")
@click.option("--replace", is_flag=True, help="Accept that keys saved before are gone or changed.")
def fetch_keys(issuer: str, path: Path | None, *, replace: bool) -> None:
    """Save the keys that ISSUER (https://HOST) publishes now.

    This is the moment of trust: compare the key ids that it prints with those that the issuer gives by
    another way. Later, `verify` needs no network.
    """
    issuer = issuer.rstrip("/")
    where = path or default_path()
    known = load(where) if where.exists() else TrustRoot()
    try:
        fetched = TrustRoot.from_issuer_metadata(fetch(metadata_url(issuer)), issuer)
    except ConfigurationError:
        raise
    except ReceiptServiceError as error:
        raise ConfigurationError(f"{issuer}: {error}") from error
    keys = fetched.issuers[issuer]
    if not replace:
        _refuse_lost_keys(known, fetched, issuer)
    _write(where, TrustRoot({**known.issuers, issuer: keys}))
    for key in keys.values():
        click.echo(_line(key))
    click.echo(f"{len(keys)} key(s) of {issuer} saved in {where}")


@trust.command("list")
@click.option("--trust-root", "path", type=click.Path(path_type=Path, dir_okay=False), help="The file to read.")
def list_keys(path: Path | None) -> None:
    """List the issuers and keys that are trusted."""
    for issuer, keys in load(path).issuers.items():
        click.echo(issuer)
        for key in keys.values():
            click.echo(_line(key))


def metadata_url(issuer: str) -> str:
    """Find the issuer's metadata: the well-known part stands between host and path (SD-JWT VC §5.1)."""
    scheme, separator, rest = issuer.partition("://")
    host, slash, path = rest.partition("/")
    if not separator or not host:
        raise ConfigurationError("an issuer is an address: https://HOST")
    return f"{scheme}://{host}{_WELL_KNOWN}{slash}{path}"


def _refuse_lost_keys(known: TrustRoot, fetched: TrustRoot, issuer: str) -> None:
    for kid, before in known.issuers.get(issuer, {}).items():
        now = fetched.key(issuer, kid)
        if now is None or now.public_key != before.public_key:
            raise ConfigurationError(
                f"{issuer} no longer publishes the key {kid} as saved: ask why, then use --replace"
            )


def _write(where: Path, root: TrustRoot) -> None:
    temporary = where.with_name(f".{where.name}.new")
    try:
        where.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(root.to_json() + b"\n")
        temporary.replace(where)
    except OSError as error:
        raise ConfigurationError(f"{where}: {error.strerror}") from error


def _line(key: TrustedKey) -> str:
    begin = "…" if key.not_before is None else f"{key.not_before:%Y-%m-%d}"
    end = "…" if key.not_after is None else f"{key.not_after:%Y-%m-%d}"
    return f"  {key.kid}  signs {begin} to {end}"
