"""``receipt-service witness``: a witness of logs, for whoever is not the log's operator. Needs no other setting."""

import json
from pathlib import Path
from typing import Final

import click
import uvicorn

from receipt_service import telemetry
from receipt_service.bootstrap.witness_folder import follow_logs, load_witness, make_witness
from receipt_service.cli.bound_socket import bind, serve_until_told
from receipt_service.errors import ConfigurationError, Unavailable
from receipt_service.tlog.note import SignatureType
from receipt_service.witness.cosigning import Cosigner
from receipt_service.witness.server import build_server, cosigned_at, status_page

_WAITING_CONNECTIONS: Final = 256
_MOST_CONNECTIONS: Final = 256
_LABELS: Final = {
    SignatureType.COSIGNATURE_ED25519: "ed25519",
    SignatureType.COSIGNATURE_ML_DSA_44: "ml-dsa-44",
}

_folder = click.option(
    "--folder", required=True, type=click.Path(path_type=Path, file_okay=False), help="All that the witness has."
)


@click.group()
def witness() -> None:
    """Cosign what a log publishes, as long as it only grows (C2SP tlog-witness)."""


@witness.command()
@click.option("--name", required=True, help="What its signatures say: your address without https://, for example.")
@click.option("--url", help="Where logs will ask it. Unset: https:// and the name.")
@_folder
def init(name: str, url: str | None, folder: Path) -> None:
    """Make the keys, and print them and the lines for a log's policy."""
    url = url or f"https://{name}"
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigurationError("an address in a policy is ASCII without spaces: --url https://HOST")
    cosigner = make_witness(folder, name)
    for key in cosigner.verifiers:
        click.echo(key.vkey)
    click.echo("\n# for the policy of a log and of its readers; a cosignature counts when both keys have signed")
    click.echo(policy_lines(cosigner, url), nl=False)


def policy_lines(cosigner: Cosigner, url: str) -> str:
    """Write a witness as a policy has it (C2SP tlog-policy): a line for each key, and a group that counts once."""
    name = cosigner.verifiers[0].name
    members = [f"{name}/{_LABELS[key.type]}" for key in cosigner.verifiers]
    lines = [f"witness {member} {key.vkey} {url}\n" for member, key in zip(members, cosigner.verifiers, strict=True)]
    return "".join([*lines, f"group {name} all {' '.join(members)}\n"])


@witness.command("add-log")
@click.argument("vkeys", metavar="VKEY...", nargs=-1, required=True)
@_folder
def add_log(vkeys: tuple[str, ...], folder: Path) -> None:
    """Follow the log that signs with VKEY..., all of its keys. A running witness follows it once it is restarted.

    The log's operator gives the keys; compare them with what you get by another way.
    """
    added = follow_logs(folder, vkeys)
    for key in added:
        click.echo(f"follows {key.name} by its key {key.key_id.hex()}")
    if not added:
        click.echo("nothing new: these keys are followed already")


@witness.command()
@_folder
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65_535), help="Port.")
def serve(folder: Path, host: str, port: int) -> None:
    """Answer logs until SIGTERM or SIGINT. Plain HTTP: a proxy in front of it speaks TLS."""
    telemetry.forbid_core_dumps()
    telemetry.configure("witness")
    app = build_server(load_witness(folder))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=10,
    )
    listening = bind(host, port, waiting=_WAITING_CONNECTIONS)
    server = uvicorn.Server(config)
    serve_until_told(server, listening)
    if not server.started:
        raise Unavailable("the witness did not start; its events say why")


@witness.command()
@_folder
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(folder: Path, *, as_json: bool) -> None:
    """Say who the witness is and how far it has seen each log."""
    found = load_witness(folder)
    if not as_json:
        click.echo(status_page(found), nl=False)
        return
    logs = [
        {
            "origin": log.checkpoint.origin,
            "size": log.checkpoint.size,
            "root": log.checkpoint.root.hex(),
            "cosigned_at": cosigned_at(log.time) if log.time else None,
        }
        for log in found.followed()
    ]
    click.echo(json.dumps({"name": found.name, "keys": found.vkeys, "logs": logs, "forks": found.forks()}))
