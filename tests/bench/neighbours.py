"""The worker's neighbours, each in a process of its own: the Twilio stand-in and the mail sink.

In the benchmark's own process they would wait for its lock and share its heap, and what is measured would be that
process and not the worker.
"""

import asyncio
import multiprocessing
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop

from receipt_service.demo.certificates import make_certificate
from receipt_service.demo.mail_sink import MailSink
from receipt_service.demo.service_processes import free_port
from receipt_service.demo.threaded_server import ThreadedServer
from receipt_service.demo.twilio_stand_in import Account, create_stand_in
from receipt_service.demo.twilio_store import MessageStore

START_SECONDS = 20


def _serve_texts(account: Account, ready: Connection) -> None:
    with ThreadedServer(create_stand_in(account, MessageStore()), free_port()) as server:
        ready.send({"RECEIPT_TWILIO_URL": server.url})
        threading.Event().wait()


def _serve_mails(folder: Path, ready: Connection) -> None:
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # as the stand-in's server does by itself
    certificate = make_certificate(folder)
    with MailSink(certificate) as sink:
        ready.send({"RECEIPT_SMTP_PORT": str(sink.port), "RECEIPT_SMTP_CA_FILE": str(certificate.ca_file)})
        threading.Event().wait()


@contextmanager
def _process(serve: Callable[..., None], given: object) -> Iterator[dict[str, str]]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(given, there), daemon=True)
    process.start()
    try:
        if not here.poll(START_SECONDS):
            raise TimeoutError("a neighbour does not start")
        yield here.recv()
    finally:
        process.terminate()
        process.join()


@contextmanager
def neighbours(folder: Path) -> Iterator[dict[str, str]]:
    """Start both and give the settings with which the worker finds them."""
    account = Account(f"AC{secrets.token_hex(16)}", secrets.token_hex(16))
    with ExitStack() as stack:
        found = {"RECEIPT_TWILIO_ACCOUNT_SID": account.sid, "RECEIPT_TWILIO_AUTH_TOKEN": account.auth_token}
        found |= stack.enter_context(_process(_serve_texts, account))
        found |= stack.enter_context(_process(_serve_mails, folder))
        yield found
