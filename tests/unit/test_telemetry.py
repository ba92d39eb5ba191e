import asyncio
import io
import json
import logging
import subprocess
import sys
import threading
import warnings

import pytest

from receipt_service import telemetry

NAME = "CANARI-Lefèvre"
PHONE = "+33639980001"
NUMBER = "3FQ7Z2M9K4T8W1XC5VB6ND0RHJ"


@pytest.fixture
def lines():
    stream = io.BytesIO()
    saved = (logging.root.handlers[:], logging.root.level, logging.raiseExceptions)
    hooks = (sys.excepthook, sys.unraisablehook)
    thread_hook = threading.excepthook
    telemetry.configure("test", level="DEBUG", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.root.handlers[:], logging.root.level, logging.raiseExceptions = saved
    sys.excepthook, sys.unraisablehook = hooks
    threading.excepthook = thread_hook
    logging.captureWarnings(capture=False)
    telemetry._writer.stream = None
    telemetry._use_level("INFO")


def test_an_event_keeps_its_allowed_fields(lines):
    telemetry.logger().info("attempt_ended", channel="sms", outcome="accepted", duration_ms=12.5, count=3)

    (line,) = lines()
    assert {
        "event": "attempt_ended",
        "channel": "sms",
        "outcome": "accepted",
        "duration_ms": 12.5,
        "count": 3,
    }.items() <= line.items()
    assert line["process"] == "test"


@pytest.mark.parametrize(
    "fields",
    [
        {"name": NAME},
        {"to": PHONE},
        {"reason": NAME},
        {"reason": PHONE},
        {"reason": "33639980001"},
        {"count": 33639980001},
        {"route": f"/v1/stubs/{NUMBER}"},
        {"code": "camille@example.org"},
        {"state": {"a": NAME}},
        {"provider": [NAME]},
        {"outcome": "x" * 200},
    ],
)
def test_anything_else_is_dropped_and_counted(lines, fields):
    before = telemetry.dropped()

    telemetry.logger().warning("attempt_ended", **fields)

    (line,) = lines()
    assert not set(fields) & set(line)
    assert line["dropped"] == 1
    assert telemetry.dropped() == before + 1


@pytest.mark.parametrize("event", [f"sent to {PHONE}", NAME, "Sent!", f"sent_{NUMBER}".lower() * 3])
def test_an_event_name_that_is_a_sentence_is_not_written(lines, event):
    telemetry.logger().info(event)

    assert lines()[0]["event"] == "unnamed"


def test_identifiers_that_open_nothing_are_written(lines):
    thumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

    telemetry.logger().info("signed", kid=thumbprint, message=7423847234872348, occurrence="0123456789abcdef")

    assert {"kid": thumbprint, "message": 7423847234872348, "occurrence": "0123456789abcdef"}.items() <= lines()[
        0
    ].items()


def test_an_exception_is_its_types_and_our_frames(lines):
    try:
        try:
            {}[NAME]
        except KeyError as error:
            raise ValueError(f"bad value {PHONE}") from error
    except ValueError:
        telemetry.logger().exception("failed")

    (line,) = lines()
    assert line["exception"] == ["builtins.ValueError", "builtins.KeyError"]
    assert NAME not in json.dumps(line, ensure_ascii=False)
    assert PHONE not in json.dumps(line)


@pytest.mark.parametrize(
    "library",
    [
        "twilio.http_client",
        "aiohttp.access",
        "uvicorn.access",
        "uvicorn.error",
        "sqlalchemy.engine",
        "asyncio",
        "aiosmtplib",
        "some.other",
    ],
)
@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO, logging.WARNING, logging.CRITICAL])
def test_what_other_libraries_log_never_appears(lines, library, level):
    logging.getLogger(library).log(level, "To=%s %s", PHONE, NAME, extra={"recipient": PHONE})

    written = json.dumps(lines(), ensure_ascii=False)
    assert NAME not in written
    assert PHONE not in written
    assert len(lines()) == (level >= logging.WARNING)


def test_a_record_that_cannot_be_formatted_prints_nothing_elsewhere(lines, capsys):
    logging.getLogger("twilio").error("%d", NAME)

    assert capsys.readouterr().err == ""
    assert lines()[0]["logger"] == "twilio"


def test_warnings_lose_their_text(lines):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"deprecated {NAME}", UserWarning, stacklevel=1)

    assert NAME not in json.dumps(lines(), ensure_ascii=False)


def test_an_asyncio_fault_loses_its_text(lines):
    async def main():
        asyncio.get_running_loop().call_exception_handler({"message": NAME, "exception": ValueError(PHONE)})

    asyncio.run(main())

    (line,) = lines()
    assert line["exception"] == ["builtins.ValueError"]
    assert NAME not in json.dumps(line, ensure_ascii=False)


UNCAUGHT = """
import threading
from receipt_service import telemetry
telemetry.forbid_core_dumps()
telemetry.configure("test")
thread = threading.Thread(target=lambda: int("CANARI-in-thread"))
thread.start()
thread.join()
import resource
assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
raise RuntimeError("CANARI-at-the-end")
"""


def test_uncaught_exceptions_lose_their_text():
    done = subprocess.run([sys.executable, "-c", UNCAUGHT], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "CANARI" not in done.stderr + done.stdout
    assert [json.loads(line)["exception"] for line in done.stderr.splitlines()] == [
        ["builtins.ValueError"],
        ["builtins.RuntimeError"],
    ]


def test_a_program_that_forgot_to_configure_is_bounded_too():
    program = "from receipt_service import telemetry; telemetry.logger().info('x', name='CANARI')"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "CANARI" not in done.stderr + done.stdout
