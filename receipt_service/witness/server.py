"""The witness over HTTP: one call for logs (C2SP tlog-witness), and what anybody may read.

There is no access log: who asks is nobody's business, and what is asked is public.
"""

import asyncio
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from receipt_service.telemetry import logger
from receipt_service.tlog import add_checkpoint
from receipt_service.tlog.add_checkpoint import SIZE_TYPE, format_size
from receipt_service.tlog.notation import base64
from receipt_service.witness.answering import Witness
from receipt_service.witness.last_seen import RecordDamaged
from receipt_service.witness.protocol import Refused

BODY_BYTES: Final = 1 << 18
"""Longest request: 63 lines of proof and a checkpoint of 64 signatures fit."""

BODY_SECONDS: Final = 20.0
"""Longest wait for all of a request."""

_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}


def build_server(witness: Witness) -> Starlette:
    """Build the ASGI program of a witness. Everything is below the submission prefix, which is also for reading."""
    server = Starlette(
        routes=[
            Route(add_checkpoint.PATH, _add_checkpoint, methods=["POST"]),
            Route("/", _status, methods=["GET"]),
            Route("/{origin_hash}/checkpoint", _latest, methods=["GET"]),
        ]
    )
    server.state.witness = witness
    return server


async def _add_checkpoint(request: Request) -> Response:
    witness: Witness = request.app.state.witness
    body = await _body(request)
    try:
        lines = await run_in_threadpool(witness.add_checkpoint, body)
    except Refused as refused:
        if refused.last_size is not None:
            # Not by ``media_type``: Starlette would add a charset, and the protocol's type has none.
            return Response(format_size(refused.last_size), refused.status, {**_HEADERS, "content-type": SIZE_TYPE})
        return _text(refused.status, f"{refused}\n")
    except (RecordDamaged, OSError) as error:
        return _out_of_order(error)
    return Response(lines, HTTPStatus.OK, _HEADERS, "text/plain; charset=utf-8")


async def _body(request: Request) -> bytes:
    """Read a request within its bounds. Raises ``HTTPException``, which Starlette answers."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_BYTES:
                    raise HTTPException(
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has at most {BODY_BYTES} bytes\n", _HEADERS
                    )
    except TimeoutError as error:
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "the request did not end\n", _HEADERS) from error
    except ClientDisconnect as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the request ended early\n", _HEADERS) from error
    return bytes(body)


async def _latest(request: Request) -> Response:
    witness: Witness = request.app.state.witness
    try:
        note = await run_in_threadpool(witness.latest, request.path_params["origin_hash"])
    except RecordDamaged as error:
        return _out_of_order(error)
    if note is None:
        return _text(HTTPStatus.NOT_FOUND, "no cosigned checkpoint of such a log\n")
    return Response(note, HTTPStatus.OK, _HEADERS, "text/plain; charset=utf-8")


async def _status(request: Request) -> Response:
    witness: Witness = request.app.state.witness
    try:
        page = await run_in_threadpool(status_page, witness)
    except RecordDamaged as error:
        return _out_of_order(error)
    return _text(HTTPStatus.OK, page)


def status_page(witness: Witness) -> str:
    """Say who the witness is and how far it has seen each log. Raises ``RecordDamaged``."""
    lines = [f"witness {witness.name}", "", *(f"key {vkey}" for vkey in witness.vkeys)]
    for log in witness.followed():
        lines += ["", f"log {log.checkpoint.origin}"]
        if log.time:
            lines.append(f"  size {log.checkpoint.size}, root {base64(log.checkpoint.root)}")
            lines.append(f"  cosigned {cosigned_at(log.time)}")
        else:
            lines.append("  nothing cosigned yet")
    forks = witness.forks()
    if forks:
        lines += ["", f"{forks} checkpoint(s) refused that show two trees of one size: see the folder evidence"]
    return "\n".join(lines) + "\n"


def cosigned_at(time: int) -> str:
    """Write POSIX seconds as people read them, in UTC."""
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _text(status: HTTPStatus, text: str) -> Response:
    return PlainTextResponse(text, status, _HEADERS)


def _out_of_order(error: Exception) -> Response:
    logger().error("witness.out_of_order", exc_info=error)
    return _text(HTTPStatus.SERVICE_UNAVAILABLE, "this witness does not know what it has seen, and cosigns nothing\n")
