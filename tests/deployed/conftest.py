"""One system for all tests of this folder, as it is deployed: nothing goes in the clear, and traces go to a collector."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from sandbox.ports import HOST, Ports
from sandbox.processes import Program
from sandbox.testing import Servers
from streams.settings import Settings
from tests.certificates import Authority, Files
from tests.deployed.collector import Collector
from tests.deployed.encrypted import Encrypted, as_postgres, nothing_before
from tests.deployed.kafka import SCRAM_PASSWORD, USER, SecuredKafka
from tests.system.stack import STRIPE_KEY, WEBHOOK_SECRET, Service, Simulator, no_settings_around

TOLD_WITHIN_S = 10.0
"""For spans to be sent, each second, and lines to be written."""


class TrustingSimulator(Simulator):
    """Its notices go to a door whose certificate the tests' own authority has signed."""

    authority: Authority

    def program(self) -> Program:
        program = super().program()
        return replace(program, env={**program.env, "SSL_CERT_FILE": str(self.authority.file)})


class Deployment:
    """`authority` has signed all of it: the door, the broker, the database, the cache."""

    def __init__(self, folder: Path, servers: Servers, started: ExitStack) -> None:
        ports = Ports()
        started.callback(ports.close)
        self.authority = Authority(folder / "certificates")
        self.door, self.kafka_client = self.authority.issue("door"), self.authority.issue("client")
        others = self.authority.issue("server", "localhost")  # the same port by its number is another name
        broker = self.authority.issue("broker", HOST)
        self.kafka = SecuredKafka(folder / "kafka", ports, self.authority, broker)
        self.postgres_dsn = self._postgres(servers, others, started)
        self.redis_url = self._redis(servers, others, started)
        self.collector = started.enter_context(Collector())
        self.stripe = TrustingSimulator(folder / "stripe", ports.take())
        self.stripe.authority = self.authority
        self.service = Service(folder / "run", self.environment())
        for each in (self.kafka, self.stripe, self.service):
            started.callback(each.stop)
            each.start()

    @property
    def url(self) -> str:
        return str(self.service.endpoints["http"])

    @property
    def merchant(self) -> dict[str, str]:
        found: dict[str, str] = self.service.endpoints["merchants"][0]
        return found

    def settings(self, **others: Any) -> Settings:
        named = {
            name.removeprefix("MILLRACE_").lower(): value
            for name, value in self.environment().items()
            if name.startswith("MILLRACE_KAFKA")
        }
        return Settings(**{**named, **others})

    def environment(self) -> dict[str, str]:
        return {
            "MILLRACE_KAFKA_BOOTSTRAP": self.kafka.for_passwords,
            "MILLRACE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "MILLRACE_KAFKA_USERNAME": USER,
            "MILLRACE_KAFKA_PASSWORD": SCRAM_PASSWORD,
            "MILLRACE_KAFKA_CA_FILE": str(self.authority.file),
            "MILLRACE_POSTGRES_DSN": self.postgres_dsn,
            "MILLRACE_REDIS_URL": self.redis_url,
            "MILLRACE_STRIPE_API_BASE": self.stripe.url,
            "MILLRACE_STRIPE_API_KEY": STRIPE_KEY,
            "MILLRACE_STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
            "MILLRACE_TLS_CERT_FILE": str(self.door.certificate),
            "MILLRACE_TLS_KEY_FILE": str(self.door.key),
            "MILLRACE_OTLP_ENDPOINT": self.collector.url,
        }

    def _postgres(self, servers: Servers, files: Files, started: ExitStack) -> str:
        plain = urlsplit(servers.postgres().fresh_database())
        before = started.enter_context(Encrypted(plain.port or 0, files, as_postgres))
        there = f"{plain.username}:{plain.password}@localhost:{before.port}"
        return f"postgresql://{there}{plain.path}?sslmode=verify-full&sslrootcert={self.authority.file}"

    def _redis(self, servers: Servers, files: Files, started: ExitStack) -> str:
        plain = urlsplit(servers.redis().url)
        before = started.enter_context(Encrypted(plain.port or 0, files, nothing_before))
        return f"rediss://localhost:{before.port}/3?ssl_ca_certs={self.authority.file}"


@pytest.fixture(scope="package")
def deployment(tmp_path_factory: pytest.TempPathFactory, servers: Servers) -> Iterator[Deployment]:
    with no_settings_around(), ExitStack() as started:
        yield Deployment(tmp_path_factory.mktemp("deployed"), servers, started)


class Client:
    """A merchant's, who trusts the authority alone."""

    def __init__(self, deployment: Deployment, http: aiohttp.ClientSession) -> None:
        self._deployment, self._http = deployment, http
        self._tls = deployment.authority.client()

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        """Status, headers and the document."""
        sent = {"Authorization": f"Bearer {self._deployment.merchant['api_key']}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        url = self._deployment.url + path
        async with self._http.request(method, url, json=body, headers=sent, ssl=self._tls) as response:
            raw = await response.text()
            return response.status, response.headers.copy(), json.loads(raw) if raw[:1] == "{" else raw

    async def pay(self, key: str, **more: Any) -> tuple[int, Any, Any]:
        headers = {name: more.pop(name) for name in ("traceparent",) if name in more}
        body = {"amount": 1999, "currency": "usd", "payment_method": "pm_card_visa", **more}
        return await self.ask("POST", "/v1/payments", body, Idempotency_Key=key, **headers)


@pytest.fixture
async def client(deployment: Deployment) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as http:
        yield Client(deployment, http)
