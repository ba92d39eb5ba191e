"""A catalogue that is not sound is refused whole, with the place named."""

import json
from base64 import urlsafe_b64encode
from hashlib import sha256

import pytest

from receipt_service.domain.catalogue import parse_catalogue
from receipt_service.errors import ConfigurationError
from tests.support.checks import CATALOGUE_FILE, catalogue


def spoiled(change) -> bytes:
    document = json.loads(CATALOGUE_FILE.read_bytes())
    change(document)
    return json.dumps(document).encode()


def test_the_digest_is_that_of_the_exact_bytes():
    expected = urlsafe_b64encode(sha256(CATALOGUE_FILE.read_bytes()).digest()).rstrip(b"=").decode()
    assert catalogue().sha256 == expected
    assert parse_catalogue(CATALOGUE_FILE.read_bytes() + b"\n").sha256 != expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["bases"].append(d["bases"][0]), "twice"),
        (lambda d: d["bases"][0]["reasons"].append("NOBODY"), "reasons names unknown"),
        (lambda d: d["bases"][0]["consequences"].append("NOBODY"), "consequences names unknown"),
        (lambda d: d["bases"][0].update(family="other"), "unknown family"),
        (lambda d: d["bases"][0].update(extra=1), "unknown members"),
        (lambda d: d["bases"][0].pop("qualities"), "missing members"),
        (lambda d: d["bases"][0]["label"].pop("en"), "every language"),
        (lambda d: d["bases"][0]["label"].update(en=""), "every language"),
        (lambda d: d["bases"][0].update(confidence="sure"), "sure"),
        (lambda d: d["bases"][0]["qualities"].update(OPJ="maybe"), "maybe"),
        (lambda d: d["bases"][0].update(required_fields=["identity"]), "unknown facts"),
        (lambda d: d["bases"][5]["requisition"].update(offence_groups=["NOBODY"]), "NOBODY"),
        (lambda d: d["bases"][0].update(effective_from="soon"), "soon"),
        (lambda d: d["bases"][0].update(departments="75"), "list of texts"),
        (lambda d: d.pop("reasons"), "members"),
        (lambda d: d.update(more=[]), "members"),
        (lambda d: d.update(version=None), "version"),
        (lambda d: d["outcomes"][0].update(minors={"a": 1}), "scalar"),
        (lambda d: d.update(bases={}), "list"),
        (lambda d: d["bases"].append(None), "bases"),
        (lambda d: d.update(bases=d["bases"][:3]), "names unknown"),
    ],
)
def test_an_unsound_document_is_refused(change, message):
    with pytest.raises(ConfigurationError, match=message):
        parse_catalogue(spoiled(change))


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b"\xff", b'{"version":"1","version":"2"}', b"null"])
def test_what_is_no_catalogue_is_refused(document):
    with pytest.raises(ConfigurationError):
        parse_catalogue(document)


def test_entries_cannot_be_changed():
    with pytest.raises(TypeError):
        catalogue().bases["X"] = None
    with pytest.raises(TypeError):
        catalogue().bases["CPP-78-2-AL7"].label["fr"] = "autre"
    with pytest.raises(AttributeError):
        catalogue().bases["CPP-78-2-AL7"].family = "regulation"


def test_labels_are_found_by_kind_code_and_language():
    assert catalogue().label("outcomes", "LIBRE", "en") == "Free to go, nothing further"
    assert catalogue().short("bases", "CPP-78-2-AL7", "fr") == "CPP 78-2 al.7 réquisitions"
    for kind, code, language in (("outcomes", "NONE", "fr"), ("outcomes", "LIBRE", "de"), ("sha256", "LIBRE", "fr")):
        with pytest.raises(KeyError):
            catalogue().label(kind, code, language)


def test_consequences_without_a_departement_leave_out_those_that_depend_on_one():
    assert not any(code.startswith("VERIF_") for code in catalogue().possible_consequences(["CPP-78-2-AL2"]))


def test_what_follows_is_remembered_and_the_memory_is_bounded(monkeypatch):
    found = parse_catalogue(CATALOGUE_FILE.read_bytes())
    monkeypatch.setattr("receipt_service.domain.catalogue._REMEMBERED", 2)
    for department in ("75", "69", "13", "75"):
        consequences, remedies = found.what_follows(frozenset({"CPP-78-2-AL8"}), department, "GN")
        assert consequences == found.possible_consequences(["CPP-78-2-AL8"], department)
        assert remedies == found.remedies_for(["CPP-78-2-AL8"], "GN")
    assert len(found._followed) <= 2
