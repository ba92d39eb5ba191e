"""How a receipt stands in the public log, in words, French and English."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from receipt_service.verify.log_standing import Clock, LogStanding, LogState, NotChecked, Told

STATES: Final[Mapping[LogState, Mapping[str, str]]] = {
    LogState.LOGGED: {
        "fr": "✔ inscrit, entrée n° {number} sur {size} ; vu par assez de témoins",
        "en": "✔ logged, entry no. {number} of {size}; seen by enough witnesses",
    },
    LogState.LOGGED_NOT_WITNESSED: {
        "fr": "? inscrit, entrée n° {number} sur {size}, selon le seul journal : trop peu de témoins ; "
        "il pourrait montrer autre chose à d’autres",
        "en": "? logged, entry no. {number} of {size}, on the log’s word alone: too few witnesses; "
        "it may show others another tree",
    },
    LogState.NOT_YET_LOGGED: {
        "fr": "? pas encore inscrit ; le journal a jusqu’au {due}",
        "en": "? not logged yet; the log has until {due}",
    },
    LogState.NEVER_LOGGED: {
        "fr": "✘ absent du journal, qui avait jusqu’au {due}",
        "en": "✘ not in the log, which had until {due}",
    },
    LogState.NOT_CHECKED: {"fr": "? non consulté : {why}", "en": "? not checked: {why}"},
    LogState.PROOF_NOT_VALID: {"fr": "✘ la preuve ne tient pas", "en": "✘ the proof does not hold"},
}

WHY: Final[Mapping[NotChecked, Mapping[str, str]]] = {
    NotChecked.NO_POLICY: {
        "fr": "aucune politique de journal n’est enregistrée pour cet émetteur (receipt-service trust fetch)",
        "en": "no log policy is saved for this issuer (receipt-service trust fetch)",
    },
    NotChecked.NO_PROOF: {
        "fr": "aucune preuve n’est jointe ; --online la demande à l’émetteur",
        "en": "no proof is at hand; --online asks the issuer for it",
    },
    NotChecked.LOG_UNREACHABLE: {"fr": "le journal n’a pas répondu", "en": "the log did not answer"},
}

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "fr": {
        "log": "Journal public : ",
        "unwitnessed": "  La politique ne demande aucun témoin : le journal pourrait montrer autre chose à d’autres.",
        "witnesses": "  Témoins : {names}",
        "not_before": "  Pas avant : {at}, selon {who}",
        "not_after": "  Pas après : {at}, selon {who}",
        "witness": "le témoin {name}",
        "its_log": "le journal lui-même",
    },
    "en": {
        "log": "Public log: ",
        "unwitnessed": "  The policy asks for no witness: the log could show others another tree.",
        "witnesses": "  Witnesses: {names}",
        "not_before": "  Not before: {at}, says {who}",
        "not_after": "  Not after: {at}, says {who}",
        "witness": "the witness {name}",
        "its_log": "the log itself",
    },
}


def log_lines(standing: LogStanding, lang: str) -> Iterator[str]:
    """Write how a receipt stands in the log, and between which two times it came to be, as far as that is known."""
    words = WORDS[lang]
    yield words["log"] + STATES[standing.state][lang].format(
        number="" if standing.index is None else standing.index + 1,
        size=standing.size,
        due="" if standing.due is None else _moment(standing.due),
        why="" if standing.why is None else WHY[standing.why][lang],
    )
    if standing.witnesses:
        yield words["witnesses"].format(names=", ".join(map(_shown, standing.witnesses)))
    elif standing.state is LogState.LOGGED:
        yield words["unwitnessed"]
    for name, told in (("not_before", standing.not_before), ("not_after", standing.not_after)):
        if told is not None:
            yield words[name].format(at=_moment(told.at), who=_who(told, words))


def _who(told: Told, words: Mapping[str, str]) -> str:
    return words["its_log"] if told.by is Clock.LOG else words["witness"].format(name=_shown(told.name))


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _shown(name: str) -> str:
    """Show a name out of a policy without letting it steer the terminal."""
    return name if name.isprintable() else ascii(name)
