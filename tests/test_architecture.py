"""Who may import what, where the import contracts in pyproject.toml cannot say it: which vendors a folder may
know.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"models", "agents", "streams", "web", "sandbox", "millrace", "tests"}

DOOR = {"aiohttp", "pydantic", "orjson", "prometheus_client"}  # the door's framework, its bodies, its numbers
LANGUAGES = {  # what one language of the door needs besides, and the console's pages
    "web/console": {"jinja2", "markupsafe"},
    "web/graphql": {"strawberry", "graphql"},
    "web/grpc": {"grpc", "google", "grpc_health", "grpc_reflection", "grpc_status"},
}

# What one adapter may know of the outside: one row.
VENDORS = {
    "kafka": {"aiokafka", "faust", "mode"},
    "postgres": {"aiopg", "psycopg2", "alembic", "sqlalchemy"},
    "redis": {"redis"},
    "stripe": {"stripe", "aiohttp"},  # aiohttp carries the SDK
    "smtp": {"aiosmtplib"},
    "webhooks": {"aiohttp", "yarl"},
    "jwt": {"jwt", "aiohttp"},  # aiohttp fetches the issuer's keys
}
NO_VENDOR = {"orjson", "pydantic", "prometheus_client"}  # bytes, shapes and numbers


def sources(folder: str) -> list[Path]:
    found = [path for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts]
    assert found, f"{folder} holds no source: the test would prove nothing"
    return sorted(found)


def imported_roots(path: Path) -> Iterator[str]:
    """The first name of every absolute import in the file, also of those inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            assert node.module is not None
            yield node.module.split(".")[0]


def outside(path: Path) -> set[str]:
    return set(imported_roots(path)) - set(sys.stdlib_module_names) - OURS


@pytest.mark.parametrize(
    "path", [*sources("models"), *sources("agents")], ids=lambda path: str(path.relative_to(ROOT))
)
def test_the_core_knows_the_standard_library_alone(path: Path) -> None:
    assert outside(path) == set()


@pytest.mark.parametrize("path", sources("web"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_door_knows_only_what_a_door_needs(path: Path) -> None:
    certificates = {"cryptography"} if path == ROOT / "web/tls.py" else set()  # when one ends
    own = LANGUAGES.get(path.parent.relative_to(ROOT).as_posix(), set())
    composes = {"grpc"} if path == ROOT / "web" / "__main__.py" else set()
    assert outside(path) <= DOOR | certificates | own | composes


@pytest.mark.parametrize("path", sources("streams/adapters"), ids=lambda path: str(path.relative_to(ROOT)))
def test_an_adapter_knows_one_vendor(path: Path) -> None:
    known = outside(path) - NO_VENDOR
    assert any(known <= vendor for vendor in VENDORS.values()), f"{known} belong to no single vendor"


CARRIERS = {"urllib3_transport.py": {"urllib3"}, "aiohttp_transport.py": {"aiohttp"}}
"""Of the Python client: each of its two transports has a library, and the rest has none."""


@pytest.mark.parametrize("path", sources("clients/python"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_client_knows_nothing_of_the_service_and_one_http_library_per_transport(path: Path) -> None:
    assert outside(path) - {"millrace_client"} <= CARRIERS.get(path.name, set())
    assert not OURS & set(imported_roots(path))


@pytest.mark.parametrize("path", sources("streams"), ids=lambda path: str(path.relative_to(ROOT)))
def test_one_file_alone_knows_opentelemetry(path: Path) -> None:
    assert ("opentelemetry" in outside(path)) == (path == ROOT / "streams/tracing/otlp.py")


@pytest.mark.parametrize("folder", ["models", "agents", "streams", "web"])
def test_the_service_does_not_know_its_command_line_nor_its_sandbox(folder: str) -> None:
    for path in sources(folder):
        assert not {"sandbox", "millrace", "tests", "millrace_client"} & set(imported_roots(path)), path
