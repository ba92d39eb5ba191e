"""The checks of the demonstration: every channel, several legal bases, overseas, and what is refused.

Places are real public places, persons are invented, times are minutes ago.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from receipt_service.demo.stops.roster import OPJ, Roster, RosterOfficer

_PARIS: Final = ZoneInfo("Europe/Paris")
_MAYOTTE: Final = ZoneInfo("Indian/Mayotte")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request, what it shows, and what must come of it."""

    title: str
    officer: RosterOfficer | None
    """``None``: sent without a token."""
    body: Mapping[str, Any]
    refused_at: str | None = None
    """The pointer or the kind of the refusal that must come; ``None``: a receipt must."""
    same_key_as: int | None = None
    """Sent under the Idempotency-Key of that accepted case."""

    @property
    def channels(self) -> tuple[str, ...]:
        """The ways that the person chose."""
        return tuple(self.body["recipient"])


def accepted_cases(roster: Roster, now: datetime) -> list[Case]:
    """Give the checks that must become receipts."""
    return [
        _station(roster, now),
        _stadium(roster, now),
        _suspicion(roster, now),
        _mayotte(roster, now),
        _demonstration(roster, now),
        _cross_border(roster, now),
        _town_police(roster, now),
        _refused_identity(roster, now),
    ]


def refused_cases(roster: Roster, now: datetime) -> list[Case]:
    """Give the requests that must be refused; built on accepted ones, with one thing wrong."""
    station, suspicion = _station(roster, now), _suspicion(roster, now)
    named = f"Remise d'un sachet par {suspicion.body['person']['family_name']} à un passant."
    at_home = {"public_place": "12 rue de Dunkerque, 3e étage, porte gauche", "commune": "75110"}
    town = roster.one(quality="APJA-21-2", force="PM")
    return [
        _wrong(suspicion, "A municipal officer invokes 78-2 al. 2, which is not open to them", "/legal_bases/0", town),
        _wrong(suspicion, "The reason in words names the person", "/reason_text", reason_text=named),
        _wrong(
            station,
            "The requisition ended two days ago",
            "/legal_bases/0/requisition",
            legal_bases=[{"code": "CPP-78-2-AL7", "requisition": _ended(station, now)}],
        ),
        _wrong(station, "The place is somebody's home", "/place/public_place", place=at_home),
        Case(
            title="The key of check 1 comes again, with another outcome",
            officer=station.officer,
            body={**station.body, "outcomes": ["AUTRE"]},
            refused_at="idempotency-conflict",
            same_key_as=0,
        ),
        Case(title="No token", officer=None, body=station.body, refused_at="unauthenticated"),
    ]


def _wrong(case: Case, title: str, refused_at: str, officer: RosterOfficer | None = None, **members: Any) -> Case:
    """Change members of a good request, or who sends it."""
    body = {**case.body, **members}
    if officer is not None:
        body.pop("ordered_by", None)
    return Case(title=title, officer=officer or case.officer, body=body, refused_at=refused_at)


def _ended(case: Case, now: datetime) -> dict[str, Any]:
    """Give the case's requisition as it would be had it ended two days ago."""
    end = now.astimezone(_PARIS) - timedelta(days=2)
    return {
        **case.body["legal_bases"][0]["requisition"],
        "signed_at": _at(end - timedelta(hours=30)),
        "starts_at": _at(end - timedelta(hours=8)),
        "ends_at": _at(end),
    }


def _at(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _person(family: str, given: str, born: str, place: str, by: str = "identity_card") -> dict[str, str]:
    return {
        "identity": "established",
        "family_name": family,
        "given_names": given,
        "birth_date": born,
        "birth_place": place,
        "established_by": by,
    }


def _ordered(roster: Roster, officer: RosterOfficer) -> dict[str, str]:
    """Name the OPJ on whose order an officer acts who is none."""
    return {} if officer.quality == OPJ else {"ordered_by": roster.orders(officer).number}


def _requisition(at: datetime, commune: str, places: str, court: str, offences: list[str]) -> dict[str, Any]:
    start = at.replace(minute=0, second=0) - timedelta(hours=2)
    return {
        "reference": f"REQ-{at:%Y-%m%d}-{commune}",
        "court": court,
        "signed_at": _at(start - timedelta(hours=20)),
        "offences": offences,
        "communes": [commune],
        "places": places,
        "starts_at": _at(start),
        "ends_at": _at(start + timedelta(hours=8)),
    }


def _station(roster: Roster, now: datetime) -> Case:
    at = now.astimezone(_PARIS) - timedelta(minutes=12)
    officer = roster.one(quality="APJ", force="PN", department="75")
    requisition = _requisition(
        at, "75110", "Gare du Nord, parvis et abords immédiats", "Tribunal judiciaire de Paris", ["vol", "recel"]
    )
    return Case(
        title="Gare du Nord, on the prosecutor's requisition (78-2 al. 7)",
        officer=officer,
        body={
            "legal_bases": [{"code": "CPP-78-2-AL7", "requisition": requisition}],
            "reasons": ["REQUISITION"],
            "selection": "requisition",
            "checked_at": _at(at),
            "place": {"public_place": "Parvis de la gare du Nord", "commune": "75110"},
            "measures": [],
            "outcomes": ["LIBRE"],
            "person": _person("Quéméneur-Diallo", "Éléonore Aïssatou", "1990-05-17", "Châlons-en-Champagne"),
            "recipient": {"sms": "+33639980001"},
            **_ordered(roster, officer),
        },
    )


def _stadium(roster: Roster, now: datetime) -> Case:
    at = now.astimezone(_PARIS) - timedelta(minutes=35)
    return Case(
        title="Before a match in Marseille, to protect public order (78-2 al. 8)",
        officer=roster.one(quality=OPJ, force="PN", department="13"),
        body={
            "legal_bases": [
                {
                    "code": "CPP-78-2-AL8",
                    "risk_type": "disorder",
                    "circumstances": "Rixes entre groupes de supporters lors de la précédente rencontre, annonce de "
                    "nouveaux affrontements aux accès du stade.",
                }
            ],
            "reasons": ["EVENEMENT", "FAITS_RECENTS"],
            "selection": "everyone",
            "checked_at": _at(at),
            "place": {"public_place": "Rond-point du Prado, accès du stade Vélodrome", "commune": "13208"},
            "measures": ["PALPATION"],
            "outcomes": ["LIBRE"],
            "person": _person("Benyoussef-Lacombe", "Maël Ismaël", "2004-11-02", "Béziers", "driving_licence"),
            "recipient": {"email": "mael.benyoussef@example.org"},
            "second_language": "en",
        },
    )


def _suspicion(roster: Roster, now: datetime) -> Case:
    at = now.astimezone(_PARIS) - timedelta(minutes=50)
    officer = roster.one(quality="APJ", force="PN", department="69")
    return Case(
        title="Lyon, on a plausible reason of suspicion (78-2 al. 2)",
        officer=officer,
        body={
            "legal_bases": [
                {
                    "code": "CPP-78-2-AL2",
                    "offence_class": "delit",
                    "offence": "Usage de stupéfiants (CSP L.3421-1)",
                }
            ],
            "reasons": ["REMISE_OBJET", "DISSIMULATION"],
            "reason_text": "Remise d'un sachet contre un billet, sachet jeté sous un banc à la vue de la patrouille.",
            "selection": "behaviour",
            "checked_at": _at(at),
            "ended_at": _at(at + timedelta(minutes=9)),
            "place": {"public_place": "Place Guichard, sortie du métro", "commune": "69383"},
            "measures": ["PALPATION"],
            "outcomes": ["AFD"],
            "person": _person("N'Guessan-Özdemir", "Jean-Christophe", "1987-02-28", "Istanbul (Turquie)", "passport"),
            "recipient": {"sms": "+33639980003", "email": "jc.nguessan@example.org"},
            **_ordered(roster, officer),
        },
    )


def _mayotte(roster: Roster, now: datetime) -> Case:
    at = now.astimezone(_MAYOTTE) - timedelta(minutes=20)
    officer = roster.one(quality="APJ", force="GN", department="976")
    return Case(
        title="Mamoudzou, Mayotte: overseas basis, and the clock of the place (78-2 al. 14)",
        officer=officer,
        body={
            "legal_bases": [{"code": "CPP-78-2-AL14", "zone_type": "whole_territory"}],
            "reasons": ["ZONE_OUTRE_MER"],
            "selection": "random_draw",
            "checked_at": _at(at),
            "place": {"public_place": "Rond-point du Baobab", "commune": "97611"},
            "measures": [],
            "outcomes": ["LIBRE"],
            "person": _person("Rakotomalala", "Siti Hélène", "1979", "Bandraboua", "residence_permit"),
            "recipient": {"on_screen": True},
            **_ordered(roster, officer),
        },
    )


def _demonstration(roster: Roster, now: datetime) -> Case:
    at = now.astimezone(_PARIS) - timedelta(minutes=70)
    event = "Manifestation intersyndicale, départ place de la République"
    requisition = _requisition(
        at, "75111", "Place de la République et rues adjacentes", "Tribunal judiciaire de Paris", ["MANIF_ARME"]
    )
    return Case(
        title="At a demonstration in Paris: al. 8, with bags searched under 78-2-5 beside it",
        officer=roster.one(quality=OPJ, force="PN", department="75"),
        body={
            "legal_bases": [
                {
                    "code": "CPP-78-2-AL8",
                    "risk_type": "weapons",
                    "circumstances": "Projectiles et mortiers d'artifice tirés lors des deux cortèges précédents.",
                },
                {"code": "CPP-78-2-5", "requisition": requisition, "event": event, "owner_present": True},
            ],
            "reasons": ["EVENEMENT", "RECHERCHE_ARMES"],
            "selection": "everyone",
            "checked_at": _at(at),
            "place": {"public_place": "Place de la République, accès du métro", "commune": "75111"},
            "measures": ["INSPECTION_BAGAGE"],
            "outcomes": ["LIBRE"],
            "person": _person("Villeneuve-Thiam", "Clémence", "1999-07-14", "Évry-Courcouronnes"),
            "recipient": {"on_paper": True},
            "second_language": "en",
        },
    )


def _cross_border(roster: Roster, now: datetime) -> Case:
    at = now.astimezone(_PARIS) - timedelta(minutes=90)
    officer = roster.one(quality=OPJ, force="PN", department="59")
    return Case(
        title="Lille-Flandres, cross-border crime in a designated station (78-2 al. 9)",
        officer=officer,
        body={
            "legal_bases": [
                {
                    "code": "CPP-78-2-AL9",
                    "zone_type": "station",
                    "site": "Gare de Lille-Flandres",
                    "operation_started_at": _at(at - timedelta(hours=2)),
                }
            ],
            "reasons": ["TRANSFRONTALIER"],
            "selection": "random_draw",
            "checked_at": _at(at),
            "place": {"public_place": "Gare de Lille-Flandres, quai 9", "commune": "59350"},
            "measures": [],
            "outcomes": ["LIBRE"],
            "person": _person("Kowalczyk-Deleuze", "Stanisława", "1968-12-06", "Varsovie (Pologne)"),
            "recipient": {"declined": True},
        },
    )


def _town_police(roster: Roster, now: datetime) -> Case:
    at = now.astimezone(_PARIS) - timedelta(minutes=100)
    officer = roster.one(quality="APJA-21-2", force="PM")
    commune = officer.commune or "69383"
    return Case(
        title="Municipal police: identity taken for a petty offence (78-6)",
        officer=officer,
        body={
            "legal_bases": [{"code": "CPP-78-6", "offence_class": "contravention", "offence": "NATINF 6071"}],
            "reasons": ["CONTRAVENTION"],
            "selection": "behaviour",
            "checked_at": _at(at),
            "place": {"public_place": "Cours Gambetta", "commune": commune},
            "measures": [],
            "outcomes": ["VERBAL"],
            "person": _person("Grandjean-Sissoko", "Océane", "1995-03", "Vitry-sur-Seine", "france_identite"),
            "recipient": {"sms": "+33639980007", "on_screen": True},
        },
    )


def _refused_identity(roster: Roster, now: datetime) -> Case:
    at = now.astimezone(_PARIS) - timedelta(minutes=30)
    return Case(
        title="Identity refused: taken along for verification (78-3), receipt without a name",
        officer=roster.one(quality=OPJ, force="PN", department="75"),
        body={
            "legal_bases": [{"code": "CPP-78-2-AL3", "offence_class": "delit", "offence": "Dégradation (CP 322-1)"}],
            "reasons": ["PREPARATIFS", "REPERAGE"],
            "reason_text": "Outil sorti devant un rideau métallique fermé, après trois passages devant la vitrine.",
            "selection": "behaviour",
            "checked_at": _at(at),
            "place": {"public_place": "Boulevard de Belleville", "commune": "75120"},
            "measures": ["PALPATION", "CAMERA"],
            "outcomes": ["VERIF"],
            "person": {"identity": "not_established", "reason": "refused"},
            "recipient": {"on_paper": True, "email": "sans.nom@example.org"},
        },
    )
