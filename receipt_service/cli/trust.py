"""``receipt-service trust``: the keys, and the log policy, that ``verify`` starts from, kept in a file of yours."""

import os
from pathlib import Path
from typing import Final

import click

from receipt_service.cli.fetch import TEXT, fetch
from receipt_service.errors import ConfigurationError, NotFound, ReceiptServiceError
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
@click.option(
    "--replace", is_flag=True, help="Accept that keys saved before are gone or changed, and the log policy proposed."
)
def fetch_keys(issuer: str, path: Path | None, *, replace: bool) -> None:
    """Save the keys that ISSUER (https://HOST) publishes now, and the log policy that it proposes.

    This is the moment of trust: compare the key ids and digests that it prints with those that the issuer, and each
    witness, gives by another way. Later, `verify` needs no network. A log policy that is saved already stays: see
    `trust policy`.
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
    root, told = _with_proposed_policy(
        TrustRoot({**known.issuers, issuer: keys}, known.log_policies), issuer, replace=replace
    )
    _write(where, root)
    for line in [*map(_line, keys.values()), *told]:
        click.echo(line)
    click.echo(f"{len(keys)} key(s) of {issuer} saved in {where}")


@trust.command("policy")
@click.argument("issuer")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--trust-root", "path", type=click.Path(path_type=Path, dir_okay=False), help="The file to change.")
def keep_policy(issuer: str, file: Path, path: Path | None) -> None:
    """Hold ISSUER's log to a policy of your own: FILE, a C2SP tlog-policy.

    It names the log's keys, the witnesses that you believe, and how many of them must have seen the log. The one that
    the issuer proposes stands at ISSUER/log/policy.
    """
    where = path or default_path()
    try:
        text = file.read_bytes()
    except OSError as error:
        raise click.UsageError(f"cannot read the policy: {error.strerror}") from error
    root = load(path).with_log_policy(issuer.rstrip("/"), text)
    _write(where, root)
    for line in _policy_lines(root, issuer.rstrip("/")):
        click.echo(line)
    click.echo(f"log policy of {issuer.rstrip('/')} saved in {where}")


@trust.command("list")
@click.option("--trust-root", "path", type=click.Path(path_type=Path, dir_okay=False), help="The file to read.")
def list_keys(path: Path | None) -> None:
    """List the issuers, keys and log policies that are trusted."""
    root = load(path)
    for issuer, keys in root.issuers.items():
        click.echo(issuer)
        for line in [*map(_line, keys.values()), *_policy_lines(root, issuer)]:
            click.echo(line)


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


def _with_proposed_policy(root: TrustRoot, issuer: str, *, replace: bool) -> tuple[TrustRoot, list[str]]:
    """Take over the log policy that the issuer proposes, if it may be; return lines about it.

    Raises ``ConfigurationError`` when the log's keys are others than those saved: that is another log.
    """
    saved = root.log_policy(issuer)
    try:
        proposed = fetch(f"{issuer}/log/policy", TEXT)
    except NotFound:
        if saved is None:
            return root, ["  no log policy is published: receipts can't be checked against a log"]
        return root, [*_policy_lines(root, issuer), "  no log policy is published any more; the saved one stays"]
    except ReceiptServiceError as error:
        raise ConfigurationError(f"{issuer}/log/policy: {error}") from error
    changed = root.with_log_policy(issuer, proposed)
    if saved is None or replace:
        return changed, _policy_lines(changed, issuer)
    if _log_keys(root, changed, issuer) != _log_keys(changed, changed, issuer):
        raise ConfigurationError(
            f"{issuer} publishes other keys of its log than those saved: ask why, then use --replace"
        )
    lines = _policy_lines(root, issuer)
    if root.log_policies[issuer] != changed.log_policies[issuer]:
        lines.append(f"  the saved log policy stays; {issuer}/log/policy proposes another one (--replace takes it)")
    return root, lines


def _log_keys(root: TrustRoot, proposed: TrustRoot, issuer: str) -> set[str]:
    """List the keys that a policy has for the logs that are proposed: a policy of one's own may know more logs."""
    policy, asked = root.log_policy(issuer), proposed.log_policy(issuer)
    assert policy is not None  # noqa: S101  the caller has looked
    assert asked is not None  # noqa: S101  likewise
    origins = {log.key.name for log in asked.logs}
    return {log.key.vkey for log in policy.logs if log.key.name in origins}


def _policy_lines(root: TrustRoot, issuer: str) -> list[str]:
    policy = root.log_policy(issuer)
    if policy is None:
        return []
    from receipt_service.cli.log_policy_text import policy_lines  # noqa: PLC0415  verify does without

    return list(policy_lines(policy))


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
