"""Officers' apps that never give up, and the checks that they submit while everything around them dies."""

import asyncio
import random
import threading
from typing import Any, Self
from uuid import UUID, uuid4

from receipt_service.demo.api_client import ApiClient
from receipt_service.demo.twilio_store import Behaviour, Manner
from receipt_service.errors import Unavailable
from tests.support.checks_of_now import check_body
from tests.support.crashing import OFFICER, CrashStage, Phones, Submission

FIRST_NUMBER = 33_639_980_000
CLIENTS = 4
SLEEPERS = 3
"""Checks whose SMS and e-mail are put off for ever, until their windows end."""
LATER = "+33639988%03d"
MANNERS = {
    3: Manner(Behaviour.LIMITS_ONCE, 20429),
    5: Manner(Behaviour.BREAKS_ONCE, 20500),
    7: Manner(Behaviour.DROPS_AFTER_TAKING_ONCE),
    9: Manner(Behaviour.BREAKS_AFTER_TAKING_ONCE, 20500),
    11: Manner(Behaviour.REFUSES, 21614),
    13: Manner(Behaviour.FAILS_LATER, 30005),
}
PUT_OFF = Manner(Behaviour.REFUSES, 20429)


class Traffic:
    """Officers' apps that submit checks, one after the other, and repeat each until it is answered."""

    def __init__(self, stage: CrashStage) -> None:
        self.stage = stage
        self.submissions: list[Submission] = []
        self.surprises: list[str] = []
        self.repeats = 0
        self._numbers = iter(range(8000))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._everyone()), name="traffic")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()

    def finish(self) -> None:
        """No new checks; every one begun gets its answer."""
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "a client still waits for its answer"

    async def _everyone(self) -> None:
        async with self.stage.client() as client:
            await asyncio.gather(*(self._one(client, sleeper=n < SLEEPERS) for n in range(CLIENTS)))

    async def _one(self, client: ApiClient, *, sleeper: bool) -> None:
        while not (self._stop.is_set() or self.stage.spoiled.is_set()):
            number = next(self._numbers)
            body = sleeping_body(number) if sleeper else usual_body(number, self.stage.phones)
            sleeper = False
            key = uuid4()
            content = await self.answered(client, body, key)
            self.submissions.append(Submission(key, body, content))
            if number % 5 == 0 and await self.answered(client, body, key) != content:
                self.surprises.append(f"check {number}: the repeat got another answer")
            await asyncio.sleep(random.uniform(0.1, 0.4))

    async def answered(self, client: ApiClient, body: dict[str, Any], key: UUID) -> bytes:
        """Submit until there is a receipt; note every answer that no crash explains."""
        while True:
            try:
                answer = await client.submit(body, key, OFFICER)
            except Unavailable:
                self.repeats += 1
                continue
            self.repeats += answer.repeats
            if answer.status == 201:
                return answer.content
            if answer.status != 401:  # the demonstration's token issuer died too, and its key with it
                self.surprises.append(f"status {answer.status}: {answer.content.decode()[:300]}")
                self.stage.spoiled.set()
                return answer.content


def _person(number: int) -> dict[str, str]:
    return {
        "identity": "established",
        "family_name": "Crash-" + "".join(chr(ord("a") + int(digit)) for digit in str(number)),
        "given_names": "Noé",
        "birth_date": "1980-01-01",
        "birth_place": "Brest",
        "established_by": "identity_card",
    }


def usual_body(number: int, phones: Phones) -> dict[str, Any]:
    """A check by its number: all channels, and for some numbers a provider that misbehaves."""
    sms, email = f"+{FIRST_NUMBER + number}", f"check-{number:04}@example.org"
    recipient: dict[str, Any] = [{"sms": sms}, {"sms": sms, "email": email}, {"email": email}, {"sms": sms}][number % 4]
    if number % 10 == 0:
        recipient = {**recipient, "on_screen": True}
    if number % 23 == 0:
        recipient = {"declined": True} if number % 2 else {"on_paper": True}
    if number % 20 in MANNERS:
        phones.manners[sms] = MANNERS[number % 20]
    return check_body(recipient=recipient, person=_person(number))


def sleeping_body(number: int) -> dict[str, Any]:
    """A check whose messages nobody takes now."""
    recipient = {"sms": LATER % number, "email": f"later-{number:04}@example.org"}
    return check_body(recipient=recipient, person=_person(number))


def put_off_sleepers(phones: Phones) -> None:
    """Let the provider say "later" to the sleepers' numbers, every time."""
    phones.manners |= {LATER % number: PUT_OFF for number in range(100)}
