"""The composed system is the same system: every process, every setting under its real name, started in order."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.containers import KafkaContainer, PostgresContainer, ValkeyContainer, kafka_environment
from sandbox.kafka import PROPERTIES
from sandbox.stack import CREATE_TOPICS, MIGRATE, ROLES
from streams.settings import Settings

ROOT = Path(__file__).parent.parent.parent
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
OFFICIAL = {"apache/kafka", "postgres", "valkey/valkey", "axllent/mailpit", "millrace"}
KNOWN_SETTINGS = {f"MILLRACE_{name.upper()}" for name in Settings.model_fields}


def words(service: str) -> tuple[str, ...]:
    return tuple(SERVICES[service]["command"])


def test_every_role_runs_the_module_that_make_run_starts() -> None:
    for role, (module, _) in ROLES.items():
        assert words(role) == ("python", "-m", module)
    assert words("migrations")[1:] == MIGRATE
    assert words("topics") == ("millrace", *CREATE_TOPICS[2:])


def test_every_setting_is_one_that_the_service_has() -> None:
    given = {
        name
        for service in SERVICES.values()
        for name in service.get("environment", {})
        if name.startswith("MILLRACE_")
    }
    in_image = set(re.findall(r"MILLRACE_[A-Z_]+", (ROOT / "Dockerfile").read_text()))
    assert given
    assert given | in_image <= KNOWN_SETTINGS


def test_who_is_waited_for_exists_and_can_say_that_it_is_ready() -> None:
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            assert needed in SERVICES, f"{name} waits for {needed}"
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[needed], f"{needed} cannot say that it is healthy"
            else:
                assert SERVICES[needed]["restart"] == "on-failure", f"{needed} must end"


def test_roles_wait_for_what_they_wait_for_under_make_run() -> None:
    for role, (_, after) in ROLES.items():
        reached, waiting = set[str](), [role]
        while waiting:
            needed = set(SERVICES[waiting.pop()].get("depends_on", {})) - reached
            reached |= needed
            waiting += needed
        assert after <= reached, role


def test_only_official_images_and_only_loopback() -> None:
    assert {service["image"].split(":")[0] for service in SERVICES.values()} == OFFICIAL
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_broker_is_configured_as_the_embedded_one() -> None:
    composed = SERVICES["kafka"]["environment"]
    listeners = {"listener.security.protocol.map"}
    for name, value in PROPERTIES.items():
        if name not in listeners and not name.startswith("broker."):
            assert str(composed["KAFKA_" + name.upper().replace(".", "_")]) == value, name


def test_the_image_is_built_from_hash_locked_pins_and_is_not_root() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes -r requirements/service.txt" in dockerfile
    assert dockerfile.rindex("USER millrace") > dockerfile.rindex("FROM")


def test_compose_itself_accepts_the_file() -> None:
    for command in (["docker", "compose"], ["docker-compose"]):
        if (
            shutil.which(command[0])
            and subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0
        ):
            checked = subprocess.run(
                [*command, "config", "-q"], cwd=ROOT, capture_output=True, text=True, check=False
            )
            assert checked.returncode == 0, checked.stderr
            return
    pytest.skip("no docker compose on this machine")


def test_everything_that_the_image_is_made_of_is_there_and_is_sent_to_whoever_makes_it() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = {
        source for line in re.findall(r"^COPY (?!--)(.+)$", dockerfile, re.M) for source in line.split()[:-1]
    }
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert {source, source.split("/")[0]} & sent, f"{source} is left out by .dockerignore"


def test_the_containers_of_the_tests_publish_fixed_ports_on_loopback() -> None:
    """They are only made here, not started: that takes Docker. Told the interface's version, they do not ask for it."""
    for kind, inside in ((KafkaContainer, 9092), (PostgresContainer, 5432), (ValkeyContainer, 6379)):
        made = kind(25000, api_version="1.44")
        assert made.published == {f"{inside}/tcp": ("127.0.0.1", 25000)}
    environment = kafka_environment(25000)
    assert environment["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:25000"
    assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
