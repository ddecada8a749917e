"""Everything that a fault can touch, and those who live there: the system, its servers, customers, a merchant's own server."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import aiohttp

from tests.faults.brokers import Brokers
from tests.faults.draws import Draws
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
from tests.system.waiting import POLL_S, until

SIZE = {"MILLRACE_WRITERS": "3", "MILLRACE_GATEWAYS": "2", "MILLRACE_PROJECTIONS": "2", "MILLRACE_WEBS": "2"}
REPLICATED = {"MILLRACE_REPLICATION_FACTOR": "3", "MILLRACE_MIN_INSYNC_REPLICAS": "2"}
AS_IN_SERVICE = {"MILLRACE_PSP_SLOT_S": "8"}
"""In the shorter slot of the system's tests no call is ever sent twice: what only a second send can break would hold."""
PAYMENTS_PER_S = 5.0
WAIT_S = 20  # of a POST: its answer says when it was settled
BACK_WITHIN_S = 60.0
HOOK, STRANGERS_HOOK = "/hook", "/hook/strangers"
T = TypeVar("T")


def role_of(name: str) -> str:
    """Of one of the supervisor's processes: `writer` of `writer-0`."""
    return name.rpartition("-")[0]


@dataclass
class World:
    """What happens in a run follows from its `draws`, and from the machine; `notes` say what it was, and that it was felt."""

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
    draws: Draws = field(default_factory=Draws)
    recoveries: list["asyncio.Task[float]"] = field(default_factory=list)
    notes: dict[str, list[Any]] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)

    def begin(self, fault: str, seed: int) -> None:
        """Of a run: of what was drawn, noted and hit before nothing is left. A system has each run only once."""
        self.draws, self.recoveries, self.notes = Draws(fault, seed), [], {}

    def news(self, found: set[str]) -> list[str]:
        """Of what is found wherever one looks, once it is there: what no run has told before."""
        new = found - self.said
        self.said |= new
        return sorted(new)

    def beside(self, fault: str, seed: int) -> "World":
        """The same world for one of two faults at once: what it draws is its own, the notes are common."""
        return replace(self, draws=Draws(f"{self.draws.name}-{self.draws.seed}-{fault}", seed))

    @property
    def random(self) -> Random:
        return self.draws.random

    def turn(self, options: Sequence[T]) -> T:
        return self.draws.turn(options)

    def key(self, what: str) -> str:
        return self.draws.key(what)

    def note(self, what: str, said: object) -> None:
        """Two faults at once may have the same to say: nothing said is lost."""
        self.notes.setdefault(what, []).append(said)

    @property
    def brokers(self) -> Brokers:
        return self.grounds.kafka()

    def load(self) -> Load:
        seed = self.random.randrange(1 << 32)
        return Load(self.http, self.kafka, seed, PAYMENTS_PER_S, WAIT_S, self.stranger)

    def names(self, *roles: str) -> list[str]:
        """Of the supervisor's processes of these roles; of all of them, where none is named."""
        found = sorted(self.system.service.parts())
        return [name for name in found if not roles or role_of(name) in roles]

    def one_of(self, *roles: str) -> str:
        return self.random.choice(self.names(*roles))

    def pids(self) -> list[tuple[str, int]]:
        return [(name, part["pid"]) for name, part in self.system.service.parts().items() if part["pid"]]

    async def signal(self, name: str, number: signal.Signals) -> int:
        """To the process of that name, as soon as there is one, and nobody is told; its pid."""
        async with asyncio.timeout(BACK_WITHIN_S):
            while True:
                try:
                    pid = await asyncio.to_thread(self.system.service.signal, name, number)
                except ProcessLookupError:  # killed already, and its supervisor does not know yet
                    await asyncio.sleep(POLL_S)
                    continue
                self.note(number.name, name)
                return pid

    async def kill(self, name: str) -> int:
        """Its pid."""
        pid = await self.signal(name, signal.SIGKILL)
        self.strike()
        return pid

    def strike(self) -> None:
        """From now on new commands are expected to settle again: after a kill, or when an outage has ended."""
        partitions, key = self.system.settings.partitions, self.key("probe")
        self.recoveries.append(asyncio.create_task(settles_everywhere(self.http, partitions, key)))

    async def pause(self, least_s: float, most_s: float) -> None:
        await asyncio.sleep(self.random.uniform(least_s, most_s))

    @asynccontextmanager
    async def at_stripe(self, *rules: dict[str, Any]) -> AsyncIterator[list[str]]:
        """So until the end of the block, which is given their ids; how often each has struck is noted."""
        ids = await self.stripe.plan(*rules, seed=f"{self.draws.name}/{self.draws.seed}")
        try:
            yield ids
        finally:
            for rule in await self.stripe.forget(*ids):
                self.note("at stripe", f"{rule['kind']} × {rule['hits']}")

    @asynccontextmanager
    async def holding(self, *servers: str) -> AsyncIterator[None]:
        """These servers for itself: of two faults that take one away and bring it back, one comes after the other."""
        async with AsyncExitStack() as stack:
            for name in sorted(servers):
                await stack.enter_async_context(self.grounds.held[name])
            yield

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
