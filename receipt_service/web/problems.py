"""Every refusal of the HTTP interface, as RFC 9457 problem details in French or English.

``PROBLEMS`` is the registry: docs/errors.md, the OpenAPI document and the tests are made from it.
``web.refusals`` turns them into answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from receipt_service.web.languages import Language

TYPE_PREFIX: Final = "urn:fr:recepisse:problem:"
MEDIA_TYPE: Final = "application/problem+json"
REALM: Final = 'Bearer realm="receipt-service"'


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of refusal: ``slug`` ends its ``type`` URI and never changes its meaning."""

    slug: str
    status: int
    title: Mapping[Language, str]
    detail: Mapping[Language, str]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """The absolute URI of RFC 9457's ``type``."""
        return TYPE_PREFIX + self.slug


def _problem(slug: str, status: int, fr: tuple[str, str], en: tuple[str, str], **headers: str) -> Problem:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Problem(slug, status, {"fr": fr[0], "en": en[0]}, {"fr": fr[1], "en": en[1]}, names)


MALFORMED_REQUEST: Final = _problem(
    "malformed-request",
    400,
    ("Requête illisible", "Le corps n’est pas un objet JSON bien formé : UTF-8, clés uniques, nombres finis."),
    ("Unreadable request", "The body is not a well-formed JSON object: UTF-8, unique keys, finite numbers."),
)
IDEMPOTENCY_KEY_MISSING: Final = _problem(
    "idempotency-key-missing",
    400,
    ("Idempotency-Key absent", "Envoyez un seul en-tête Idempotency-Key, avec un UUID aléatoire entre guillemets."),
    ("Idempotency-Key missing", "Send exactly one Idempotency-Key header, with a random UUID in double quotes."),
)
IDEMPOTENCY_KEY_INVALID: Final = _problem(
    "idempotency-key-invalid",
    400,
    ("Idempotency-Key invalide", "La valeur doit être un UUID aléatoire (version 4), de préférence entre guillemets."),
    ("Idempotency-Key invalid", "The value must be a random UUID (version 4), preferably in double quotes."),
)
UNAUTHENTICATED: Final = _problem(
    "unauthenticated",
    401,
    ("Authentification requise", "Présentez un jeton d’accès : Authorization: Bearer …"),
    ("Authentication required", "Present an access token: Authorization: Bearer …"),
    WWW_Authenticate=REALM,
)
INVALID_TOKEN: Final = _problem(
    "invalid-token",
    401,
    ("Jeton refusé", "Le jeton est mal formé, périmé, destiné à un autre service ou signé par un autre émetteur."),
    ("Token refused", "The token is malformed, expired, meant for another service or signed by another issuer."),
    WWW_Authenticate=f'{REALM}, error="invalid_token"',
)
FORBIDDEN: Final = _problem(
    "forbidden",
    403,
    ("Rôle insuffisant", "Le jeton est valable, mais ne porte pas le rôle que cette opération demande."),
    ("Role missing", "The token is valid, but does not carry the role that this operation asks for."),
    WWW_Authenticate=f'{REALM}, error="insufficient_scope"',
)
OFFICER_UNKNOWN: Final = _problem(
    "officer-unknown",
    403,
    ("Agent inconnu", "Le jeton est valable, mais son titulaire n’est pas un agent actif de l’annuaire."),
    ("Officer unknown", "The token is valid, but its subject is not an active officer of the directory."),
)
CORRECTION_WINDOW_CLOSED: Final = _problem(
    "correction-window-closed",
    403,
    (
        "Délai de rectification passé",
        "Un agent rectifie son propre contrôle dans un délai limité ; ensuite, un responsable du service le peut.",
    ),
    (
        "Time to correct is over",
        "An officer corrects their own check within a limited time; after it a supervisor of the unit may.",
    ),
)
OUTSIDE_OWN_UNITS: Final = _problem(
    "outside-own-units",
    403,
    ("Hors de vos services", "Vous ne pouvez interroger que votre service et ceux qui en dépendent."),
    ("Outside your units", "You can ask about your own unit and those below it alone."),
)
NOT_FOUND: Final = _problem(
    "not-found",
    404,
    ("Introuvable", "Rien ne se trouve à cette adresse, ou vous n’avez pas à le savoir."),
    ("Not found", "Nothing is at this address, or it is not yours to know."),
)
PERIOD_NOT_RELEASED: Final = _problem(
    "period-not-released",
    404,
    (
        "Période non diffusée",
        "Les nombres d’une période paraissent en une fois, quelques jours après sa fin ; « allowed » dit lesquels.",
    ),
    (
        "Period not released",
        "The figures of a period are released at once, some days after its end; `allowed` names the latest ones.",
    ),
)
METHOD_NOT_ALLOWED: Final = _problem(
    "method-not-allowed",
    405,
    ("Méthode non admise", "Cette adresse n’admet que les méthodes de l’en-tête Allow."),
    ("Method not allowed", "This address admits only the methods of the Allow header."),
)
NOT_ACCEPTABLE: Final = _problem(
    "not-acceptable",
    406,
    ("Format non disponible", "Aucun des formats de l’en-tête Accept n’est disponible ici."),
    ("Not acceptable", "None of the formats in the Accept header is available here."),
)
REQUEST_TIMEOUT: Final = _problem(
    "request-timeout",
    408,
    ("Requête trop lente", "Le corps de la requête n’est pas arrivé à temps."),
    ("Request too slow", "The body of the request did not arrive in time."),
    Connection="close",
)
DAY_ALREADY_CLOSED: Final = _problem(
    "day-already-closed",
    409,
    ("Journée déjà close", "La journée de ce service est close, une fois pour toutes."),
    ("Day already closed", "The day of this unit is closed, once and for ever."),
)
IDEMPOTENCY_IN_PROGRESS: Final = _problem(
    "idempotency-in-progress",
    409,
    ("Requête en cours", "Une requête avec la même clé est en cours de traitement ; répétez-la un peu plus tard."),
    ("Request in progress", "A request with the same key is being processed; repeat it a little later."),
    Retry_After="1",
)
REPLAY_WINDOW_CLOSED: Final = _problem(
    "replay-window-closed",
    409,
    (
        "Récépissé déjà émis",
        "Ce contrôle est enregistré, mais la clé qui permettait de redonner son récépissé est détruite.",
    ),
    (
        "Receipt already issued",
        "This check is registered, but the key that could give its receipt again has been destroyed.",
    ),
)
ALREADY_AMENDED: Final = _problem(
    "already-amended",
    409,
    (
        "Récépissé déjà remplacé ou annulé",
        "Un récépissé n’est remplacé ou annulé qu’une fois ; rectifiez celui qui l’a remplacé.",
    ),
    (
        "Receipt already replaced or cancelled",
        "A receipt is replaced or cancelled once; correct the one that took its place.",
    ),
)
STUB_ERASED: Final = _problem(
    "stub-erased",
    410,
    (
        "Souche effacée",
        "La durée de conservation de cette souche est passée. Le récépissé se vérifie encore, avec son fichier.",
    ),
    (
        "Stub erased",
        "This stub has been kept as long as it may be. The receipt can still be verified, from its file.",
    ),
)
BODY_TOO_LARGE: Final = _problem(
    "body-too-large",
    413,
    ("Corps trop grand", "Le corps de la requête dépasse la taille admise."),
    ("Body too large", "The body of the request exceeds the accepted size."),
    Connection="close",
)
UNSUPPORTED_MEDIA_TYPE: Final = _problem(
    "unsupported-media-type",
    415,
    ("Type de contenu non pris en charge", "Envoyez du application/json, en UTF-8, sans codage de contenu."),
    ("Unsupported media type", "Send application/json, in UTF-8, without content coding."),
    Accept="application/json",
)
INVALID_CHECK: Final = _problem(
    "invalid-check",
    422,
    ("Contrôle refusé", "La demande enfreint une ou plusieurs règles ; « errors » les donne toutes. Rien n’est écrit."),
    ("Check refused", "The request breaks one or more rules; `errors` lists them all. Nothing was written."),
)
INVALID_PARAMETER: Final = _problem(
    "invalid-parameter",
    422,
    ("Paramètre refusé", "Un paramètre de l’adresse n’a pas une valeur admise."),
    ("Parameter refused", "A parameter of the address does not have an accepted value."),
)
INVALID_RECEIPT: Final = _problem(
    "invalid-receipt",
    422,
    ("Récépissé refusé", "Ce n’est pas un récépissé intact de ce service, ou le lien n’est pas le sien."),
    ("Receipt refused", "This is not an intact receipt of this service, or the link is not its own."),
)
PURPOSE_REQUIRED: Final = _problem(
    "purpose-required",
    422,
    ("But à indiquer", "Dites pourquoi vous consultez ces nombres : un des buts de « allowed ». Il est enregistré."),
    ("Purpose required", "Say why you look at these figures: one of the purposes in `allowed`. It is kept on record."),
)
AUDIT_REASON_REQUIRED: Final = _problem(
    "audit-reason-required",
    422,
    ("Motif à indiquer", "Donnez un des motifs de « allowed » et la référence du dossier. Les deux sont enregistrés."),
    (
        "Reason required",
        "Give one of the purposes in `allowed` and the reference of the case. Both are kept on record.",
    ),
)
AUDIT_PERIOD_REFUSED: Final = _problem(
    "audit-period-refused",
    422,
    ("Période trop longue", "De 1 à 31 jours ; au-delà, ou s’il y a trop de contrôles, prenez la commande d’audit."),
    ("Period too long", "From 1 to 31 days; beyond that, or where there are too many checks, take the audit command."),
)
DAY_NOT_CLOSABLE: Final = _problem(
    "day-not-closable",
    422,
    ("Journée non clôturable", "La journée n’a pas commencé dans ce service, ou date de plus d’un an."),
    ("Day not closable", "The day has not begun in this unit, or is more than a year ago."),
)
PERIOD_NOT_CLOSED: Final = _problem(
    "period-not-closed",
    422,
    (
        "Période non close",
        "Demandez un mois (2026-10) ou un trimestre (2026-Q3) écoulé ; « allowed » donne les derniers.",
    ),
    (
        "Period not over",
        "Ask for a month (2026-10) or a quarter (2026-Q3) that is over; `allowed` names the latest ones.",
    ),
)
UNIT_TOO_LARGE: Final = _problem(
    "unit-too-large",
    422,
    (
        "Service trop grand",
        "Ce service compte trop d’agents pour être montré en une fois ; demandez un de ceux qui en dépendent.",
    ),
    ("Unit too large", "This unit has too many officers to be shown at once; ask about one of those below it."),
)
IDEMPOTENCY_CONFLICT: Final = _problem(
    "idempotency-conflict",
    422,
    ("Clé déjà employée", "Cette Idempotency-Key est déjà venue avec un autre corps ; prenez-en une nouvelle."),
    ("Key already used", "This Idempotency-Key came before with another body; take a new one."),
)
INTERNAL_ERROR: Final = _problem(
    "internal-error",
    500,
    ("Erreur interne", "Une faute de notre côté. Répétez la requête avec la même clé ; citez « instance »."),
    ("Internal error", "A fault on our side. Repeat the request with the same key; quote `instance`."),
)
UNAVAILABLE: Final = _problem(
    "unavailable",
    503,
    ("Momentanément indisponible", "Une partie nécessaire ne répond pas. Répétez la requête avec la même clé."),
    ("Temporarily unavailable", "A part that is needed does not answer. Repeat the request with the same key."),
    Retry_After="5",
)
OVERLOADED: Final = _problem(
    "overloaded",
    503,
    ("Trop de requêtes à la fois", "La file d’attente est pleine. Répétez la requête avec la même clé."),
    ("Too many requests at once", "The queue is full. Repeat the request with the same key."),
    Retry_After="2",
)

PROBLEMS: Final[Mapping[str, Problem]] = {
    value.slug: value for value in list(globals().values()) if isinstance(value, Problem)
}
"""All problems by slug, in the order of their status."""
