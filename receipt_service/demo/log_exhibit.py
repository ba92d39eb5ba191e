"""The demonstration's last word on a receipt: its proof in the log, and the witness who saw it."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import urlopen

from receipt_service.demo.story import Story, short
from receipt_service.domain.receipt import Receipt
from receipt_service.tlog.checkpoint import parse_checkpoint
from receipt_service.tlog.merkle import leaf_hash
from receipt_service.tlog.note import parse_note

_TRIES: Final = 50
_PAUSE_SECONDS: Final = 0.2


async def show_log(story: Story) -> None:
    """Fetch a proof as anybody may, show whose signatures it has, and verify with it, without a network."""
    issued = story.by("email") or story.issued
    story.tell.heading("The log: the receipt's place in it, and who has seen it")
    if not issued:
        story.fail("no receipt to prove")
        return
    receipt = Receipt.parse(str(issued[0].created["receipt"]))
    proof = await asyncio.to_thread(_proof, story.stage.base_url, receipt.leaf)
    if proof is None:
        story.fail("no proof of a receipt within ten seconds")
        return
    note = parse_note(proof.partition(b"\n\n")[2])
    checkpoint = parse_checkpoint(note.text)
    story.tell.say(
        f"Every attestation is in a public log that can only grow: {checkpoint.origin} has {checkpoint.size} entries, "
        f"root {checkpoint.root.hex()[:16]}…, signed by the log with Ed25519 and ML-DSA-44."
    )
    names = sorted({signature.key_name for signature in note.signatures} - {checkpoint.origin})
    story.tell.field("witnesses", ", ".join(names) or "none")
    folder = story.stage.received
    file, kept = folder / f"{issued[0].number}.sd-jwt", folder / f"{issued[0].number}.tlog-proof"
    file.write_text(receipt.compact, encoding="ascii")
    kept.write_bytes(proof)
    story.saved("receipt", file)
    story.saved("proof", kept)
    found = await asyncio.to_thread(_verify, story.stage.trust_root_file, file)
    standing = found.get("log", {}).get("state")
    if not names or standing != "logged":
        story.fail(f"the proof does not show the receipt as logged and witnessed: {standing}")
    story.tell.result("ok" if standing == "logged" else "!!", f"verify {short(file)}", f"log: {standing}, no network")
    story.tell.say("Whoever deletes or alters the stub now leaves this behind: `make attack` shows what finds what.")


def _proof(base_url: str, leaf: str) -> bytes | None:
    """Ask the log until a witness has cosigned a checkpoint over the leaf; ``None`` when that takes too long."""
    address = f"{base_url}/v1/log/proofs/{leaf_hash(leaf.encode()).hex()}"
    for _ in range(_TRIES):
        try:
            with urlopen(address, timeout=10) as answer:  # noqa: S310 - an address of ours
                proof: bytes = answer.read()
        except HTTPError as error:
            error.close()
        else:
            if len({signature.key_name for signature in parse_note(proof.partition(b"\n\n")[2]).signatures}) > 1:
                return proof
        time.sleep(_PAUSE_SECONDS)
    return None


def _verify(trust_root: Path, file: Path) -> dict[str, Any]:
    """Run the real command, which finds the proof beside the receipt."""
    command = [sys.executable, "-m", "receipt_service", "verify", "--json", "--require-log"]
    done = subprocess.run(  # noqa: S603 - our own program
        [*command, "--trust-root", str(trust_root), str(file)], capture_output=True, check=False, text=True
    )
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {}
    return found
