"""The public file put together: settings in, a published quarter out. Here alone does the signing key come in."""

from datetime import datetime
from functools import partial

from receipt_service.bootstrap.keyring import Keyring
from receipt_service.bootstrap.law import load_law
from receipt_service.bootstrap.outbox import opened_outbox
from receipt_service.bootstrap.resources import read_schema
from receipt_service.config.processes import PublishSettings
from receipt_service.statistics.publication.publish import Press, Published, check_closed, publish
from receipt_service.statistics.publication.tables import public_domain
from receipt_service.verify.publication import verify_publication
from receipt_service.verify.trust_root import TrustRoot

TABLE_SCHEMA = "public-file.tableschema.json"


def publish_quarter(settings: PublishSettings, period: str, now: datetime) -> Published:
    """Publish a closed quarter, or finish what an earlier run began.

    Raises ``ConfigurationError`` for settings, keys or a database that can't be used, ``Unavailable`` for a database
    that does not answer, and what ``statistics.publication.publish`` raises.
    """
    check_closed(period, now)  # before a key is touched
    law = load_law()
    passphrase = settings.issuer_key_passphrase
    keyring = Keyring.load(
        settings.issuer_keys, None if passphrase is None else passphrase.get_secret_value().encode(), now
    )
    own_keys = TrustRoot().with_issuer(settings.public_url, keyring.jwks())
    with opened_outbox(settings) as engine:
        press = Press(
            engine=engine,
            root=settings.open_data,
            domain=public_domain(law.catalogues, law.territory),
            issuer=settings.public_url,
            territory=law.territory.version,
            catalogues={version: catalogue.sha256 for version, catalogue in law.catalogues.items()},
            table_schema=read_schema(TABLE_SCHEMA),
            key=keyring.signer_at(now),
            verify=partial(verify_publication, trust_root=own_keys, now=now),
        )
        return publish(press, period, now)
