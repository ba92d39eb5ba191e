"""The end of the demonstration: verdicts on everything that arrived, and the search for what must not be left."""

import asyncio
import json
import subprocess
import sys
from typing import Any, Final

from receipt_service.demo.identity_search import identities_of, search
from receipt_service.demo.story import Arrived, IssuedCase, Story, short
from receipt_service.demo.stub_book import read_stub

_AT_ONCE: Final = 2


async def give_verdicts(story: Story) -> None:
    """Verify everything that arrived by the real command, a process for each."""
    story.tell.heading("Verdicts: receipt-service verify, on what arrived")
    story.tell.say(f"Trust root: {short(story.stage.trust_root_file)}, the published keys, saved once.")
    limit = asyncio.Semaphore(_AT_ONCE)

    async def verdict(arrived: Arrived) -> tuple[Arrived, int, dict[str, Any]]:
        async with limit:
            return arrived, *await asyncio.to_thread(_verify, story, arrived.source)

    declined = story.by("declined")
    story.arrivals += [Arrived("stub (declined)", _declined_stub(story, each), each.number) for each in declined]
    for arrived, code, found in await asyncio.gather(*map(verdict, story.arrivals)):
        right = code == 0 and found.get("receipt_number") == arrived.number
        story.summary.passed += right
        if not right:
            story.fail(f"{arrived.what}: exit code {code}, {found.get('reasons')}")
        shown = "five groups" if found.get("view") == "receipt" else "four groups, no identity"
        detail = (
            f"{shown}, {found.get('log', {}).get('state')}"
            if right
            else f"{found.get('status')}: {found.get('reasons')}"
        )
        story.tell.result(
            "ok" if right else "!!", f"{arrived.what:<18}{arrived.number[:8]}…  {found.get('status')}: {detail}"
        )


def _declined_stub(story: Story, issued: IssuedCase) -> str:
    """Save the stub of a check whose receipt nobody took: the officer's record verifies all the same."""
    path = story.stage.folder / f"declined-{issued.number[:8]}.sd-jwt"
    path.write_text(read_stub(story.stage.database, issued.number).compact, encoding="ascii")
    return str(path)


def _verify(story: Story, source: str) -> tuple[int, dict[str, Any]]:
    """Run the real command in a process of its own, as anybody would."""
    command = [sys.executable, "-m", "receipt_service", "verify", "--json", "--online", "--require-log"]
    done = subprocess.run(  # noqa: S603 - our own program
        [*command, "--trust-root", str(story.stage.trust_root_file), source],
        capture_output=True,
        check=False,
        text=True,
    )
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        return done.returncode, {"status": "no verdict", "reasons": done.stderr.strip()[-200:]}


def search_identities(story: Story) -> None:
    """Search everything that the service wrote for everything that it must not keep."""
    story.tell.heading("What is left of the identities")
    wanted = identities_of(issued.case.body for issued in story.issued)
    found = search([story.stage.service_folder, story.stage.logs], wanted)
    control = search([story.stage.received], wanted)
    story.summary.identity_hits = len(found.hits)
    if found.hits:
        story.fail(f"identities found in {len(found.hits)} files of the service")
    if not control.hits:
        story.fail("the search finds nothing even in what people received: it proves nothing")
    story.tell.say(
        f"Names, birth dates and places, telephone numbers, addresses: {found.identities} texts in {found.forms} "
        f"spellings (UTF-8, UTF-16, base64…), looked for in every byte of the service's {found.files} files "
        f"(database, write-ahead log, keys, logs; {found.bytes_read / 1e6:.1f} MB)."
    )
    story.tell.field("found", "0" if not found.hits else "IN " + ", ".join(map(str, found.hits)))
    story.tell.field("control", f"in what people received, the same search finds {len(control.hits)} files")
