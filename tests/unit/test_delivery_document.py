"""docs/delivery.md and the code say the same."""

import re
from pathlib import Path

from receipt_service.delivery.channels.sms_twilio import CONFIGURATION, PERMANENT, RATE
from receipt_service.delivery.worker.faults import POINTS
from receipt_service.demo.twilio_store import MAGIC_NUMBERS
from receipt_service.domain.message import ALLOWED_MOVES, MessageState

TEXT = (Path(__file__).parents[2] / "docs" / "delivery.md").read_text(encoding="utf-8")


def table(heading: str) -> str:
    return TEXT.split(f"\n{heading}\n")[1].split("\n#")[0]


def test_every_durable_point_is_explained_in_order():
    assert tuple(re.findall(r"^\| `(\w+)` \|", table("## What a crash leaves"), re.MULTILINE)) == POINTS


def test_every_code_is_in_its_row():
    rows: dict[str, str] = {}
    for line in table("### SMS by Twilio").splitlines():
        if line.startswith("|"):
            outcome = line.rsplit("|", 2)[1].strip().split(",")[0]
            rows[outcome] = rows.get(outcome, "") + line

    assert {int(code) for code in re.findall(r"\b[23]\d{4}\b", rows["permanent"])} == PERMANENT
    assert {int(code) for code in re.findall(r"\b[23]\d{4}\b", rows["configuration"])} == CONFIGURATION
    assert {int(code) for code in re.findall(r"\b[23]\d{4}\b", rows["transient"])} == RATE


def test_every_magic_number_is_listed():
    listed = {"+33" + re.sub(r"\D", "", number) for number in re.findall(r"^\| \+33([ 0-9]+)\|", TEXT, re.MULTILINE)}

    assert listed == {number for number in MAGIC_NUMBERS if number.startswith("+33")}


def test_diagram_shows_only_allowed_moves():
    moves = re.findall(r"^    (\w+) --> (\w+)", TEXT, re.MULTILINE)

    assert len(moves) > 10
    assert all(MessageState(new) in ALLOWED_MOVES[MessageState(old)] for old, new in moves)
