import socket
import sys

import pytest

from receipt_service.demo.service_processes import ProcessFailed, ServiceProcesses
from receipt_service.demo.serving import usual_or_free
from receipt_service.demo.stage import fresh_folder
from receipt_service.demo.stops.roster import Roster, RosterOfficer, read_roster
from receipt_service.errors import ConfigurationError


def test_a_new_folder_is_made(tmp_path):
    folder = fresh_folder(tmp_path / "deep" / "demo")
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {"service", "received", "logs", "neighbours"}


def test_an_earlier_demonstration_is_replaced(tmp_path):
    fresh_folder(tmp_path / "demo")
    (tmp_path / "demo" / "received" / "old.eml").touch()
    assert not list((fresh_folder(tmp_path / "demo") / "received").iterdir())


@pytest.mark.parametrize("kind", ["files", "file"])
def test_anything_else_is_left_alone(tmp_path, kind):
    path = tmp_path / "mine"
    if kind == "files":
        path.mkdir()
        (path / "thesis.txt").touch()
    else:
        path.touch()
    with pytest.raises(ConfigurationError):
        fresh_folder(path)
    assert path.exists()


def test_a_command_that_fails_is_told_with_its_log(tmp_path):
    with ServiceProcesses({}, tmp_path) as service, pytest.raises(ProcessFailed, match="no-such-command: exit code 2"):
        service.run("no-such-command")
    assert "No such command" in (tmp_path / "no-such-command.log").read_text()


def test_a_process_that_ends_by_itself_is_noticed(tmp_path):
    with ServiceProcesses({}, tmp_path) as service:
        service.start("no-such-command")
        with pytest.raises(ProcessFailed, match="ended"):
            service.wait_until_ready("http://127.0.0.1:9/readyz")


def test_settings_of_the_surrounding_shell_are_not_passed_on(tmp_path, monkeypatch):
    monkeypatch.setenv("RECEIPT_DATABASE_URL", "postgresql://elsewhere")
    service = ServiceProcesses({"RECEIPT_DEMO": "true"}, tmp_path)
    assert "RECEIPT_DATABASE_URL" not in service._environment()
    assert service._environment()["RECEIPT_DEMO"] == "true"
    assert service._command(["x"])[0] == sys.executable


def test_a_port_in_use_is_not_taken():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert usual_or_free(port) != port
    assert usual_or_free(port) == port


def officer(number, quality="OPJ", *, unit="U1", department="75", commune="75110", force="PN"):
    return RosterOfficer(
        number=number,
        subject=number,
        quality=quality,
        force=force,
        unit=unit,
        unit_name=unit,
        department=department,
        commune=commune,
    )


def test_the_nearest_officers_are_chosen():
    roster = Roster(
        [officer("1"), officer("2", "APJ"), officer("3", unit="U2", commune="75118"), officer("4", department="93")]
    )
    assert [o.number for o in roster.near("75118", opj=False)] == ["3"]
    assert [o.number for o in roster.near("75120", opj=True)] == ["1", "3"]
    assert [o.number for o in roster.near("75110", opj=False)] == ["1", "2", "4"]
    assert [o.number for o in roster.near("13055", opj=True)] == ["1", "3", "4"]


def test_the_order_comes_from_the_same_unit_first():
    apj = officer("9", "APJ", unit="U2")
    assert Roster([officer("1"), officer("2", unit="U2"), apj]).orders(apj).number == "2"
    assert Roster([officer("1"), apj]).orders(apj).number == "1"


def test_without_an_opj_there_is_no_roster():
    with pytest.raises(ConfigurationError):
        Roster([officer("1", "APJ")])


def test_a_directory_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ConfigurationError):
        read_roster(tmp_path / "none.csv")
    (tmp_path / "bad.csv").write_text("kind,code\nunit,\n")
    with pytest.raises(ConfigurationError, match="faults"):
        read_roster(tmp_path / "bad.csv")
