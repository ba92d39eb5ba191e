"""Rules for the sender that a French handset shows (OADC), as AF2M publishes and operators enforce them.

Since 10 March 2025 French operators refuse, and fine, senders that are not 3 to 11 letters or digits
without space or punctuation, that are digits only, or that are a word anybody could use
(https://www.af2m.org, "protection des OADC sensibles"). Twilio's own check is weaker; ours is made
when the channel is built, so that a wrong setting stops the start and not the ten thousandth SMS.
"""

import re

from receipt_service.errors import ConfigurationError

SHORTEST, LONGEST = 3, 11

_GENERIC = (
    "agence alert alerte alerteinfo alertes amende amendes appel banque boutique client clients code colis "
    "commande compte confirm contact facture gratuit info infoclient inform information infos infosms livraison "
    "livreur message messages mms news notif notification notifs offre paiement promo promos promotion pub "
    "rappel rdv rendezvous reponse securite service serviceclient services sms smsinfo solde soldes suivi "
    "suivicolis support test urgence urgent vente "
)
GENERIC_WORDS = frozenset(_GENERIC.split())
"""Words that name no sender in particular; digits around them don't make them one."""


def check_sender(sender: str) -> str:
    """Return ``sender`` when it may be used in France.

    Raises:
        ConfigurationError: one of the rules is broken; the message says which.

    """
    if not re.fullmatch(r"[A-Za-z0-9]*", sender):
        raise ConfigurationError(
            "the SMS sender may hold only the letters A-Z, a-z and digits: no accent, space or sign"
        )
    if not SHORTEST <= len(sender) <= LONGEST:
        raise ConfigurationError(f"the SMS sender must have {SHORTEST} to {LONGEST} characters")
    if sender.isdigit():
        raise ConfigurationError("the SMS sender must not be digits only")
    if sender.strip("0123456789").lower() in GENERIC_WORDS:
        raise ConfigurationError("the SMS sender is a word that names nobody in particular; operators refuse it")
    return sender
