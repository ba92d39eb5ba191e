"""The catalogue as published: sound, complete, honest about what was read, and fit for a text message."""

import json
import re
from dataclasses import fields
from functools import cache
from itertools import chain
from typing import Any

import jsonschema
import pytest

from receipt_service.delivery.rendering.gsm7 import BASIC, fold
from receipt_service.domain.catalogue_entries import Confidence
from receipt_service.domain.check import BasisUse, Quality, SelectionMode
from receipt_service.domain.person import EstablishedBy, NotEstablishedReason
from tests.support.checks import CATALOGUE_FILE, CATALOGUE_FOLDER, catalogue, territory


@cache
def document() -> dict[str, Any]:
    return json.loads(CATALOGUE_FILE.read_bytes())


def entries() -> list[tuple[str, dict[str, Any]]]:
    lists = {kind: rows for kind, rows in document().items() if isinstance(rows, list) and kind != "languages"}
    return [(kind, row) for kind, rows in lists.items() for row in rows]


def named_by_bases(member: str) -> set[str]:
    return set(chain.from_iterable(row[member] or () for row in document()["bases"]))


def test_it_keeps_to_its_schema():
    schema = json.loads((CATALOGUE_FOLDER / "catalogue.schema.json").read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    errors = jsonschema.Draft202012Validator(schema).iter_errors(document())
    assert [(list(error.absolute_path), error.message) for error in errors] == []


def test_the_schema_knows_every_fact_of_a_use_and_no_other():
    schema = json.loads((CATALOGUE_FOLDER / "catalogue.schema.json").read_bytes())
    assert set(schema["$defs"]["fact"]["enum"]) == {field.name for field in fields(BasisUse)} - {"code"}


def test_the_files_name_carries_its_version():
    assert CATALOGUE_FILE.name == f"catalogue-{document()['version']}.json"


@pytest.mark.parametrize(
    "code",
    [f"CPP-78-2-AL{alinea}" for alinea in (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17)]
    + ["CPP-78-2-1", "CPP-78-2-2-I", "CPP-78-2-2-II", "CPP-78-2-2-III", "CPP-78-2-2-IV", "CPP-78-2-3", "CPP-78-2-4"]
    + ["CPP-78-2-5", "CMINIER-L621-8-5", "CESEDA-L812-2-1", "CESEDA-L812-2-2", "CESEDA-L812-2-3", "CESEDA-L812-3"]
    + ["CESEDA-L812-4", "CDOU-67-QUATER", "CDOU-67-1", "CPP-78-6", "CSI-L522-4", "CSI-L531-1", "CSI-L226-1"]
    + ["CROUTE-R233-1", "CROUTE-L233-2", "CROUTE-L234-9", "CROUTE-L235-2", "CROUTE-L130-11"]
    + ["CTRANSP-L2241-1-2", "CTRANSP-L3116-1"],
)
def test_every_legal_basis_of_the_domain_is_there(code):
    assert code in catalogue().bases


def test_every_outcome_of_the_domain_is_there():
    assert set(catalogue().outcomes) == {
        *("LIBRE", "VERIF", "SITUATION", "RETENUE_SEJOUR", "VERBAL", "AFD", "PV_CONVOC", "SAISIE", "INTERPEL", "GAV"),
        *("DEPISTAGE", "IMMOB", "CONDUITE_MINEUR", "IPM", "SANTE", "RETENUE_DOUANE", "ACCES_REFUSE", "AUTRE"),
    }


def test_codes_of_the_program_and_of_the_catalogue_are_the_same():
    assert set(catalogue().qualities) == set(Quality)
    assert set(catalogue().selection_modes) == set(SelectionMode)
    assert set(catalogue().established_by) == set(EstablishedBy)
    of_corrections = {NotEstablishedReason.NOT_CARRIED_OVER}
    assert set(catalogue().not_established) == set(NotEstablishedReason) - of_corrections


@pytest.mark.parametrize(
    ("kind", "row"), entries(), ids=lambda value: value["code"] if isinstance(value, dict) else value
)
def test_every_entry_speaks_both_languages_and_fits_a_text_message(kind, row):
    for member in ("label", "short", "text", "conditions"):
        if member in row:
            assert set(row[member]) == {"fr", "en"}
            assert all(text == text.strip() and text for text in row[member].values())
    for short in row["short"].values():
        assert len(fold(short)) <= 40
        assert set(fold(short)) <= set(BASIC)


@pytest.mark.parametrize(
    ("kind", "row"), entries(), ids=lambda value: value["code"] if isinstance(value, dict) else value
)
def test_what_was_not_read_is_not_shown_as_certain(kind, row):
    source, confidence = row["source"], Confidence(row["confidence"])
    if confidence is Confidence.CONFIRMED:
        assert "[P]" in source or source == "DESIGN"
        assert "[N]" not in source
    if confidence is Confidence.UNCONFIRMED:
        assert "[N]" in source
    if confidence is Confidence.UNCONFIRMED and kind in {"bases", "consequences", "remedies", "objective_elements"}:
        assert "sous réserve" in row["text"]["fr"]
        assert "subject to confirmation" in row["text"]["en"]


def test_sources_are_explained():
    known = set(document()["sources"])
    for _, row in entries():
        for name in re.findall(r"\b(?:LF26|LEGI21|ETA|CIDX|COPIQ|DOMAIN|DESIGN)\b", row["source"]):
            assert name in known


def test_durations_are_those_of_the_law():
    limits = {
        code: {(limit.max_minutes, limit.departments, limit.confidence) for limit in outcome.durations}
        for code, outcome in catalogue().outcomes.items()
        if outcome.durations
    }
    assert limits["VERIF"] == {
        (240, None, Confidence.CONFIRMED),
        (480, frozenset({"976"}), Confidence.CONFIRMED),
        (480, frozenset({"973"}), Confidence.SECONDARY),
    }
    assert limits["SITUATION"] == {(240, None, Confidence.SECONDARY)}
    assert limits["RETENUE_SEJOUR"] == {(1440, None, Confidence.CONFIRMED)}
    bases = catalogue().bases
    assert {code for code, basis in bases.items() if basis.operation_max_hours == 6} == {"CESEDA-L812-2-1"}
    assert {code for code, basis in bases.items() if basis.operation_max_hours == 12} == {
        *("CPP-78-2-AL9", "CPP-78-2-AL10", "CDOU-67-QUATER", "CESEDA-L812-2-3"),
    }
    assert bases["CPP-78-2-4"].hold_max_minutes == 30


def test_requisitions_are_limited_as_the_law_says():
    rules = {code: basis.requisition for code, basis in catalogue().bases.items() if basis.requisition is not None}
    hours = {code for code, rule in rules.items() if rule.max_hours == 24 and rule.renewable}
    assert hours == {"CPP-78-2-2-I", "CPP-78-2-2-II", "CPP-78-2-2-III", "CPP-78-2-2-IV", "CMINIER-L621-8-5"}
    assert {code for code, rule in rules.items() if rule.max_months == 1} == {"CPP-78-2-1"}
    assert rules["CPP-78-2-AL7"].max_hours is None
    assert rules["CPP-78-2-AL7"].max_months is None
    assert rules["CPP-78-2-AL7"].offences is None


def test_no_entry_is_an_orphan():
    for kind, member in (
        ("reasons", "reasons"),
        ("consequences", "consequences"),
        ("remedies", "remedies"),
        ("zone_types", "zone_types"),
        ("selection_modes", "selections"),
        ("offence_classes", "offence_classes"),
        ("qualities", "qualities"),
    ):
        assert {row["code"] for row in document()[kind]} == named_by_bases(member), kind
    groups = {
        code for row in document()["bases"] if row["requisition"] for code in row["requisition"]["offence_groups"] or ()
    }
    assert {row["code"] for row in document()["offence_groups"]} == groups
    assert {row["code"] for row in document()["families"]} == {row["family"] for row in document()["bases"]}
    searches = {row["code"] for row in document()["measures"] if row["needs_basis"]}
    assert searches == named_by_bases("searches")


def test_municipal_police_can_never_check_identity():
    for basis in catalogue().bases.values():
        if basis.family in {"identity_check", "title_check", "search"}:
            assert {Quality.APJA_21_2, Quality.GARDE_CHAMPETRE, Quality.AGENT_VILLE_PARIS}.isdisjoint(basis.qualities)


def test_assistants_and_reserves_check_identity_under_four_articles_alone():
    for quality in (Quality.APJA_21_1_BIS, Quality.APJA_21_1_TER):
        codes = {
            c
            for c, basis in catalogue().bases.items()
            if quality in basis.qualities and basis.family == "identity_check"
        }
        assert codes == {"CPP-78-2-2-I", "CPP-78-2-4", "CMINIER-L621-8-5"}


def test_no_reason_speaks_of_a_persons_looks():
    banned = re.compile(r"apparence|physique|peau|origine|visage|vêtement|langue|accent|nationalit", re.IGNORECASE)
    for reason in catalogue().reasons.values():
        assert not banned.search(reason.label["fr"])


def test_regulatory_controls_stand_apart():
    families = {code: basis.family for code, basis in catalogue().bases.items()}
    road = {code for code in families if code.startswith(("CROUTE", "CTRANSP", "REGL", "CSI-L226"))}
    assert {code for code, family in families.items() if family == "regulation"} == road


def test_every_verification_of_identity_is_counted_once_in_every_departement():
    for department in territory().departments:
        found = catalogue().possible_consequences(["CPP-78-2-AL2"], department)
        assert sum(code.startswith("VERIF_") for code in found) == 1


def test_a_force_answers_to_its_own_inspectorate():
    for force, expected in (("PN", {"IGPN"}), ("GN", {"IGGN"}), ("PM", set()), ("DOUANE", set())):
        found = set(catalogue().remedies_for(catalogue().bases, force))
        assert found & {"IGPN", "IGGN"} == expected
        assert {"DDD", "PROCUREUR"} <= found


def test_offence_groups_hold_the_articles_that_the_law_lists():
    articles = set(catalogue().bases["CPP-78-2-2-I"].requisition.offences)
    assert {"CP 421-1", "CP 421-6", "CP 222-54", "CSI L.317-8", "CP 322-11-1", "CP 311-3", "CP 311-11"} <= articles
    assert {"CP 321-1", "CP 321-2", "CP 222-34", "CP 222-38", "STUPEFIANTS"} <= articles
    assert articles.isdisjoint({"CP 222-39", "CP 311-2", "CP 431-10", "TRAVAIL_DISSIMULE"})
    assert set(catalogue().bases["CPP-78-2-5"].requisition.offences) == {"MANIF_ARME", "CP 431-10"}
