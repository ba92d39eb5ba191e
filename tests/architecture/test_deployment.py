"""The deployment files: valid, closed, and each process with only its own secrets."""

import json
import re
import shutil
import subprocess

import pytest
import yaml

from receipt_service.config.loading import PROCESSES
from receipt_service.environment import is_secret
from receipt_service.web.authentication import Role
from tests.support import compose

ROOT = compose.ROOT
DOCUMENT = yaml.safe_load(compose.FILE.read_text())
SERVICES = compose.services(compose.example_variables())
OURS = [name for name, service in SERVICES.items() if service.ours]
PROCESS_OF = {"directory": "migrate"}  # reads the same settings


def test_compose_accepts_the_file():
    """By compose itself where it is installed; its structure is held to the specification below in any case."""
    command = shutil.which("docker-compose")
    if command:
        for files in (["-f", compose.FILE], ["-f", compose.FILE, "-f", compose.SMS_FILE]):
            variables = {**compose.example_variables(), **SMS_VARIABLES, "PATH": "/usr/bin:/bin"}
            subprocess.run([command, *files, "config", "--quiet"], check=True, cwd=ROOT, env=variables)
    assert set(DOCUMENT) - {"services", "networks", "volumes", "secrets"} == {"x-ours"}
    known = {
        "build", "cap_drop", "command", "depends_on", "entrypoint", "environment", "healthcheck", "image", "mem_limit",
        "memswap_limit", "network_mode", "networks", "ports", "profiles", "read_only", "restart", "secrets",
        "security_opt", "shm_size", "stop_grace_period", "tmpfs", "ulimits", "user", "volumes",
    }  # fmt: skip
    assert {key for service in DOCUMENT["services"].values() for key in service} <= known


SMS_VARIABLES = {
    "RECEIPT_SMS_SENDER": "RECEPISSE",
    "RECEIPT_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "RECEIPT_SMTP_HOST": "mail.example",
    "RECEIPT_SMTP_USERNAME": "receipts",
}


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_names_is_declared(name):
    service = SERVICES[name]

    assert service.secrets <= set(DOCUMENT["secrets"])
    assert service.networks <= set(DOCUMENT["networks"])
    assert set(service.folders.values()) <= set(DOCUMENT["volumes"])
    assert set(service.given.get("depends_on", {})) <= set(SERVICES)


def test_nothing_declared_is_unused():
    for kind in ("secrets", "networks"):
        assert set().union(*(getattr(service, kind) for service in SERVICES.values())) == set(DOCUMENT[kind])


@pytest.mark.parametrize("name", OURS)
def test_container_of_ours_is_locked_down(name):
    given = SERVICES[name].given

    assert given["read_only"] is True
    assert given["cap_drop"] == ["ALL"]
    assert given["security_opt"] == ["no-new-privileges:true"]
    assert given["ulimits"] == {"core": 0}
    assert given["memswap_limit"] == given["mem_limit"]
    assert "privileged" not in given


@pytest.mark.parametrize("name", [name for name in OURS if name != "mail-sink"])
def test_service_gets_settings_of_its_own_process_only(name):
    settings = PROCESSES[PROCESS_OF.get(name, name)]
    known = {f"RECEIPT_{field.upper()}" for field in settings.model_fields}
    as_files = {f"RECEIPT_{name.upper()}_FILE" for name, field in settings.model_fields.items() if is_secret(field)}

    assert set(SERVICES[name].environment) <= known | as_files


@pytest.mark.parametrize("name", OURS)
def test_secrets_come_as_files_that_the_service_has(name):
    service = SERVICES[name]
    files = {value.removeprefix(compose.IN_CONTAINER) for value in service.environment.values() if "/run/" in value}

    assert files <= service.secrets
    assert not [
        variable
        for variable in service.environment
        if re.search(r"(PASSWORD|TOKEN|PASSPHRASE|DATABASE_URL)$", variable)
    ]


def test_api_and_worker_share_nothing_but_the_local_ca():
    api, worker = SERVICES["api"], SERVICES["worker"]

    assert api.secrets & worker.secrets == {"ca_certificate"}
    assert set(api.folders.values()) & set(worker.folders.values()) == {"sealing-keys", "log"}
    assert "log:/published-log:ro" in api.given["volumes"]
    assert "log:/published-log:ro" in worker.given["volumes"]
    assert "sealing-keys:/keys/sealing:ro" in api.given["volumes"]
    assert api.networks & worker.networks == {"database"}


def test_only_the_edge_reaches_outside():
    open_networks = {name for name, network in DOCUMENT["networks"].items() if not network.get("internal")}

    assert open_networks == {"edge"}
    assert {name for name, service in SERVICES.items() if service.networks & open_networks} == {"proxy", "keycloak"}
    assert {name for name, service in SERVICES.items() if "ports" in service.given} == {"proxy", "keycloak"}


def test_no_demonstration_mode():
    assert "RECEIPT_DEMO" not in compose.FILE.read_text() + compose.SMS_FILE.read_text()


@pytest.mark.parametrize("variable", compose.example_variables())
def test_example_is_read(variable):
    assert f"${{{variable}" in compose.FILE.read_text()


@pytest.mark.parametrize(
    "variable", ["RECEIPT_PUBLIC_URL", "RECEIPT_OIDC_ISSUER", "RECEIPT_EMAIL_SENDER", "KEYCLOAK_ADMIN", "KEYCLOAK_URL"]
)
def test_what_has_no_safe_default_must_be_given(variable):
    variables = {key: value for key, value in compose.example_variables().items() if key != variable}

    with pytest.raises(compose.MissingVariable, match=variable):
        compose.services(variables)


def test_no_password_stands_in_a_file():
    """Whatever is called a password is a file made by deploy/make-secrets, or a variable without a value."""
    written = [compose.FILE, compose.SMS_FILE, compose.EXAMPLE, *(ROOT / "deploy").rglob("*.conf")]
    literal = re.compile(
        r"(password|passphrase|token|secret)\w*\s*[:=]\s*[\"']?(?![\"'$/\[{]|RECEIPT|file\b)\w", re.IGNORECASE
    )

    assert [line for path in written for line in path.read_text().splitlines() if literal.search(line)] == []


@pytest.fixture(scope="module")
def secrets_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deploy") / "secrets"
    subprocess.run([ROOT / "deploy" / "make-secrets", folder, "recepisse.example"], check=True, capture_output=True)
    return folder


def test_make_secrets_makes_what_compose_needs(secrets_folder):
    assert {path.name for path in secrets_folder.iterdir()} == set(DOCUMENT["secrets"])
    assert secrets_folder.stat().st_mode & 0o077 == 0


def test_make_secrets_overwrites_nothing(secrets_folder):
    before = {path.name: path.read_bytes() for path in secrets_folder.iterdir()}

    subprocess.run([ROOT / "deploy" / "make-secrets", secrets_folder], check=True, capture_output=True)

    assert {path.name: path.read_bytes() for path in secrets_folder.iterdir()} == before


def test_passwords_differ(secrets_folder):
    passwords = [path.read_text() for path in secrets_folder.glob("*pass*")]

    assert len(set(passwords)) == len(passwords) > 5
    assert min(map(len, passwords)) > 40


REALM = json.loads((ROOT / "deploy" / "keycloak" / "receipts-realm.json").read_text())
CLIENT = REALM["clients"][0]
MAPPERS = {mapper["protocolMapper"]: mapper["config"] for mapper in CLIENT["protocolMappers"]}


def test_realm_knows_our_roles():
    assert {role["name"] for role in REALM["roles"]["realm"]} == {role.value for role in Role}
    assert set(REALM["scopeMappings"][0]["roles"]) == {role.value for role in Role}


def test_realm_gives_the_claims_that_the_api_reads():
    fields, environment = PROCESSES["api"].model_fields, SERVICES["api"].environment

    assert MAPPERS["oidc-usermodel-attribute-mapper"]["claim.name"] == environment["RECEIPT_OIDC_SUBJECT_CLAIM"]
    assert MAPPERS["oidc-usermodel-realm-role-mapper"]["claim.name"] == fields["oidc_roles_claim"].default
    assert MAPPERS["oidc-audience-mapper"]["included.custom.audience"] == environment["RECEIPT_OIDC_AUDIENCE"]
    assert REALM["defaultSignatureAlgorithm"] in fields["oidc_algorithms"].default


def test_realm_is_the_issuer_of_the_example():
    issuer = compose.example_variables()["RECEIPT_OIDC_ISSUER"]

    assert issuer == f"{compose.example_variables()['KEYCLOAK_URL']}/realms/{REALM['realm']}"
    assert f"/realms/{REALM['realm']}/" in SERVICES["api"].environment["RECEIPT_OIDC_JWKS_URL"]


def test_realm_has_nobody_in_it():
    text = json.dumps(REALM)

    assert "users" not in REALM and "secret" not in CLIENT and "credentials" not in text  # noqa: PT018 - one fact
    assert REALM["registrationAllowed"] is False


def test_officers_cannot_give_themselves_a_number():
    profile = REALM["components"]["org.keycloak.userprofile.UserProfileProvider"][0]["config"][
        "kc.user.profile.config"
    ][0]
    number = next(one for one in json.loads(profile)["attributes"] if one["name"] == "officer_number")

    assert number["permissions"]["edit"] == ["admin"]


def test_client_takes_no_password_and_needs_pkce():
    assert CLIENT["publicClient"] and CLIENT["attributes"]["pkce.code.challenge.method"] == "S256"  # noqa: PT018 - one fact
    assert not CLIENT["directAccessGrantsEnabled"]
    assert not CLIENT["implicitFlowEnabled"]


def test_image_is_pinned_and_not_root():
    dockerfile = (ROOT / "Dockerfile").read_text()
    setup = (ROOT / ".ci" / "setup").read_text()

    assert re.findall(r"^USER (.+)$", dockerfile, re.MULTILINE) == ["10001:10001"]
    assert ":latest" not in dockerfile + compose.FILE.read_text()
    assert re.search(r"uv==([\d.]+)", dockerfile)[1] == re.search(r"uv_version=([\d.]+)", setup)[1]
    assert "--require-hashes" in dockerfile


def test_image_is_built_from_what_the_build_names():
    """.dockerignore lets in exactly what the Dockerfile copies."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = {
        word for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE) for word in line.split()[:-1]
    }
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert copied == let_in
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_proxy_keeps_no_paths():
    assert re.findall(r"access_log (\w+);", (ROOT / "deploy" / "proxy" / "nginx.conf").read_text()) == ["off"]
