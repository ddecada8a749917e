"""The table of what Millrace consists of on one machine: every process, what it needs, and when it is ready.

What lives here: the table, in the order of starting. How processes are kept is `sandbox.supervisor`'s, what a
server needs its own file's.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from sandbox import checks, demo, processes
from sandbox.kafka import Kafka
from sandbox.outside import OFF, Outside
from sandbox.parts import Part, Step
from sandbox.ports import HOST, Ports
from sandbox.postgres import Postgres
from sandbox.processes import Program
from sandbox.run_folder import RunFolder
from sandbox.secrets import Secrets
from sandbox.server import Server
from sandbox.smtp import Smtp
from sandbox.valkey import Valkey

CHECKOUT = Path(__file__).resolve().parent.parent
USUAL_PORTS = {
    "kafka": 9092,
    "kafka-controller": 9093,
    "postgres": 5432,
    "redis": 6379,
    "stripe": 12111,
    "smtp": 1025,
    "mailbox": 8025,
    "web-0": 8080,
    "web-0-grpc": 9090,
}
DEMO_SENDER, DEMO_OPERATOR = "Millrace <millrace@sandbox.example>", "operator@sandbox.example"
STEP_WITHIN_S = 60.0
DRAIN_S = (
    "3"  # what is under way when the stack stops; processes are killed when it takes longer than the next
)
STOPS_WITHIN_S = 4.5  # services first, then servers: below ten seconds together

# Each role of the service: its module, and what must be there before it starts.
ROLES: dict[str, tuple[str, frozenset[str]]] = {
    "writer": ("agents.writer", frozenset({"kafka", "topics"})),
    "gateway": ("agents.gateway", frozenset({"kafka", "topics", "stripe", "migrations"})),
    "projection": ("agents.projection", frozenset({"kafka", "topics", "migrations", "redis"})),
    "notifications": ("agents.notifications", frozenset({"kafka", "topics", "migrations"})),
    "analytics": ("agents.analytics", frozenset({"kafka", "topics", "migrations"})),
    "web": ("web", frozenset({"kafka", "topics", "merchants", "redis"})),
}
WEBHOOK_ALLOW = "127.0.0.1,localhost"  # a merchant's server on the same machine
MIGRATE = ("-m", "streams.adapters.postgres", "migrate")
CREATE_TOPICS = ("-m", "millrace", "topics", "create")
SIMULATOR = ("-m", "sandbox.stripe_simulator")


class Stack:
    """The parts and steps of one run, and the addresses they have."""

    def __init__(self, folder: RunFolder, outside: Outside, ports: Ports, servers_only: bool = False) -> None:
        self._folder = folder
        self._outside = outside
        self._ports = ports
        self.servers_only = servers_only
        self.displaced: list[str] = []  # for the person: which port could not be had, and which it is now
        self._taken: dict[str, int] = {}
        self._remembered: dict[str, int] = folder.read(folder.ports) or {}
        self.secrets = Secrets.of(folder)
        self._scheme = "https" if os.environ.get("MILLRACE_TLS_CERT_FILE") else "http"  # the door's
        self._own: dict[str, Server] = dict(self._own_servers())
        self._http_ports = [self._port(f"web-{index}") for index in range(max(1, outside.counts["web"]))]
        speaking = [] if outside.grpc_port == 0 else range(len(self._http_ports))
        self._grpc_ports = [self._port(f"web-{index}-grpc") for index in speaking]
        self._stripe_port = self._port("stripe") if outside.simulates_stripe else None
        folder.write(folder.ports, {**self._remembered, **self._taken})

    @property
    def http(self) -> str:
        return f"{self._scheme}://{HOST}:{self._http_ports[0]}"

    @property
    def grpc(self) -> str | None:
        return f"{HOST}:{self._grpc_ports[0]}" if self._grpc_ports else None

    @property
    def is_kafka_new(self) -> bool:
        own = self._own.get("kafka")
        return isinstance(own, Kafka) and own.is_new

    @property
    def kafka(self) -> str:
        own = self._own.get("kafka")
        return own.bootstrap if isinstance(own, Kafka) else str(self._outside.kafka)

    @property
    def postgres(self) -> str:
        """Known once PostgreSQL has been prepared: its password is made with its data."""
        own = self._own.get("postgres")
        return own.dsn if isinstance(own, Postgres) else str(self._outside.postgres)

    @property
    def redis(self) -> str:
        own = self._own.get("redis")
        return own.url if isinstance(own, Valkey) else str(self._outside.redis)

    @property
    def stripe(self) -> str:
        return f"http://{HOST}:{self._stripe_port}" if self._stripe_port else str(self._outside.stripe_base)

    @property
    def smtp(self) -> str | None:
        """host:port of our own; None where the person has one."""
        own = self._own.get("smtp")
        return f"{HOST}:{own.port}" if isinstance(own, Smtp) else None

    @property
    def mailbox(self) -> str | None:
        """Where what was sent to it can be read."""
        own = self._own.get("smtp")
        return own.mailbox if isinstance(own, Smtp) else None

    def parts(self) -> list[Part]:
        """Servers first, then the service."""
        servers = [self._server_part(server) for server in self._own.values()]
        simulator = [self._simulator_part()] if self._stripe_port else []
        return servers + simulator + ([] if self.servers_only else list(self._service_parts()))

    def steps(self) -> list[Step]:
        """What is done once, when the servers answer."""
        if self.servers_only:
            return []
        return [
            *self._outside_steps(),
            Step("migrations", partial(self._run, "migrations", MIGRATE), frozenset({"postgres"})),
            Step("topics", partial(self._run, "topics", CREATE_TOPICS), frozenset({"kafka"})),
            Step("merchants", self._make_merchants, frozenset({"migrations"})),
        ]

    def service_environment(self) -> dict[str, str]:
        """What every process of the service is told."""
        webhook_secrets = self._outside.stripe_webhook_secrets or self.secrets.webhook_secret
        multicapture = str(
            self._outside.simulates_stripe
        ).lower()  # an account of Stripe's must be allowed it
        return {
            "MILLRACE_KAFKA_BOOTSTRAP": self.kafka,
            "MILLRACE_POSTGRES_DSN": self.postgres,
            "MILLRACE_REDIS_URL": self.redis,
            "MILLRACE_STRIPE_API_BASE": self.stripe,
            "MILLRACE_STRIPE_API_KEY": self._outside.stripe_key,
            "MILLRACE_STRIPE_MULTICAPTURE": os.environ.get("MILLRACE_STRIPE_MULTICAPTURE", multicapture),
            "MILLRACE_STRIPE_WEBHOOK_SECRETS": webhook_secrets,
            **self._mail_environment(),
            "MILLRACE_WEBHOOK_KEYS": os.environ.get(
                "MILLRACE_WEBHOOK_KEYS", self.secrets.webhook_sealing_key
            ),
            "MILLRACE_WEBHOOK_ALLOW": os.environ.get("MILLRACE_WEBHOOK_ALLOW", WEBHOOK_ALLOW),
            "MILLRACE_INTERNAL_KEY": self.secrets.internal_key,
            "MILLRACE_HTTP_HOST": HOST,
            "MILLRACE_HTTP_PORT": str(self._http_ports[0]),
            "MILLRACE_GRPC_HOST": HOST,
            "MILLRACE_DRAIN_S": os.environ.get("MILLRACE_DRAIN_S", DRAIN_S),
        }

    def _mail_environment(self) -> dict[str, str]:
        """Our own mailbox gets all there is to get; to a server of the person's goes what they say."""
        if self.smtp is None:
            return {}
        usual = {"MAIL_FROM": DEMO_SENDER, "RECEIPTS": "true", "ALERTS_TO": DEMO_OPERATOR}
        said = {
            f"MILLRACE_{name}": os.environ.get(f"MILLRACE_{name}", value) for name, value in usual.items()
        }
        return {"MILLRACE_SMTP_URL": f"smtp://{self.smtp}", **said}

    def _own_servers(self) -> Iterator[tuple[str, Server]]:
        folder = self._folder.path
        if self._outside.kafka is None:
            ports = self._port("kafka"), self._port("kafka-controller")
            yield "kafka", Kafka(folder / "kafka", *ports, log=self._log("kafka"))
        if self._outside.postgres is None:
            yield "postgres", Postgres(folder / "postgres", self._port("postgres"), self._log("postgres"))
        if self._outside.redis is None:
            yield "redis", Valkey(folder / "redis", self._port("redis"), self._log("redis"))
        if self._outside.smtp is None and not self.servers_only:
            ports = self._port("smtp"), self._port("mailbox")
            yield "smtp", Smtp(folder / "mails", *ports, log=self._log("smtp"))

    def _server_part(self, server: Server) -> Part:
        return Part(
            role=server.name,
            program=server.program,
            is_ready=server.is_ready,
            prepare=server.prepare,
            address=f"{HOST}:{server.port}",
            ready_within_s=server.start_within_s,
        )

    def _simulator_part(self) -> Part:
        options = (
            *("--port", str(self._stripe_port)),
            *("--webhook-url", f"{self.http}/webhooks/stripe"),
            *("--data-file", str(self._folder.path / "stripe" / "journal")),
        )
        secret = {  # command lines can be read by all
            "STRIPE_SIMULATOR_WEBHOOK_SECRET": self.secrets.webhook_secret,
            "STRIPE_SIMULATOR_WEBHOOK_SECRETS_OF": json.dumps(dict(self._outside.webhook_secrets_of)),
        }
        if certificate := os.environ.get("MILLRACE_TLS_CERT_FILE"):
            secret["SSL_CERT_FILE"] = certificate  # one that signed itself is trusted, then
        return Part(
            role="stripe",
            program=lambda: self._python("stripe", (*SIMULATOR, *options), secret),
            is_ready=partial(checks.listens, self._stripe_port or 0),
            address=self.stripe,
        )

    def _service_parts(self) -> Iterator[Part]:
        for role, (module, after) in ROLES.items():
            for index in range(self._outside.counts[role]):
                yield self._service_part(role, index, module, after)

    def _service_part(self, role: str, index: int, module: str, after: frozenset[str]) -> Part:
        name = f"{role}-{index}"
        port = self._http_ports[index] if role == "web" else self._port(f"{name}-health")
        own = {"MILLRACE_INSTANCE": name, "MILLRACE_HEALTH_PORT": str(port)}
        if role == "web":
            grpc_port = self._grpc_ports[index] if self._grpc_ports else OFF
            own |= {"MILLRACE_HTTP_PORT": str(port), "MILLRACE_GRPC_PORT": str(grpc_port)}
        address = f"{self._scheme if role == 'web' else 'http'}://{HOST}:{port}"
        return Part(
            role=role,
            index=index,
            numbered=True,
            program=lambda: self._python(name, ("-m", module), {**self.service_environment(), **own}),
            is_ready=self._readiness(role, port, address),
            after=after,
            address=address,
        )

    def _readiness(self, role: str, port: int, address: str) -> Callable[[], bool]:
        """A door that lets in only whose certificate it knows cannot be asked."""
        if role == "web" and os.environ.get("MILLRACE_TLS_CLIENT_CA_FILE"):
            return partial(checks.listens, port)
        return partial(checks.says_ready, f"{address}/readyz")

    def _outside_steps(self) -> Iterator[Step]:
        """Servers of the person's own take part in the order under the names of ours."""
        for name in ("kafka", "postgres", "redis"):
            if name not in self._own:
                yield Step(name, partial(checks.wait_for_outside, name, getattr(self, name)))

    def _run(self, name: str, arguments: tuple[str, ...]) -> None:
        processes.run(self._python(name, arguments, self.service_environment()), STEP_WITHIN_S)

    def _make_merchants(self) -> None:
        demo.make_merchants(self.postgres, self.secrets)

    def _python(self, name: str, arguments: tuple[str, ...], environment: dict[str, str]) -> Program:
        return Program(
            name,
            (sys.executable, *arguments),
            self._log(name),
            env={"PYTHONUNBUFFERED": "1", **environment},
            folder=CHECKOUT,
            stop_within_s=STOPS_WITHIN_S,
        )

    def _log(self, name: str) -> Path:
        return self._folder.logs / f"{name}.log"

    def _port(self, name: str) -> int:
        """The port asked for, that of the run before or the usual one; where it is taken, the next of these, or another."""
        asked = {"web-0": self._outside.http_port, "web-0-grpc": self._outside.grpc_port}
        wanted = [
            port for port in (asked.get(name), self._remembered.get(name), USUAL_PORTS.get(name)) if port
        ]
        port = self._taken[name] = self._ports.take(wanted)
        if wanted and port != wanted[0]:
            self.displaced.append(f"port {wanted[0]} is taken: {name} gets {port}")
        return port
