"""The files of a publication, as bytes: CSV, Parquet, data package with its table schema, method note, manifest."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files as package_files
from string import Template
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from receipt_service.domain.publication import TYP
from receipt_service.domain.signed_manifest import MANIFEST, SIGNED_MANIFEST, SigningKey, list_files, sign_manifest
from receipt_service.statistics.publication.noise import MECHANISM, margin, standard_deviation
from receipt_service.statistics.publication.rounding import SMALLEST_SHOWN
from receipt_service.statistics.publication.rows import PublicRow
from receipt_service.statistics.publication.tables import BUDGET, PUBLIC_TABLES, PublicDomain

TABLE_SCHEMA: Final = "tableschema.json"
DATA_PACKAGE: Final = "datapackage.json"
NOTES: Final = {"fr": "methode.fr.md", "en": "method.en.md"}
MANIFEST_VERSION: Final = 1
_LIBRARIES: Final = ("receipt-service", "opendp", "numpy", "pyarrow")
_PARQUET: Final = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in PublicRow._fields[:7]),
        pa.field("checks", pa.int64()),
        pa.field("margin_95", pa.int64(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a publication says of where it comes from."""

    issuer: str
    period: str
    published_at: datetime
    territory: str
    catalogues: Mapping[str, str]
    """Version to SHA-256 (base64url)."""


def data_name(period: str, suffix: str) -> str:
    """Name the file of the data: it says what it is wherever it is copied."""
    return f"identity-checks-{period}.{suffix}"


def publication_files(
    rows: Sequence[PublicRow], domain: PublicDomain, about: Provenance, table_schema: bytes, key: SigningKey
) -> dict[str, bytes]:
    """Make every file of a publication, by name; the signed manifest is the last.

    ``table_schema`` is ``schemas/public-file.tableschema.json``.
    """
    made = {
        data_name(about.period, "csv"): to_csv(rows),
        data_name(about.period, "parquet"): to_parquet(rows),
        TABLE_SCHEMA: table_schema,
        **{name: _note(language, domain, about) for language, name in NOTES.items()},
    }
    made[DATA_PACKAGE] = _document(_data_package(made, about))
    manifest = _document(_manifest(made, domain, about))
    return {**made, MANIFEST: manifest, SIGNED_MANIFEST: sign_manifest(manifest, TYP, key)}


def to_csv(rows: Sequence[PublicRow]) -> bytes:
    """Write the rows as CSV (RFC 4180 with line feeds): UTF-8, a header, a count that is not shown is empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(PublicRow._fields)
    writer.writerows(rows)
    return text.getvalue().encode()


def to_parquet(rows: Sequence[PublicRow]) -> bytes:
    """Write the same rows as Parquet; a count that is not shown is null."""
    table = pa.Table.from_pylist([row._asdict() for row in rows], schema=_PARQUET)
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _document(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=2).encode() + b"\n"


def _manifest(made: Mapping[str, bytes], domain: PublicDomain, about: Provenance) -> dict[str, Any]:
    return {
        "iss": about.issuer,
        "iat": int(about.published_at.timestamp()),
        "version": MANIFEST_VERSION,
        "period": about.period,
        "privacy": privacy_statement(domain),
        "display": {"smallest_count_shown": SMALLEST_SHOWN, "not_shown_as": "empty"},
        "domain": {"cells": domain.size, "territory": about.territory, "catalogues": dict(about.catalogues)},
        "software": {name: version(name) for name in _LIBRARIES},
        "files": list_files(made),
    }


def privacy_statement(domain: PublicDomain) -> dict[str, Any]:
    """State the privacy loss: of one receipt, in all, and by table; fractions are exact."""
    return {
        "unit": "one receipt, added or removed",
        "epsilon": str(BUDGET),
        "delta": 0,
        "mechanism": MECHANISM,
        "tables": [
            {
                "table": table.code,
                "cells_in_each_area": len(domain.categories[table.code]),
                "sensitivity": table.sensitivity,
                "scale": table.scale,
                "epsilon": str(table.epsilon),
                "standard_deviation": round(standard_deviation(table.scale), 2),
                "margin_95": margin(table.scale),
            }
            for table in PUBLIC_TABLES
        ],
    }


def _data_package(made: Mapping[str, bytes], about: Provenance) -> dict[str, Any]:
    csv_name, parquet_name = (data_name(about.period, suffix) for suffix in ("csv", "parquet"))
    year, quarter = about.period.split("-Q")
    return {
        "profile": "data-package",
        "name": f"identity-checks-{about.period.lower()}",
        "title": f"Contrôles d’identité, trimestre {quarter} de {year} / Identity checks, quarter {quarter} of {year}",
        "description": "Comptes protégés par confidentialité différentielle / Counts under differential privacy",
        "homepage": f"{about.issuer}/open-data/",
        "version": "1.0.0",
        "created": about.published_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "licenses": [
            {
                "name": "etalab-2.0",
                "title": "Licence Ouverte / Open Licence 2.0",
                "path": "https://www.etalab.gouv.fr/licence-ouverte-open-licence",
            }
        ],
        "resources": [
            {
                "name": "identity-checks",
                "path": csv_name,
                "profile": "tabular-data-resource",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "bytes": len(made[csv_name]),
                "hash": f"sha256:{_sha256(made[csv_name])}",
                "schema": TABLE_SCHEMA,
            },
            {
                "name": "identity-checks-parquet",
                "path": parquet_name,
                "format": "parquet",
                "mediatype": "application/vnd.apache.parquet",
                "bytes": len(made[parquet_name]),
                "hash": f"sha256:{_sha256(made[parquet_name])}",
            },
        ],
    }


def _note(language: str, domain: PublicDomain, about: Provenance) -> bytes:
    """Fill the method note in with the figures that hold for this publication."""
    text = (package_files("receipt_service.statistics.publication") / "texts" / NOTES[language]).read_text("utf-8")
    comma = "," if language == "fr" else "."
    lines = [
        f"| `{table.code}` | {len(domain.categories[table.code])} | {table.sensitivity} | {table.scale} "
        f"| {table.epsilon} | {standard_deviation(table.scale):.1f} | {margin(table.scale)} |".replace(".", comma)
        for table in PUBLIC_TABLES
    ]
    filled = Template(text).substitute(
        period=about.period,
        issuer=about.issuer,
        epsilon=BUDGET,
        tables="\n".join(lines),
        departments=len(domain.departments),
        cells=domain.size,
        smallest=SMALLEST_SHOWN,
        territory=about.territory,
        catalogues=", ".join(about.catalogues),
    )
    return filled.encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
