"""The services of docker-compose.yml as processes of this machine, each with what its container would get."""

import json
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import jwt
import psycopg
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests.support import compose
from tests.support.databases import PostgresServer, find_postgres_binaries

BIN = Path(sys.executable).parent
DEPLOY = compose.ROOT / "deploy"
OFFICER = "7654321"


@dataclass
class Stage:
    """The machine on which the file's services run as processes: its folders, ports and what runs."""

    folder: Path
    database: PostgresServer
    ports: dict[str, int]
    services: dict[str, compose.Service]
    running: ExitStack = field(default_factory=ExitStack)

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    def place(self, service: compose.Service, text: str) -> str:
        """What a path or an address of a container is here."""
        for target, volume in service.folders.items():
            text = text.replace(target, str(self.folder / "volumes" / volume))
        return (
            text.replace(compose.IN_CONTAINER, f"{self.secrets}/")
            .replace("keycloak:8443", f"localhost:{self.ports['keycloak']}")
            .replace("0.0.0.0:2525", f"127.0.0.1:{self.ports['mail']}")
            .replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - the container's own network
        )

    def environment(self, name: str) -> dict[str, str]:
        """Exactly what the file gives the service, and what the image sets."""
        service = self.services[name]
        data = self.folder / "data" / name
        data.mkdir(parents=True, exist_ok=True)
        given = {key: self.place(service, value) for key, value in service.environment.items()}
        return {"PATH": f"{BIN}:/usr/bin:/bin", "RECEIPT_DATA_FOLDER": str(data), **given}

    def command(self, name: str, *arguments: str) -> list[str]:
        service = self.services[name]
        words = [*service.command, *arguments] if not arguments else [*service.given["entrypoint"], *arguments]
        words = [self.place(service, word) for word in words]
        if name == "api":
            words[words.index("8000")] = str(self.ports["api"])
        return [str(BIN / words[0]), *words[1:]]

    def run(self, name: str, *arguments: str) -> str:
        done = subprocess.run(
            self.command(name, *arguments),
            env=self.environment(name),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{name}: {done.stderr}"
        return done.stdout

    def start(self, name: str) -> None:
        log = self.running.enter_context((self.folder / f"{name}.log").open("wb"))
        process = subprocess.Popen(self.command(name), env=self.environment(name), stdout=log, stderr=log)
        self.running.callback(process.wait, 30)
        self.running.callback(process.terminate)

    def is_healthy(self, name: str) -> bool:
        """What the file's own health check says of the service."""
        service = self.services[name]
        kind, program, *words = service.given["healthcheck"]["test"]
        assert (kind, program) == ("CMD", "python")
        script = [self.place(service, word).replace(":8000/", f":{self.ports['api']}/") for word in words]
        done = subprocess.run(
            [sys.executable, *script], env=self.environment(name), capture_output=True, check=False, timeout=30
        )
        return done.returncode == 0

    def psql(self, script: Path, address: str) -> None:
        binary = (find_postgres_binaries() or Path()) / "psql"
        subprocess.run(
            [binary, "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", script, address],
            check=True,
            capture_output=True,
            timeout=30,
        )

    def connect(self, role: str) -> psycopg.Connection:
        return psycopg.connect(f"postgresql://receipts_{role}@/receipts?host={self.database.socket}", autocommit=True)


class TokenIssuer:
    """What Keycloak is to the API: a name, and keys behind TLS."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self.jwks = json.dumps({"keys": [{**public, "kid": "test", "use": "sig", "alg": "ES256"}]}).encode()

    def token(self, **changed: object) -> str:
        now = int(time.time())
        claims = {
            "iss": self.name,
            "aud": "receipt-service",
            "sub": str(uuid.uuid4()),
            "iat": now,
            "exp": now + 600,
            "officer_number": OFFICER,
            "realm_access": {"roles": ["officer"]},
        }
        return jwt.encode({**claims, **changed}, self._key, algorithm="ES256", headers={"kid": "test"})

    @contextmanager
    def serving(self, port: int, certificates: Path) -> Iterator[None]:
        jwks = self.jwks

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path == "/realms/receipts/protocol/openid-connect/certs" else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(jwks)))
                self.end_headers()
                self.wfile.write(jwks)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        context = SSLContext(PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "service_certificate", certificates / "service_certificate_key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def make_database(stage: Stage) -> None:
    """What the image of PostgreSQL does at its first start: the database, then our script."""
    stage.database.execute("CREATE DATABASE receipts")
    environment = {
        "PATH": f"{find_postgres_binaries()}:/usr/bin:/bin",
        "POSTGRES_USER": stage.database.user,
        "POSTGRES_DB": "receipts",
        "PGHOST": str(stage.database.socket),
        "SECRETS_FOLDER": str(stage.secrets),
    }
    subprocess.run(
        [DEPLOY / "postgres" / "create-roles.sh"], env=environment, check=True, capture_output=True, timeout=30
    )


def make_secrets(stage: Stage) -> None:
    subprocess.run([DEPLOY / "make-secrets", stage.secrets], check=True, capture_output=True, timeout=30)
    for path in stage.secrets.glob("*_database_url"):
        path.chmod(0o600)
        path.write_text(path.read_text().replace("@postgres/receipts", f"@/receipts?host={stage.database.socket}"))


def wait_until(condition: Callable[[], bool], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)
