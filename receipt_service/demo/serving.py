"""``demo --serve``: the demonstration that stays, with its page, until it is told to stop."""

import json
import socket
import time
from datetime import datetime
from typing import Final

from receipt_service.demo.cases import accepted_cases
from receipt_service.demo.narration import Narrator
from receipt_service.demo.page import DemoPage
from receipt_service.demo.service_processes import free_port
from receipt_service.demo.stage import Stage
from receipt_service.demo.stops.roster import read_roster
from receipt_service.demo.threaded_server import ThreadedServer

API_PORT: Final = 8000
PAGE_PORT: Final = 8001
_LOOK_SECONDS: Final = 0.5


def usual_or_free(port: int) -> int:
    """Give the usual port, or a free one where somebody else has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return free_port()
    return port


def stay(stage: Stage, tell: Narrator, now: datetime, *, page_port: int = PAGE_PORT) -> None:
    """Serve the page until interrupted. Raises ``ProcessFailed`` when the service ends by itself."""
    case = accepted_cases(read_roster(stage.directory), now)[0]
    assert case.officer is not None  # noqa: S101 - accepted cases have one
    sample = {**case.body, "recipient": {**case.body["recipient"], "email": "personne@example.org"}}
    page = DemoPage(
        base_url=stage.base_url,
        token_url=stage.token_url,
        sample_request=json.dumps(sample, ensure_ascii=False, indent=2),
        officer=case.officer.subject,
        trust_root=str(stage.trust_root_file),
        store=stage.store,
        mails=stage.mails,
    )
    port = usual_or_free(page_port)
    with ThreadedServer(page.app(), port):
        tell.heading("It stays")
        tell.field("page", f"http://127.0.0.1:{port}/   telephone, mailbox, commands to try")
        tell.field("API", f"{stage.base_url}/v1/…   described in schemas/openapi.json")
        tell.field("dashboard", f"{stage.base_url}/supervision   for supervisors, with made-up figures")
        tell.field("stop", "Ctrl-C")
        while True:
            stage.processes.check()
            time.sleep(_LOOK_SECONDS)
