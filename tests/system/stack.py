"""The whole system for the tests: servers that a test can take away, and the service above them as a person runs it.

What lives here: starting, stopping, finding processes. Clients, faults and what must hold afterwards do not.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from sandbox import checks, processes
from sandbox.control import STOPS_WITHIN_S
from sandbox.ports import HOST, Ports
from sandbox.processes import Program
from sandbox.run_folder import RunFolder
from sandbox.server import Server
from sandbox.smtp import Smtp
from sandbox.stack import CHECKOUT
from sandbox.testing import Servers
from streams.settings import Settings
from tests.streams.adapters import issuer

STRIPE_KEY = "sk_test_systemtests0stripe0canary"
WEBHOOK_SECRET = "whsec_systemtests0webhook0canary"
WEBHOOK_KEY = "tests:c3lzdGVtLXRlc3RzLXdlYmhvb2tzLTMyLWJ5dGVzISE="
OWN_KEY = "sk_test_systemtests0own0canary"
OWN_WEBHOOK_SECRET = "whsec_systemtests0own0canary"
CONNECTED, CONNECTED_PER_S = "acct_systemtests", 20
ACCOUNTS = f"""
[connected]
merchants = ["mer_connected"]
stripe_account = "{CONNECTED}"
endpoint_requests_per_s = {CONNECTED_PER_S}

[own]
merchants = ["mer_own"]
api_key = "env:OWN_STRIPE_KEY"
webhook_secrets = ["env:OWN_STRIPE_WEBHOOK_SECRET"]
"""
"""Merchants that only upstream services know."""
ROLLED_SECRET = "whsec_systemtests0rolled00canary"
"""The one that is to follow it: notices under either are Stripe's."""
ROLES = {"WRITERS": 2, "GATEWAYS": 2, "PROJECTIONS": 1, "WEBS": 2}
"""Two of what shares work out, so that there is somebody to take over; two cores bear this many."""

SHOP = "https://shop.example"
OPERATOR_ADDRESS = "operators@shop.example"
PSP_SLOT_S = "3"
"""Shorter than by default, so that an outage of Stripe's becomes an unknown outcome within a test's patience."""

FOLLOW_UP_S = "0.3"  # what the simulator does by itself later on
NOTHING_MORE: Mapping[str, str] = MappingProxyType({})
READY_WITHIN_S = 90.0
BACK_WITHIN_S = 60.0


@contextmanager
def no_settings_around() -> Iterator[None]:
    """What this shell says of some other system is not for the one that is started here."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("MILLRACE_"):
                patch.delenv(name)
        yield


class Simulator(Server):
    """The Stripe simulator as a process of its own; its journal survives SIGKILL."""

    name = "stripe"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def program(self) -> Program:
        options = ("--port", str(self.port), "--data-file", str(self.folder / "journal"))
        return Program(
            self.name,
            (sys.executable, "-m", "sandbox.stripe_simulator", *options, "--follow-up-s", FOLLOW_UP_S),
            self.log,
            env={"STRIPE_SIMULATOR_WEBHOOK_SECRET": WEBHOOK_SECRET},
            folder=CHECKOUT,
        )

    def is_ready(self) -> bool:
        return checks.listens(self.port)


class Service:
    """`millrace up` over servers given from outside: its supervisor starts again whatever process is killed."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = RunFolder(folder)
        self._environment = environment
        self._program: Program | None = None
        self._supervisor: Any = None

    def start(self) -> None:
        self.folder.logs.mkdir(parents=True, exist_ok=True)
        command = (sys.executable, "-m", "millrace", "up", "--run-dir", str(self.folder.path))
        self._program = Program(
            "millrace",
            command,
            self.folder.logs / "supervisor.log",
            env=self._environment,
            folder=CHECKOUT,
            stop_within_s=STOPS_WITHIN_S,
        )
        supervisor = self._supervisor = processes.spawn(self._program)
        ended = processes.wait_until(
            lambda: supervisor.poll() is not None or self.folder.endpoints.exists(), READY_WITHIN_S
        )
        if not ended or supervisor.poll() is not None:
            raise RuntimeError(f"the service did not start\n{processes.tail(self._program.log, 40)}")

    def stop(self) -> None:
        if self._supervisor is not None and self._program is not None:
            processes.stop(self._supervisor, self._program)

    @property
    def endpoints(self) -> dict[str, Any]:
        found: dict[str, Any] = self.folder.read(self.folder.endpoints)
        return found

    @property
    def doors(self) -> list[str]:
        return [part["address"] for part in self.parts().values() if part["role"] == "web"]

    @property
    def grpc_doors(self) -> list[str]:
        ports = self.folder.read(self.folder.ports)
        return [f"{HOST}:{port}" for name, port in sorted(ports.items()) if name.endswith("-grpc")]

    def parts(self) -> dict[str, dict[str, Any]]:
        """Each process by its name (`writer-0`): `state`, `pid`, `restarts`, `address`."""
        return {part["name"]: part for part in self.folder.read(self.folder.state)["parts"]}

    def signal(self, name: str, number: int) -> int:
        """Send it to the process of that name; the pid it has now. It must be there."""
        processes.wait_until(lambda: self.parts()[name]["pid"] is not None, BACK_WITHIN_S)
        pid = int(self.parts()[name]["pid"])
        os.kill(pid, number)
        return pid

    def has_replaced(self, name: str, pid: int) -> bool:
        """Whether another process has that name now, and is ready."""
        part = self.parts()[name]
        return part["pid"] not in (None, pid) and part["state"] == "ready"

    def is_whole(self) -> bool:
        return all(part["state"] == "ready" for part in self.parts().values())


class System:
    """Everything, and where it is. `settings`: beside, or in place of, what the tests tell the service."""

    def __init__(self, folder: Path, servers: Servers, settings: Mapping[str, str] = NOTHING_MORE) -> None:
        self._ports = Ports()
        self._told = settings
        self.folder = folder
        self.crashpoints = folder / "crashpoints"
        self.kafka, self.postgres, self.redis = servers.kafka(), servers.postgres(), servers.redis()
        self.stripe = Simulator(folder / "stripe", self._ports.take())
        self.smtp = Smtp(folder / "mails", self._ports.take(), self._ports.take())
        self._accounts = folder / "accounts.toml"
        self._accounts.write_text(ACCOUNTS)
        self._jwks = folder / "jwks.json"
        self._jwks.write_text(json.dumps({"keys": [issuer.jwk("ES256")]}))
        self.service = Service(folder / "run", self.environment())
        self.settings = Settings(kafka_bootstrap=self.kafka.bootstrap)

    def start(self) -> None:
        self.crashpoints.mkdir(parents=True)
        self.stripe.start()
        self.smtp.start()
        self.service.start()

    def stop(self) -> None:
        self.service.stop()
        self.stripe.stop()
        self.smtp.stop()
        self._ports.close()

    @property
    def merchants(self) -> list[dict[str, str]]:
        """`id` and `api_key` of the two."""
        merchants: list[dict[str, str]] = self.service.endpoints["merchants"]
        return merchants

    def logs(self) -> list[Path]:
        """Of the service's processes and the simulator."""
        return [*self.service.folder.logs.glob("*.log*"), self.stripe.log]

    def secrets(self) -> dict[str, str]:
        """By name: what must come out nowhere."""
        made_up = self.service.folder.read(self.service.folder.secrets)
        return {
            **made_up,
            "stripe_key": STRIPE_KEY,
            "webhook_secret": WEBHOOK_SECRET,
            "own_stripe_key": OWN_KEY,
            "own_webhook_secret": OWN_WEBHOOK_SECRET,
            "rolled_secret": ROLLED_SECRET,
        }

    def environment(self) -> dict[str, str]:
        return {
            "MILLRACE_KAFKA_BOOTSTRAP": self.kafka.bootstrap,
            "MILLRACE_POSTGRES_DSN": self.postgres.dsn,
            "MILLRACE_REDIS_URL": self.redis.url,
            "MILLRACE_STRIPE_API_BASE": self.stripe.url,
            "MILLRACE_STRIPE_API_KEY": STRIPE_KEY,
            "MILLRACE_STRIPE_WEBHOOK_SECRETS": f"{WEBHOOK_SECRET},{ROLLED_SECRET}",
            "MILLRACE_STRIPE_MULTICAPTURE": "true",
            "MILLRACE_STRIPE_ACCOUNTS_FILE": str(self._accounts),
            "MILLRACE_JWT_ISSUER": issuer.URL,
            "MILLRACE_JWT_AUDIENCE": issuer.AUDIENCE,
            "MILLRACE_JWT_JWKS": str(self._jwks),
            "OWN_STRIPE_KEY": OWN_KEY,
            "OWN_STRIPE_WEBHOOK_SECRET": OWN_WEBHOOK_SECRET,
            "MILLRACE_SMTP_URL": f"smtp://{HOST}:{self.smtp.port}",
            "MILLRACE_MAIL_FROM": "Millrace <millrace@shop.example>",
            "MILLRACE_RECEIPTS": "true",
            "MILLRACE_ALERTS_TO": OPERATOR_ADDRESS,
            "MILLRACE_WEBHOOK_KEYS": WEBHOOK_KEY,
            "MILLRACE_WEBHOOK_ALLOW": HOST,
            "MILLRACE_CRASHPOINTS_DIR": str(self.crashpoints),
            "MILLRACE_PSP_SLOT_S": PSP_SLOT_S,
            "MILLRACE_CORS_ORIGINS": SHOP,
            "MILLRACE_CATCH_UP_S": "86400",  # once, at start: what a test keeps from the service stays from it
            **{f"MILLRACE_{role}": str(count) for role, count in ROLES.items()},
            **self._told,
        }
