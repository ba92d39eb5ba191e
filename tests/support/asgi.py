"""A client that speaks ASGI to an application in this process: raw headers, raw bytes, no library's opinion."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import orjson

Headers = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name.lower()), None)

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def problem(self) -> str:
        """The last part of the problem's type; fails when the answer is no problem document."""
        assert self.header("content-type") == "application/problem+json", (self.status, self.body)
        document = self.json
        assert document["status"] == self.status
        assert document["title"]
        assert document["detail"]
        return str(document["type"]).removeprefix("urn:fr:recepisse:problem:")

    @property
    def faults(self) -> set[tuple[str, str]]:
        """Pointer and rule of every fault."""
        return {(fault["pointer"], fault["rule"]) for fault in self.json.get("errors", [])}


class AsgiClient:
    """One application with its lifespan, on an event loop of its own."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.runner = asyncio.Runner()
        self._to_app: asyncio.Queue[dict[str, Any]] | None = None
        self._life: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self.runner.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.run(self._stop())
        self.runner.close()

    async def _start(self) -> None:
        self._to_app = asyncio.Queue()
        from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._life = asyncio.create_task(self.app(scope, self._to_app.get, from_app.put))
        await self._to_app.put({"type": "lifespan.startup"})
        answer = await from_app.get()
        assert answer["type"] == "lifespan.startup.complete", answer["type"]

    async def _stop(self) -> None:
        assert self._to_app is not None
        assert self._life is not None
        await self._to_app.put({"type": "lifespan.shutdown"})
        await self._life

    def request(
        self, method: str, target: str, *, headers: Headers = (), body: bytes | Sequence[bytes] = b"", json: Any = None
    ) -> Answer:
        """Send one request and wait for its whole answer."""
        return self.runner.run(self.exchange(method, target, headers=headers, body=body, json=json))

    def together(self, *requests: Mapping[str, Any]) -> list[Answer]:
        """Send several requests at the same time; each is the arguments of ``request``."""

        async def all_of_them() -> list[Answer]:
            return await asyncio.gather(*(self.exchange(**request) for request in requests))

        return self.runner.run(all_of_them())

    async def exchange(
        self, method: str, target: str, *, headers: Headers = (), body: bytes | Sequence[bytes] = b"", json: Any = None
    ) -> Answer:
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        if json is not None:
            body = orjson.dumps(json)
            if not any(name.lower() == "content-type" for name, _ in pairs):
                pairs.append(("content-type", "application/json"))
        chunks = [body] if isinstance(body, bytes) else list(body)
        if isinstance(body, bytes) and body and not any(name.lower() == "content-length" for name, _ in pairs):
            pairs.append(("content-length", str(len(body))))
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8000),
            "state": {},
        }
        incoming = [
            {"type": "http.request", "body": chunk, "more_body": index < len(chunks) - 1}
            for index, chunk in enumerate(chunks)
        ]
        outgoing: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if incoming:
                return incoming.pop(0)
            await asyncio.sleep(3600)
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            outgoing.append(message)

        await self.app(scope, receive, send)
        start = outgoing[0]
        return Answer(
            start["status"],
            tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]),
            b"".join(message.get("body", b"") for message in outgoing[1:]),
        )
