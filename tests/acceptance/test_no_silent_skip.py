"""tests/conftest.py: what this machine cannot run is named, and fails the run where nothing may be skipped."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
SUITE = """
import pytest

@pytest.mark.needs_node
def test_with_node():
    pytest.skip("no Node")

@pytest.mark.needs_shared
def test_with_shared_data():
    pytest.skip("no data")

@pytest.mark.needs_go
def test_with_go():
    pytest.skip("no Go")

@pytest.mark.xfail(reason="known", strict=True)
def test_expected_to_fail():
    assert False

def test_plain():
    pass
"""
MODULE_SKIPPED_WHOLE = """
import pytest
pytest.skip("all of it", allow_module_level=True)
"""


@pytest.fixture
def suite(tmp_path):
    """A small project with our conftest; beside it stands no ../shared."""
    tests = tmp_path / "project" / "tests"
    tests.mkdir(parents=True)
    (tests / "support").mkdir()
    shutil.copy(CONFTEST, tests)
    (tests / "test_some.py").write_text(SUITE)
    (tests.parent / "pytest.ini").write_text("[pytest]\nmarkers =\n  needs_go\n  needs_node\n  needs_shared\n")
    return tests


def run(suite: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, suite],
        capture_output=True,
        text=True,
        cwd=suite.parent,
        env={"PATH": "/nowhere", **environment},
        check=False,
    )


SIDE_BY_SIDE = pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "side by side"])


@SIDE_BY_SIDE
def test_by_hand_a_skip_is_named_at_the_end(suite, options):
    done = run(suite, *options)

    assert done.returncode == 0
    assert "NOT TESTED on this machine" in done.stdout
    assert "1 test(s): needs_node" in done.stdout


@SIDE_BY_SIDE
@pytest.mark.parametrize("variable", ["CI", "REQUIRE_ALL"])
def test_where_nothing_may_be_skipped_a_skip_fails(suite, variable, options):
    done = run(suite, *options, **{variable: "true"})

    assert done.returncode == 1
    assert "1 failed, 1 passed, 2 skipped, 1 xfailed" in done.stdout
    assert "FAILED tests/test_some.py::test_with_node" in done.stdout


def test_data_beside_the_project_may_be_absent_only_when_it_is(suite):
    (suite.parent.parent / "shared").mkdir()

    done = run(suite, CI="true")

    assert "FAILED tests/test_some.py::test_with_shared_data" in done.stdout


def test_go_may_be_absent_only_when_it_is(suite, tmp_path):
    go = tmp_path / "go"
    go.touch(mode=0o755)

    done = run(suite, CI="true", PATH=str(tmp_path))

    assert "FAILED tests/test_some.py::test_with_go" in done.stdout
    assert "FAILED tests/test_some.py::test_with_go" not in run(suite, CI="true").stdout


@SIDE_BY_SIDE
def test_a_module_skipped_whole_fails_too(suite, options):
    (suite / "test_whole.py").write_text(MODULE_SKIPPED_WHOLE)

    done = run(suite, *options, CI="true")

    assert done.returncode != 0
    assert "test_whole.py" in done.stdout


def test_profiles_exist(suite):
    assert run(suite, HYPOTHESIS_PROFILE="ci").returncode == 0
    assert run(suite, HYPOTHESIS_PROFILE="leisurely").returncode != 0
