"""A closed-loop HTTP load generator: N keep-alive connections, prepared bytes, no client library in the way.

A client library would cost as much CPU as the server under test, and on two cores the client's
cost is the server's loss. This one writes prepared requests and reads just enough of each answer.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class LoadResult:
    """What one run did: ``seconds`` of wall clock, and one latency in seconds per answer."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Latency in milliseconds below which ``share`` of the answers came."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def encode_request(method: str, path: str, host: str, headers: dict[str, str], body: bytes) -> bytes:
    """Return the exact bytes of one HTTP/1.1 request on a connection that stays open."""
    head = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*head, "", ""]).encode() + body


async def _read_answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        if line[:15].lower() == b"content-length:":
            length = int(line[15:])
    await reader.readexactly(length)
    return int(head[9:12])


async def _connection(port: int, requests: Iterator[bytes], until: float, result: LoadResult) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while time.perf_counter() < until:
            request = next(requests, None)
            if request is None:
                return
            began = time.perf_counter()
            writer.write(request)
            status = await _read_answer(reader)
            result.latencies.append(time.perf_counter() - began)
            result.statuses[status] = result.statuses.get(status, 0) + 1
    finally:
        writer.close()


async def run_load(port: int, requests: Iterator[bytes], *, connections: int, seconds: float) -> LoadResult:
    """Send ``requests`` over ``connections`` for at most ``seconds``; stop early when they run out."""
    result = LoadResult()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_connection(port, requests, began + seconds, result))
    result.seconds = time.perf_counter() - began
    return result
