"""Make communes-2026.json from the npm package @etalab/decoupage-administratif.

Usage (needs npm and the network once; the result is committed, so nobody else needs either):

    npm pack @etalab/decoupage-administratif@6.0.0
    tar xzf etalab-decoupage-administratif-6.0.0.tgz
    python schemas/catalogue/make_communes.py package/data schemas/catalogue/communes-2026.json

Kept: today's communes and the municipal arrondissements of Paris, Lyon and Marseille. Left out:
communes déléguées and associées (a place lies in the commune of today) and everything that a check
does not need (population, postcodes, SIREN).
"""

import json
import sys
from pathlib import Path

DEPARTMENT_ZONES = {
    "971": "America/Guadeloupe",
    "972": "America/Martinique",
    "973": "America/Cayenne",
    "974": "Indian/Reunion",
    "975": "America/Miquelon",
    "976": "Indian/Mayotte",
    "977": "America/St_Barthelemy",
    "978": "America/Marigot",
    "984": "Indian/Kerguelen",
    "986": "Pacific/Wallis",
    "987": "Pacific/Tahiti",
    "988": "Pacific/Noumea",
    "989": "Etc/GMT+8",  # Clipperton has no IANA zone; uninhabited, legally UTC-8
}
COMMUNE_ZONES = {
    # The Marquesas and the Gambier islands keep their own time within French Polynesia.
    "98718": "Pacific/Marquesas",
    "98723": "Pacific/Marquesas",
    "98731": "Pacific/Marquesas",
    "98746": "Pacific/Marquesas",
    "98756": "Pacific/Marquesas",
    "98757": "Pacific/Marquesas",
    "98719": "Pacific/Gambier",
    "98414": "Antarctica/DumontDUrville",
}
COLLECTIVITIES = {
    "975": "Saint-Pierre-et-Miquelon",
    "977": "Saint-Barthélemy",
    "978": "Saint-Martin",
    "984": "Terres australes et antarctiques françaises",
    "986": "Wallis-et-Futuna",
    "987": "Polynésie française",
    "988": "Nouvelle-Calédonie",
    "989": "Île de Clipperton",
}


def main(source: Path, target: Path) -> None:
    """Read the package's data folder, write the communes file."""
    rows = json.loads((source / "communes.json").read_text("utf-8"))
    names = {row["code"]: row["nom"] for row in json.loads((source / "departements.json").read_text("utf-8"))}
    names |= COLLECTIVITIES
    document = {
        "version": "COG-2026",
        "source": "INSEE, Code officiel géographique 2026, by npm @etalab/decoupage-administratif 6.0.0",
        "licence": "Licence Ouverte 2.0 (data), MIT (package)",
        "departments": {
            code: {"name": names[code], "zone": DEPARTMENT_ZONES.get(code, "Europe/Paris")} for code in sorted(names)
        },
        "zones": COMMUNE_ZONES,
        "arrondissements": {
            row["code"]: {"name": row["nom"], "commune": row["commune"]}
            for row in rows
            if row["type"] == "arrondissement-municipal"
        },
        "communes": {row["code"]: row["nom"] for row in rows if row["type"] == "commune-actuelle"},
    }
    target.write_text(json.dumps(document, ensure_ascii=False, indent=0) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
