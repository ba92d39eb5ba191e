"""Mail servers that misbehave on purpose, phase by phase, spoken by hand so that every byte is ours."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from receipt_service.demo.certificates import ServerCertificate, make_certificate
from tests.support.servers import listening

DROP, HANG = "drop", "hang"


@dataclass
class Hostility:
    """What to answer in each phase instead of the usual; ``drop`` cuts the connection, ``hang`` says nothing."""

    greeting: str = "220 mail.example ESMTP"
    extensions: tuple[str, ...] = ("STARTTLS", "8BITMIME", "DSN", "SMTPUTF8")
    starttls: str = "220 go"
    auth: str = "235 2.7.0 ok"
    mail: str = "250 2.1.0 ok"
    rcpt: str = "250 2.1.5 ok"
    data: str = "354 go ahead"
    end: str = "250 2.0.0 stored"
    """The answer to the final dot."""
    rset: str = "250 2.0.0 ok"
    rest: str = "250 2.0.0 ok"
    stored: list[bytes] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0


class _Conversation:
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, how: Hostility, context: ssl.SSLContext | None
    ) -> None:
        self.reader, self.writer, self.how, self.context = reader, writer, how, context
        self.encrypted = False

    async def say(self, reply: str) -> None:
        if reply == DROP:
            self.writer.transport.abort()
            raise ConnectionAbortedError
        if reply == HANG:
            await self.reader.read(-1)
            raise ConnectionAbortedError
        self.writer.write(reply.encode() + b"\r\n")
        await self.writer.drain()

    async def hold(self) -> None:
        self.how.connections += 1
        await self.say(self.how.greeting)
        while line := await self.reader.readline():
            command = line.decode("utf-8", "replace").strip()
            self.how.commands.append(command)
            await self.answer(command.split()[0].upper() if command else "")

    async def answer(self, verb: str) -> None:
        match verb:
            case "EHLO":
                shown = [name for name in self.how.extensions if not (name == "STARTTLS" and self.encrypted)]
                lines = ["mail.example", *shown, *(["AUTH PLAIN LOGIN"] if self.encrypted else [])]
                marks = ["-"] * (len(lines) - 1) + [" "]
                await self.say("\r\n".join(f"250{mark}{line}" for mark, line in zip(marks, lines, strict=True)))
            case "STARTTLS":
                await self.say(self.how.starttls)
                if self.how.starttls.startswith("220"):
                    await self.writer.start_tls(self.context)  # type: ignore[arg-type]
                    self.encrypted = True
            case "AUTH":
                await self.say(self.how.auth)
            case "MAIL" | "RCPT" | "RSET":
                await self.say(getattr(self.how, verb.lower()))
            case "DATA":
                await self.say(self.how.data)
                if self.how.data.startswith("354"):
                    self.how.stored.append(await self.reader.readuntil(b"\r\n.\r\n"))
                    await self.say(self.how.end)
            case "QUIT":
                await self.say("221 2.0.0 bye")
                self.writer.close()
            case _:
                await self.say(self.how.rest)


@contextmanager
def hostile_smtp(how: Hostility, certificate: ServerCertificate) -> Iterator[int]:
    """A server that answers as told; yields its port. It offers STARTTLS unless told otherwise."""
    context = certificate.server_context()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _Conversation(reader, writer, how, context).hold()

    with listening(serve) as port:
        yield port


@pytest.fixture(scope="session")
def mail_certificate(tmp_path_factory: pytest.TempPathFactory) -> ServerCertificate:
    """A certificate for localhost, and the CA that signed it."""
    return make_certificate(tmp_path_factory.mktemp("mail-certificate"))
