"""The bare rung: FastAPI, the same body, one ES256 signature, one durable insert grouped with its neighbours'.

It is what the machine can do for anybody; the service is measured against it in the same run.
Raw drivers, no catalogue, no token, no sealing, no idempotency. Start it as a program.
"""

import argparse
import asyncio
import base64
import queue
import secrets
import sqlite3
import threading
from collections.abc import Callable

import orjson
import psycopg
import uvicorn
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from fastapi import FastAPI, Response

from tests.bench.bare_body import BareCheck

Row = tuple[str, str]
GROUP_MAXIMUM = 256


def _sqlite_writer(path: str) -> Callable[[list[Row]], None]:
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS bare (id TEXT PRIMARY KEY, leaf TEXT NOT NULL)")

    def write(rows: list[Row]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO bare VALUES (?, ?)", rows)
        connection.execute("COMMIT")

    return write


def _postgres_writer(url: str) -> Callable[[list[Row]], None]:
    connection = psycopg.connect(url)
    with connection.transaction():
        connection.execute("CREATE TABLE IF NOT EXISTS bare (id TEXT PRIMARY KEY, leaf TEXT NOT NULL)")

    def write(rows: list[Row]) -> None:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany("INSERT INTO bare VALUES (%s, %s)", rows)

    return write


class GroupedInsert:
    """One thread that commits what has gathered while the last commit was on its way to disk."""

    def __init__(self, write: Callable[[list[Row]], None]) -> None:
        self._write = write
        self._waiting: queue.SimpleQueue[tuple[Row, asyncio.AbstractEventLoop, asyncio.Future[None]]] = (
            queue.SimpleQueue()
        )
        threading.Thread(target=self._run, daemon=True).start()

    async def insert(self, row: Row) -> None:
        """Return once ``row`` is durable."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.put((row, loop, future))
        await future

    def _run(self) -> None:
        while True:
            group = [self._waiting.get()]
            while len(group) < GROUP_MAXIMUM and not self._waiting.empty():
                group.append(self._waiting.get())
            self._write([row for row, _, _ in group])
            group[0][1].call_soon_threadsafe(self._settle, [future for _, _, future in group])

    @staticmethod
    def _settle(futures: list[asyncio.Future[None]]) -> None:
        for future in futures:
            if not future.done():
                future.set_result(None)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def create_bare_app(insert: GroupedInsert) -> FastAPI:
    """Return the whole bare application."""
    app = FastAPI(openapi_url=None)
    key = ec.generate_private_key(ec.SECP256R1())
    header = _b64(b'{"alg":"ES256"}')

    @app.post("/v1/checks", status_code=201)
    async def issue(body: BareCheck) -> Response:
        payload = _b64(orjson.dumps(body.model_dump(mode="json", exclude={"person", "recipient"}))[:400])
        signing_input = f"{header}.{payload}"
        r, s = decode_dss_signature(key.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256())))
        leaf = f"{signing_input}.{_b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
        number = secrets.token_hex(16)
        await insert.insert((number, leaf))
        return Response(orjson.dumps({"receipt_number": number, "receipt": leaf}), 201, media_type="application/json")

    return app


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--sqlite")
    parser.add_argument("--postgresql")
    arguments = parser.parse_args()
    write = _sqlite_writer(arguments.sqlite) if arguments.sqlite else _postgres_writer(arguments.postgresql)
    app = create_bare_app(GroupedInsert(write))
    uvicorn.run(app, port=arguments.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
