"""Stubs as statistics read them: registered checks whose disclosures say what a test wants counted."""

import json
import random
from datetime import datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from receipt_service.domain.directory import UnitEntry
from receipt_service.domain.recipient import Channel
from receipt_service.statistics.facts import FactReader
from receipt_service.statistics.record_keys import RecordKeys
from receipt_service.statistics.rollup import Rollup
from receipt_service.storage import directory
from receipt_service.storage.engine import writing
from receipt_service.storage.issuances import NewIssuance
from tests.support.checks import catalogue, territory
from tests.support.issuances import NOW, an_issuance

KEYS = RecordKeys(bytes(range(32)))
BASES = ("CPP-78-2-AL2", "CPP-78-2-AL7", "CROUTE-R233-1")
COMMUNES = MappingProxyType({"75110": "75", "69383": "69", "2A004": "2A"})
SALT = "s" * 22


def reader() -> FactReader:
    current = catalogue()
    return FactReader({current.version: current}, territory())


def rollup(engine: Engine, **changed) -> Rollup:
    return Rollup(engine, reader(), KEYS, **changed)


def claims(unit: str, at: datetime = NOW, **changed) -> dict[str, dict[str, object]]:
    """The four groups that a stub keeps; ``changed`` replaces members of any of them, None leaves one out."""
    local = at.astimezone(ZoneInfo("Europe/Paris"))
    groups: dict[str, dict[str, object]] = {
        "legal_basis": {
            "catalogue": {"version": "2026.1", "sha256": "x"},
            "bases": [{"code": "CPP-78-2-AL2"}],
            "reasons": ["ACTE_OBSERVE"],
            "selection": "behaviour",
        },
        "consequences": {"measures": [], "outcomes": ["LIBRE"], "possible": [], "remedies": []},
        "when_where": {
            "checked_at": local.isoformat(timespec="seconds"),
            "commune": "75110",
            "department": "75",
            "recorded_at": (local + timedelta(minutes=2)).isoformat(timespec="seconds"),
        },
        "officer": {"number": "1234567", "service": {"code": unit}},
    }
    owners = {member: group for group in groups.values() for member in group}
    for member, value in changed.items():
        group = owners.get(member, groups["legal_basis"])
        group[member] = value
        if value is None:
            del group[member]
    return groups


def packed(groups: dict[str, dict[str, object]]) -> str:
    return "\n".join(json.dumps([SALT, name, group], separators=(",", ":")) for name, group in groups.items())


def a_stub(*channels: Channel, unit: str = "N1", at: datetime = NOW, **changed) -> NewIssuance:
    groups = claims(unit, at, **changed)
    number = groups["officer"]["number"]
    return an_issuance(
        *channels, at=at, disclosures=packed(groups), unit_code=unit, officer_number=number, checked_at=at
    )


def a_stub_by_chance(chance: random.Random, unit: str, at: datetime) -> NewIssuance:
    """Any check of a unit, through any channels."""
    channels = chance.sample([Channel.SMS, Channel.EMAIL, Channel.PAPER], chance.choice([1, 1, 2]))
    commune = chance.choice(list(COMMUNES))
    basis = {"code": chance.choice(BASES)}
    if chance.random() < 0.3:
        basis["operation_reference"] = chance.choice(["OP-1", "OP-2"])
    return a_stub(
        *(channels if chance.random() > 0.1 else [Channel.DECLINED]),
        unit=unit,
        at=at - chance.choice([timedelta(0), timedelta(hours=5), timedelta(days=31)]),
        bases=[basis],
        reasons=chance.choice([["ACTE_OBSERVE"], ["FUITE", "APPEL"], []]),
        measures=chance.choice([[], ["PALPATION"], ["PALPATION", "CAMERA"]]),
        outcomes=chance.choice([["LIBRE"], ["PV_CONVOC", "SAISIE"], []]),
        selection=chance.choice(["behaviour", "random_draw"]),
        commune=commune,
        department=COMMUNES[commune],
        number=chance.choice(["1234567", "7654321"]),
    )


def place_units(engine: Engine, parents: dict[str, str | None], now: datetime = NOW) -> None:
    """Import a directory of these units."""
    entries = [
        UnitEntry(code=code, name=code, parent_code=up, force="PN", department=None, commune=None)
        for code, up in parents.items()
    ]
    with writing(engine) as connection:
        directory.save(connection, entries, [])
        directory.count_import(connection, now)
