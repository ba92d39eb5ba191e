"""Communes, départements and zones: sound data or no start."""

import json
from zoneinfo import ZoneInfo

import pytest

from receipt_service.domain.territory import department_code, parse_territory
from receipt_service.errors import ConfigurationError
from tests.support.checks import COMMUNES_FILE, catalogue, territory


def test_every_commune_has_a_departement_and_a_clock():
    for code in territory()._communes:
        commune = territory().commune(code)
        assert commune.department == department_code(code)
        assert isinstance(territory().zones[commune.zone], ZoneInfo)
        assert commune.parent is None or territory().has(commune.parent)


def test_metropolitan_france_is_ninety_six_departements():
    assert sum(department.metropolitan for department in territory().departments.values()) == 96


def test_the_arrondissements_of_three_cities_are_known():
    parents = [territory().commune(code).parent for code in territory()._communes]
    assert {parent for parent in parents if parent} == {"75056", "69123", "13055"}
    assert sum(parent is not None for parent in parents) == 45


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["departments"].pop("75"),
        lambda data: data["departments"]["75"].update(zone="Europe/Atlantis"),
        lambda data: data["departments"]["75"].pop("name"),
        lambda data: data.pop("version"),
        lambda data: data.update(communes=[]),
    ],
)
def test_unsound_data_are_refused(change):
    data = json.loads(COMMUNES_FILE.read_bytes())
    change(data)
    with pytest.raises(ConfigurationError):
        parse_territory(json.dumps(data).encode())


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b"\xff"])
def test_what_is_no_communes_file_is_refused(document):
    with pytest.raises(ConfigurationError):
        parse_territory(document)


def test_a_basis_says_what_it_rests_on():
    bases = catalogue().bases
    assert [code for code, basis in bases.items() if basis.accessory_only] == ["CPP-78-2-5"]
    assert bases["CPP-78-2-AL7"].requires_requisition
    assert not bases["CPP-78-2-AL8"].requires_requisition
