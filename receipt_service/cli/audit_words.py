"""What matching found, in French and English."""

from collections.abc import Mapping
from typing import Final

from receipt_service.audit.matching import Outcome

OUTCOMES: Final[Mapping[Outcome, Mapping[str, str]]] = {
    Outcome.AUTHENTIC_LOGGED: {
        "fr": "Authentique, inscrit au journal, et la souche est la même",
        "en": "Authentic, in the log, and the stub is the same",
    },
    Outcome.AUTHENTIC_NOT_YET_LOGGED: {
        "fr": "Authentique, en attente d’inscription au journal depuis moins d’une minute",
        "en": "Authentic, waiting for less than a minute to be logged",
    },
    Outcome.AUTHENTIC_NEVER_LOGGED: {
        "fr": "Authentique et jamais inscrit au journal : preuve d’un manquement de l’émetteur",
        "en": "Authentic and never logged: proof of the issuer's misbehaviour",
    },
    Outcome.LOGGED_STUB_MISSING: {
        "fr": "Inscrit au journal, et la souche manque : preuve d’un effacement",
        "en": "Logged, and the stub is missing: proof of a deletion",
    },
    Outcome.LOGGED_STUB_LAWFULLY_DELETED: {
        "fr": "Inscrit au journal ; la souche a été effacée selon une règle, et le journal le dit",
        "en": "Logged; the stub was deleted by a rule, and the log says so",
    },
    Outcome.STUB_DIFFERS: {
        "fr": "Inscrit au journal, et la souche diffère du récépissé : la souche a été modifiée",
        "en": "Logged, and the stub differs from the receipt: the stub was altered",
    },
    Outcome.FORGED: {
        "fr": "Faux : ce service n’a pas signé cela",
        "en": "Forged: this service did not sign this",
    },
    Outcome.SIGNER_UNKNOWN: {
        "fr": "Indéterminé : aucune clé de confiance n’a signé cela",
        "en": "Indeterminate: no trusted key signed this",
    },
}
