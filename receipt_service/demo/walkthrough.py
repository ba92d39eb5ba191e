"""The demonstration told step by step: from an officer's token to a verdict that trusts nobody."""

import asyncio
import time
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import orjson

from receipt_service.demo import exhibits, log_exhibit, verdict_run
from receipt_service.demo.api_client import Answer, ApiClient
from receipt_service.demo.cases import Case, accepted_cases, refused_cases
from receipt_service.demo.narration import Narrator
from receipt_service.demo.stops.roster import Roster, read_roster
from receipt_service.demo.story import IssuedCase, Story, Summary, short

_SETTLE_SECONDS: Final = 30.0
_FINAL: Final = frozenset({"delivered", "accepted", "handed_over", "declined"})


def begin(tell: Narrator, folder: Path) -> None:
    """Say what is about to happen."""
    tell.title("receipt-service demo: from a check to a receipt that anyone can verify")
    tell.say(
        "Real processes on this machine: the API, the delivery worker, an SMTP server, and a stand-in that speaks "
        "Twilio's HTTP API. Nothing leaves the machine."
    )
    tell.field("files", short(folder))


def conclude(story: Story, seconds: float) -> None:
    """Say how it went."""
    summary = story.summary
    story.tell.heading("As it must be" if summary.succeeded else "NOT as it must be")
    story.tell.say(
        f"{summary.issued} checks registered, {summary.refused} refused; {summary.passed} verdicts passed on what "
        f"arrived; {summary.identity_hits} identities left. {seconds:.1f} s."
    )
    for failure in summary.failures:
        story.tell.result("!!", failure)


async def walk_through(story: Story, now: datetime) -> Summary:
    """Do every step, in order; a step that goes wrong is written down and the next one follows."""
    roster = read_roster(story.stage.directory)
    async with ApiClient(story.stage.base_url, token_url=story.stage.token_url) as client:
        _setting(story)
        await _token(story, client, roster)
        await _issue(story, client, accepted_cases(roster, now))
        await _repeat(story, client)
        await _refuse(story, client, refused_cases(roster, now))
        await _deliver(story, client)
        exhibits.show_phone(story)
        exhibits.show_mailbox(story)
        await exhibits.show_paper(story, client)
        exhibits.show_screen(story)
    exhibits.show_stub(story)
    await verdict_run.give_verdicts(story)
    await log_exhibit.show_log(story)
    await asyncio.to_thread(verdict_run.search_identities, story)
    return story.summary


def _setting(story: Story) -> None:
    """Show what the commands of the set-up said."""
    stage, tell = story.stage, story.tell
    tell.heading("The service is set up and runs")
    tell.field("signing key", stage.reports["signing key"].split()[0])
    tell.field("log", stage.reports["log"].partition("+")[0])
    tell.field("directory", stage.reports["directory"].strip().splitlines()[-1])
    tell.field("database", short(stage.database))
    tell.field("API and worker", stage.base_url)
    tell.field("trust root", f"{short(stage.trust_root_file)}, for the verdicts at the end")


async def _token(story: Story, client: ApiClient, roster: Roster) -> None:
    officer = roster.one(quality="APJ", force="PN", department="75")
    token = await client.token(officer.subject)
    story.tell.heading("An officer signs in and takes a token")
    story.tell.field("officer", f"{officer.number}, {officer.quality}, {officer.unit_name}")
    story.tell.field("token", f"{token[:40]}… ({len(token)} characters, from the demonstration's own issuer)")
    story.tell.say("Number, rank and service on a receipt come from the directory, never from the request.")


async def _issue(story: Story, client: ApiClient, cases: list[Case]) -> None:
    story.tell.heading(f"{len(cases)} checks are registered, each by POST /v1/checks")
    for case in cases:
        key = uuid4()
        started = time.monotonic()
        answer = await _submit(client, case, key)
        took = (time.monotonic() - started) * 1000
        if answer.status != HTTPStatus.CREATED:
            story.fail(f"{case.title}: {answer.status}")
            story.tell.result("!!", case.title, f"{answer.status} {_problem(answer)}")
            continue
        issued = IssuedCase(case, key, answer.json)
        story.issued.append(issued)
        story.summary.issued += 1
        ways = ", ".join(_WAYS[channel] for channel in case.channels)
        story.tell.result("201", case.title, f"{ways} · receipt {issued.number} · {took:.0f} ms")


async def _repeat(story: Story, client: ApiClient) -> None:
    if not story.issued:
        return
    first = story.issued[0]
    story.tell.heading("The answer gets lost and the officer's app asks again, with the same key")
    answer = await _submit(client, first.case, first.key)
    same = answer.status == HTTPStatus.CREATED and answer.json == first.created
    if not same:
        story.fail("a repeated request did not give the same receipt")
    story.tell.result(
        str(answer.status),
        f"{'the same receipt' if same else 'ANOTHER ANSWER'}, {first.number}",
        f"Idempotency-Replayed: {answer.headers.get('Idempotency-Replayed', 'absent')}; no second message is sent",
    )


async def _refuse(story: Story, client: ApiClient, cases: list[Case]) -> None:
    story.tell.heading(f"{len(cases)} requests that must be refused, and are")
    for case in cases:
        key = uuid4() if case.same_key_as is None else story.issued[case.same_key_as].key
        answer = await _submit(client, case, key)
        if _refused_as(case, answer):
            story.summary.refused += 1
            story.tell.result(str(answer.status), case.title, _problem(answer))
        else:
            story.fail(f"not refused as it must be: {case.title}")
            story.tell.result("!!", case.title, f"expected {case.refused_at}, got {answer.status} {_problem(answer)}")
    story.tell.say("Nothing is written for a refused request. Texts come in French or English (Accept-Language).")


async def _deliver(story: Story, client: ApiClient) -> None:
    """Wait for the worker: until every message is final."""
    end = time.monotonic() + _SETTLE_SECONDS
    waiting = list(story.issued)
    while waiting and time.monotonic() < end:
        waiting = [issued for issued in waiting if not await _final(client, issued)]
        if waiting:
            await asyncio.sleep(0.2)
    for issued in waiting:
        story.fail(f"not delivered within {_SETTLE_SECONDS:.0f} s: {issued.case.title}")


async def _final(client: ApiClient, issued: IssuedCase) -> bool:
    assert issued.case.officer is not None  # noqa: S101 - accepted cases have one
    answer = await client.request("GET", f"/v1/checks/{issued.number}", officer=issued.case.officer.subject)
    messages = answer.json["messages"]
    return all(
        message["state"] in _FINAL and (message["channel"] != "sms" or message["state"] == "delivered")
        for message in messages
    )


async def _submit(client: ApiClient, case: Case, key: UUID) -> Answer:
    body = {name: value for name, value in case.body.items() if value is not None}
    if case.officer is None:
        return await client.request(
            "POST",
            "/v1/checks",
            content=orjson.dumps(body),
            headers={"Content-Type": "application/json", "Idempotency-Key": f'"{key}"', "Accept-Language": "en"},
        )
    return await client.submit(body, key, case.officer.subject, headers={"Accept-Language": "en"})


_WAYS: Final = {
    "sms": "text message",
    "email": "e-mail",
    "on_screen": "QR code on the screen",
    "on_paper": "paper",
    "declined": "declined",
}


def _problem(answer: Answer) -> str:
    """Give what a problem document says: the first rule broken, else its title."""
    try:
        problem = answer.json
    except orjson.JSONDecodeError:
        return "no problem document"
    errors = problem.get("errors")
    if not errors:
        return f"{problem.get('title')}: {problem.get('detail')}"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{errors[0]['pointer']}: {errors[0]['detail']}{more}"


def _refused_as(case: Case, answer: Answer) -> bool:
    """Say whether a refusal is the one expected: by pointer, or by the end of the problem's type."""
    if answer.status < HTTPStatus.BAD_REQUEST or case.refused_at is None:
        return False
    problem = answer.json
    if case.refused_at.startswith("/"):
        return any(error["pointer"].startswith(case.refused_at) for error in problem.get("errors", []))
    return str(problem.get("type", "")).endswith(f":{case.refused_at}")
