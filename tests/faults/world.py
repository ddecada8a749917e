"""Everything that a fault can touch, and those who live there: the system, its servers, customers, a merchant's own server."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import aiohttp

from tests.faults.brokers import Brokers
from tests.faults.grounds import Grounds
from tests.faults.recovery import settles_everywhere
from tests.streams.adapters.receiver import Receiver, receiving
from tests.system.history import History
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.kafka_client import KafkaClient
from tests.system.load import Load
from tests.system.operator import told
from tests.system.simulator import SimulatorControl
from tests.system.stack import System, no_settings_around
from tests.system.waiting import until

SIZE = {"MILLRACE_WRITERS": "3", "MILLRACE_GATEWAYS": "2", "MILLRACE_PROJECTIONS": "2", "MILLRACE_WEBS": "2"}
REPLICATED = {"MILLRACE_REPLICATION_FACTOR": "3", "MILLRACE_MIN_INSYNC_REPLICAS": "2"}
AS_IN_SERVICE = {"MILLRACE_PSP_SLOT_S": "8"}
"""In the shorter slot of the system's tests no call is ever sent twice: what only a second send can break would hold."""
PAYMENTS_PER_S = 5.0
WAIT_S = 20  # of a POST: its answer says when it was settled
BACK_WITHIN_S = 60.0
HOOK, STRANGERS_HOOK = "/hook", "/hook/strangers"


@dataclass
class World:
    """`random`: of the run at hand. What happens follows from its seed, and from the machine."""

    grounds: Grounds
    system: System
    history: History
    inquest: Inquest
    stripe: SimulatorControl
    http: HttpClient
    stranger: HttpClient
    kafka: KafkaClient
    receiver: Receiver
    hooks: dict[str, str]
    """Merchants by the path of their server at the receiver."""
    random: Random = field(default_factory=Random)
    recoveries: list["asyncio.Task[float]"] = field(default_factory=list)
    notes: dict[str, object] = field(default_factory=dict)

    @property
    def brokers(self) -> Brokers:
        return self.grounds.kafka()

    def load(self) -> Load:
        seed = self.random.randrange(1 << 32)
        return Load(self.http, self.kafka, seed, PAYMENTS_PER_S, WAIT_S, self.stranger)

    def names(self, *roles: str) -> list[str]:
        """Of the supervisor's processes of these roles; of all of them, where none is named."""
        found = sorted(self.system.service.parts())
        return [name for name in found if not roles or name.rpartition("-")[0] in roles]

    def pids(self) -> list[tuple[str, int]]:
        return [(name, part["pid"]) for name, part in self.system.service.parts().items() if part["pid"]]

    def kill(self, name: str) -> None:
        """SIGKILL, and nobody is told."""
        self.system.service.signal(name, signal.SIGKILL)
        self.strike()

    def strike(self) -> None:
        """From now on new commands are expected to settle again: after a kill, or when an outage has ended."""
        partitions = self.system.settings.partitions
        self.recoveries.append(asyncio.create_task(settles_everywhere(self.http, partitions)))

    async def pause(self, least_s: float, most_s: float) -> None:
        await asyncio.sleep(self.random.uniform(least_s, most_s))

    async def whole(self) -> None:
        await until(self.system.service.is_whole, BACK_WITHIN_S, "all processes are ready")


@asynccontextmanager
async def world(folder: Path, settings: Mapping[str, str]) -> AsyncIterator[World]:
    """A new system, all of it; `settings`: beside what its processes are told anyhow."""
    grounds = Grounds(folder / "servers")
    with no_settings_around():
        try:
            await asyncio.to_thread(grounds.start)
            system = System(folder, grounds, {**SIZE, **REPLICATED, **AS_IN_SERVICE, **settings})
            try:
                await asyncio.to_thread(system.start)
                async with _people(grounds, system) as made:
                    yield made
            finally:
                await asyncio.to_thread(system.stop)
        finally:
            await asyncio.to_thread(grounds.close)


@asynccontextmanager
async def _people(grounds: Grounds, system: System) -> AsyncIterator[World]:
    history = History(system.folder / "history.jsonl", complete=True)
    async with AsyncExitStack() as stack:
        stack.callback(history.close)
        session = await stack.enter_async_context(aiohttp.ClientSession(system.stripe.url))
        stripe = SimulatorControl(session)
        await stripe.tell(f"{system.service.endpoints['http']}/webhooks/stripe")
        mine, other = [
            await stack.enter_async_context(HttpClient(system.service.doors, merchant, history))
            for merchant in system.merchants[:2]
        ]
        merchant = system.merchants[0]["id"]
        kafka = await stack.enter_async_context(KafkaClient(system.kafka.bootstrap, merchant, history))
        receiver = await stack.enter_async_context(receiving())
        hooks = {HOOK: merchant, STRANGERS_HOOK: other.merchant["id"]}
        for path, owner in hooks.items():
            (made,) = await told(system, "webhooks", "create", owner, f"{receiver.url}{path}")
            receiver.secrets[path] = made["secret"]
        inquest = Inquest(system, history)
        yield World(grounds, system, history, inquest, stripe, mine, other, kafka, receiver, hooks)
