"""The legal-basis catalogue, in every version that receipts may name, and the communes: read once at start."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from receipt_service.bootstrap.resources import read_schema, schema_path
from receipt_service.domain.catalogue import Catalogue, parse_catalogue
from receipt_service.domain.territory import Territory, parse_territory
from receipt_service.errors import ConfigurationError

_FILE: Final = re.compile(r"catalogue-([0-9]{4})\.([0-9]+)\.json")
_COMMUNES: Final = "communes-2026.json"


@dataclass(frozen=True, slots=True)
class Law:
    """What checks are held against."""

    catalogues: Mapping[str, Catalogue]
    """Every version, by its name: receipts of last year print in last year's words."""
    documents: Mapping[str, bytes]
    """Their exact bytes, which receipts commit to."""
    current: Catalogue
    territory: Territory


def load_catalogues() -> tuple[Mapping[str, Catalogue], Mapping[str, bytes], Catalogue]:
    """Read every ``catalogue-YEAR.N.json``; the newest is the current one. Raises ``ConfigurationError``."""
    names = {path.name: _FILE.fullmatch(path.name) for path in schema_path("catalogue").iterdir()}
    versions = sorted((int(found[1]), int(found[2]), name) for name, found in names.items() if found)
    if not versions:
        raise ConfigurationError("schemas/catalogue holds no catalogue")
    documents: dict[str, bytes] = {}
    catalogues: dict[str, Catalogue] = {}
    for year, number, name in versions:
        document = read_schema("catalogue", name)
        catalogue = parse_catalogue(document)
        if catalogue.version != f"{year}.{number}":
            raise ConfigurationError(f"schemas/catalogue/{name}: its version is another than its name says")
        documents[catalogue.version], catalogues[catalogue.version] = document, catalogue
    return catalogues, documents, catalogues[f"{versions[-1][0]}.{versions[-1][1]}"]


def load_law() -> Law:
    """Read catalogues and communes. Raises ``ConfigurationError``."""
    catalogues, documents, current = load_catalogues()
    return Law(catalogues, documents, current, parse_territory(read_schema("catalogue", _COMMUNES)))
