"""The import contracts of pyproject.toml hold, and each of them would notice a violation."""

import tomllib
from copy import deepcopy
from functools import cache
from pathlib import Path

import grimp
import pytest
from importlinter.application import use_cases
from importlinter.application.output import console
from importlinter.cli import lint_imports_command  # noqa: F401 - importing the command line configures the library
from importlinter.domain.contract import registry

ROOT = Path(__file__).parents[2]
PYPROJECT = ROOT / "pyproject.toml"
OURS = "receipt_service"

# One line: who imports what, and the contract that must say no. Modules that do not exist yet are planted.
VIOLATIONS = [
    ("web.app", "cli.main", "Data flows one way"),
    ("bootstrap.application", "demo.walkthrough", "Data flows one way"),
    ("delivery.channel", "issuance.issue", "Data flows one way"),
    ("statistics.tables", "transparency.sequencer", "Data flows one way"),
    ("domain.check", "crypto.keys", "Data flows one way"),
    ("tlog.merkle", "domain.check", "Data flows one way"),
    ("errors", "telemetry", "Data flows one way"),
    ("storage.stubs", "config", "Data flows one way"),
    ("domain.check", "os", "The pure core does no I/O and knows no framework"),
    ("domain.receipt", "cryptography", "The pure core does no I/O and knows no framework"),
    ("tlog.note", "asyncio", "The pure core does no I/O and knows no framework"),
    ("verify.verifier", "sqlalchemy", "Anyone can verify: no database, no web, no settings, no private key"),
    ("verify.policy", "crypto.signing", "Anyone can verify: no database, no web, no settings, no private key"),
    ("cli.verify", "config", "Anyone can verify: no database, no web, no settings, no private key"),
    (
        "cli.verify_publication",
        "storage.publications",
        "Anyone can verify: no database, no web, no settings, no private key",
    ),
    (
        "cli.evidence_check",
        "bootstrap.audit",
        "Anyone can verify: no database, no web, no settings, no private key",
    ),
    (
        "audit.monitoring",
        "storage.audited",
        "Anyone can follow the log: no database, no web, no settings, no private key",
    ),
    (
        "cli.audit_monitor",
        "config.loading",
        "Anyone can follow the log: no database, no web, no settings, no private key",
    ),
    ("audit.evidence", "crypto.signing", "Only issuance and the log may sign"),
    ("audit.matching", "verify.verifier", "Statistics, audit and the log never touch identity"),
    ("statistics.publication.files", "crypto.signing", "Only issuance and the log may sign"),
    ("delivery.worker.loop", "crypto.signing", "Only issuance and the log may sign"),
    ("web.app", "crypto.signing", "Only issuance and the log may sign"),
    ("issuance.issue", "crypto.note_signing", "Only the log and the witness may sign notes"),
    ("audit.reads", "crypto.note_signing", "Only the log and the witness may sign notes"),
    ("verify.policy", "crypto.note_signing", "Anyone can verify: no database, no web, no settings, no private key"),
    ("witness.answering", "storage.engine", "A witness stands alone: nothing of the service that it watches"),
    ("witness.server", "fastapi", "A witness stands alone: nothing of the service that it watches"),
    ("cli.witness", "config.loading", "A witness stands alone: nothing of the service that it watches"),
    ("witness.protocol", "transparency.log_folder", "Data flows one way"),
    ("delivery.redaction", "crypto.sealing", "Only issuance may seal"),
    ("transparency.publisher", "crypto.sealing", "Only issuance may seal"),
    ("delivery.operations", "crypto.opening", "Only the delivery worker may open an envelope"),
    ("audit.reads", "crypto.opening", "Only the delivery worker may open an envelope"),
    ("web.pages", "twilio", "The web process can never open an envelope or call a provider"),
    ("issuance.issue", "aiosmtplib", "The web process can never open an envelope or call a provider"),
    ("issuance.reads", "storage.envelopes", "The web process can never open an envelope or call a provider"),
    ("issuance.issue", "delivery.worker.loop", "The web process can never open an envelope or call a provider"),
    ("storage.outbox", "crypto.keys", "Storage holds ciphertext it cannot read"),
    ("storage.stubs", "cryptography", "Storage holds ciphertext it cannot read"),
    ("statistics.tables", "storage.outbox", "Statistics, audit and the log never touch identity"),
    ("audit.reads", "storage.envelopes", "Statistics, audit and the log never touch identity"),
    ("audit.reads", "domain.disclosure", "Statistics, audit and the log never touch identity"),
    ("transparency.sequencer", "domain.person", "Statistics, audit and the log never touch identity"),
    ("web.app", "storage.stubs", "Only the steps touch the database"),
    ("cli.main", "storage.engine", "Only the steps touch the database"),
    ("domain.check", "domain.person", "A check and a stub carry no identity"),
    ("domain.stub", "domain.disclosure", "A check and a stub carry no identity"),
    ("delivery.worker.loop", "storage.stubs", "Delivery sees envelopes, never stubs or the log"),
    ("delivery.channel", "storage.idempotency", "Delivery sees envelopes, never stubs or the log"),
    ("issuance.issue", "storage.schema", "The whole schema is for migrations only"),
    ("domain.message", "domain.retry", "No cycles anywhere"),
]


@cache
def the_graph() -> grimp.ImportGraph:
    return grimp.build_graph(OURS, include_external_packages=True, cache_dir=None)


@cache
def the_contracts() -> dict:
    options = use_cases.read_user_options(str(PYPROJECT))
    use_cases._register_contract_types(options)
    return {
        one["name"]: registry.get_contract_class(one["type"])(one["name"], options.session_options, one)
        for one in options.contracts_options
    }


@cache
def others() -> set[str]:
    """Packages of other people that the contracts name."""
    contracts = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
    return {name for one in contracts for name in one.get("forbidden_modules", []) if not name.startswith(OURS)}


def full_name(short: str) -> str:
    return short if short in others() else f"{OURS}.{short}"


def plant(graph: grimp.ImportGraph, importer: str, imported: str) -> None:
    for name in (importer, imported):
        parts = name.split(".")
        lineage = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
        for module in lineage:
            if module not in graph.modules:
                graph.add_module(module, is_squashed=not module.startswith(OURS))
    graph.add_import(importer=importer, imported=imported, line_number=1, line_contents=f"import {imported}")


def is_kept(name: str, graph: grimp.ImportGraph) -> bool:
    with console.capture():
        return the_contracts()[name].check(graph, verbose=False).kept


@pytest.mark.parametrize(
    "name", [one["name"] for one in tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]]
)
def test_contract_is_kept(name):
    assert is_kept(name, deepcopy(the_graph())), f"run .venv/bin/lint-imports to see what breaks {name!r}"


@pytest.mark.parametrize(("importer", "imported", "name"), VIOLATIONS)
def test_violation_is_caught(importer, imported, name):
    graph = deepcopy(the_graph())

    plant(graph, full_name(importer), full_name(imported))

    assert not is_kept(name, graph)


def test_every_contract_has_a_violation_to_catch():
    assert {name for *_, name in VIOLATIONS} == set(the_contracts())


def test_a_new_top_level_module_needs_a_place():
    graph = deepcopy(the_graph())
    graph.add_module(f"{OURS}.toolbox")

    assert not is_kept("Data flows one way", graph)


def test_contracts_that_cannot_name_the_log_tables_yet_name_them_once_they_exist():
    delivery = next(
        one
        for one in tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
        if one["name"] == "Delivery sees envelopes, never stubs or the log"
    )

    exists = f"{OURS}.storage.log" in the_graph().modules

    assert (f"{OURS}.storage.log" in delivery["forbidden_modules"]) == exists
