"""A press for tests: the real domain, keys of the test's own, and counts put straight into the rollup."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Engine

from receipt_service.bootstrap.law import Law, load_law
from receipt_service.bootstrap.resources import read_schema
from receipt_service.crypto.signing import Signer
from receipt_service.statistics.publication.files import Provenance, publication_files
from receipt_service.statistics.publication.publish import Press
from receipt_service.statistics.publication.rows import PublicRow, public_rows
from receipt_service.statistics.publication.tables import PUBLIC_TABLES, PublicDomain, public_domain
from receipt_service.storage import rollup
from receipt_service.storage.engine import writing
from receipt_service.storage.rollup import CellRow
from receipt_service.verify.publication import verify_publication
from receipt_service.verify.trust_root import TrustedKey, TrustRoot

ISSUER = "https://recepisse.example"
QUARTER = "2026-Q3"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LAW: Law = load_law()
DOMAIN: PublicDomain = public_domain(LAW.catalogues, LAW.territory)
TABLE_SCHEMA = read_schema("public-file.tableschema.json")


def a_key() -> Signer:
    return Signer(ec.generate_private_key(ec.SECP256R1()))


def trust_in(key: Signer, issuer: str = ISSUER, **period: datetime) -> TrustRoot:
    trusted = TrustedKey(key.kid, key.public_key, **period)
    return TrustRoot().with_issuer(issuer, {"keys": [trusted.jwk]})


def about(period: str = QUARTER, at: datetime = NOW) -> Provenance:
    return Provenance(
        issuer=ISSUER,
        period=period,
        published_at=at,
        territory=LAW.territory.version,
        catalogues={version: catalogue.sha256 for version, catalogue in LAW.catalogues.items()},
    )


def rows_of(seed: int) -> list[PublicRow]:
    """Rows from numbers that look noisy: small areas and large ones."""
    rng = np.random.default_rng(seed)
    noisy = {
        table.code: (
            rng.integers(-9, 3, (len(DOMAIN.departments), len(DOMAIN.categories[table.code])))
            + rng.integers(0, 5000, (len(DOMAIN.departments), 1)) * (np.arange(len(DOMAIN.departments))[:, None] % 2)
        ).astype(np.int64)
        for table in PUBLIC_TABLES
    }
    return public_rows(DOMAIN, noisy, QUARTER)


def files_of(key: Signer, seed: int = 1) -> dict[str, bytes]:
    return publication_files(rows_of(seed), DOMAIN, about(), TABLE_SCHEMA, key)


def fill_rollup(engine: Engine, months: tuple[int, ...] = (202607, 202608, 202609)) -> None:
    """Count a thousand checks a month in Paris and ten in Corse-du-Sud, all alike, beside cells that are not ours."""
    rows = []
    for month in months:
        for area, n in (("D75", 1000), ("D2A", 10), ("F", 1010), ("C75110", 1000), ("UPN-75", 1000)):
            rows += [
                CellRow(month, area, "total", "", "", n, 1),
                CellRow(month, area, "basis", "CPP-78-2-AL2", "", n, 1),
                CellRow(month, area, "outcome", "LIBRE", "", n, 1),
                CellRow(month, area, "hour_band", "21-24", "", n, 1),
                CellRow(month, area, "selection", "behaviour", "", n, 1),
                CellRow(month, area, "reason", "X", "", n, 1),
            ]
    with writing(engine) as connection:
        rollup.add_cells(connection, rows)


def a_press(engine: Engine, root: Path, key: Signer, now: datetime = NOW) -> Press:
    return Press(
        engine=engine,
        root=root,
        domain=DOMAIN,
        issuer=ISSUER,
        territory=LAW.territory.version,
        catalogues={version: catalogue.sha256 for version, catalogue in LAW.catalogues.items()},
        table_schema=TABLE_SCHEMA,
        key=key,
        verify=partial(verify_publication, trust_root=trust_in(key), now=now),
    )


@dataclass(frozen=True)
class Printshop:
    """A filled rollup, and the press that publishes it."""

    engine: Engine
    root: Path
    key: Signer
    press: Press


@pytest.fixture
def printshop(engine: Engine, tmp_path: Path) -> Printshop:
    fill_rollup(engine)
    key = a_key()
    root = tmp_path / "open-data"
    return Printshop(engine, root, key, a_press(engine, root, key))
