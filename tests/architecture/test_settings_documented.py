"""docs/settings.md is the settings' classes, and nothing else reads the environment."""

import ast
import importlib.util
from pathlib import Path

from receipt_service.config.loading import PROCESSES, known_variables
from receipt_service.environment import PREFIX

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "receipt_service"
MAY_READ_THE_ENVIRONMENT = {
    "config/loading.py",
    "environment.py",
    "cli/trust.py",  # XDG_CONFIG_HOME: where a person's trust root is
    "cli/verdict_text.py",  # LANG: the reader's language
    "demo/service_processes.py",  # passes the shell's variables on, without ours
}


def writer():
    spec = importlib.util.spec_from_file_location("write_settings", ROOT / "docs" / "write_settings.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_in_step():
    assert (ROOT / "docs" / "settings.md").read_text() == writer().render(), "run `make schemas`"


def test_every_setting_says_what_it_means():
    for settings in PROCESSES.values():
        for name, field in settings.model_fields.items():
            assert field.description, name
            assert field.description.endswith("."), name


def test_names_carry_their_unit():
    units = ("_seconds", "_hours", "_bytes", "_limit", "_port", "_connections", "_concurrency", "_checks", "_years")
    for settings in PROCESSES.values():
        for name, field in settings.model_fields.items():
            if field.annotation in {int, float}:
                assert name.endswith(units), name


def test_nothing_else_reads_our_settings_from_the_environment():
    readers = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}:
                readers.add(str(path.relative_to(PACKAGE)))

    assert readers <= MAY_READ_THE_ENVIRONMENT


def test_a_variable_that_the_compose_file_sets_is_known():
    named = {
        word.strip(" :\"'-")
        for name in ("docker-compose.yml", "deploy/sms.compose.yml")
        for line in (ROOT / name).read_text().splitlines()
        for word in [line.split(":")[0].strip()]
        if word.startswith(PREFIX)
    }

    assert named
    assert named <= known_variables()
