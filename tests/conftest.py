"""What holds for every test: Hypothesis profiles, the fixtures of tests/support, and no silent skip."""

import os
import shutil
import signal
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).parent.parent
SUPPORT = Path(__file__).parent / "support"
NOTHING_MAY_BE_SKIPPED = bool(os.environ.get("CI") or os.environ.get("REQUIRE_ALL"))
REFUSAL = "skipped, where nothing may be skipped (CI or REQUIRE_ALL is set)"
LEFT_OUT = pytest.StashKey["LeftOut"]()

# Every module of tests/support that defines a fixture is a plugin: a new one need not be written down here.
pytest_plugins = [
    f"tests.support.{path.stem}" for path in sorted(SUPPORT.glob("*.py")) if "@pytest.fixture" in path.read_text()
]

# A shell that starts us in the background has us ignore Ctrl-C, and so would every process that a test interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A deadline would measure the machine's load, not the code. CI draws more, and the same examples every time.
unhurried = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("fast", unhurried, max_examples=50)
hypothesis.settings.register_profile("ci", unhurried, max_examples=300, derandomize=True, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


def needs(item: pytest.Item) -> list[str]:
    """What a test's marks say it cannot do without, for example ["needs_node"]."""
    return sorted({mark.name for mark in item.iter_markers() if mark.name.startswith("needs_")})


def may_be_skipped(item: pytest.Item) -> bool:
    """Tell whether this machine may leave a test out: by hand always, in CI only where ../shared or Go is not there.

    Go is a second reader of formats that other tests hold to published vectors, and a language to install for it.
    """
    if not NOTHING_MAY_BE_SKIPPED:
        return True
    absent = {"needs_shared": not (ROOT.parent / "shared").exists(), "needs_go": shutil.which("go") is None}
    return any(absent.get(need, False) for need in needs(item))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that take minutes first, so that of several processes none is left alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    expected_failure = hasattr(report, "wasxfail")
    if report.skipped and not expected_failure:
        report.left_out = needs(item)  # goes with the report to whoever counts, in another process too
        if not may_be_skipped(item):
            report.outcome = "failed"
            report.longrepr = f"{REFUSAL}: {report.longrepr}"
    return report


class LeftOut:
    """Keeps account of what was skipped, in the process that reports to us (pytest-xdist runs tests in others)."""

    def __init__(self) -> None:
        self.tests: list[tuple[list[str], str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        left_out = getattr(report, "left_out", None)
        if left_out is not None:
            self.tests.append((left_out, report.nodeid))


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT_OUT] = LeftOut()
    config.pluginmanager.register(config.stash[LEFT_OUT])


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and NOTHING_MAY_BE_SKIPPED:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} {REFUSAL}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left_out = config.stash[LEFT_OUT].tests
    if not left_out:
        return
    terminalreporter.section("NOT TESTED on this machine", sep="!", yellow=True)
    for reasons in sorted({tuple(reasons) for reasons, _ in left_out}):
        count = sum(tuple(other) == reasons for other, _ in left_out)
        terminalreporter.line(f"{count} test(s): {', '.join(reasons) or 'no mark'}")
