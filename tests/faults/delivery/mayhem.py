"""What is done to the processes and brokers while they work: at random, from a seed."""

import asyncio
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.faults.brokers import Brokers
from tests.faults.delivery.workers import Worker, Workforce

BETWEEN_ACTS_S = (3.0, 6.0)
ASLEEP_PER_SESSION = 1.2  # a sleep longer than the session: somebody else takes over, then the sleeper wakes
MOST_WORKERS = {"writer": 4, "gateway": 3}
BROKER_KILLS_WITHIN = (0.25, 0.8)  # of the run
ACTS = ("kill", "term", "sleep", "join")


@dataclass
class Mayhem:
    workforce: Workforce
    brokers: Brokers
    session_s: float
    random: random.Random
    acts: Counter[str] = field(default_factory=Counter)
    waking: set[asyncio.Task[None]] = field(default_factory=set)

    async def rage(self, seconds: float, broker_kills: int) -> None:
        began_at = time.monotonic()
        kills = sorted(self.random.uniform(*BROKER_KILLS_WITHIN) * seconds for _ in range(broker_kills))
        while (passed_s := time.monotonic() - began_at) < seconds:
            if kills and passed_s > kills[0]:
                kills.pop(0)
                await self._kill_a_broker()
            else:
                self._act(self.random.choice(ACTS), self.random.choice(list(MOST_WORKERS)))
            await asyncio.sleep(self.random.uniform(*BETWEEN_ACTS_S))
        await asyncio.gather(*self.waking)

    async def _kill_a_broker(self) -> None:
        self.acts["broker"] += 1
        node = self.random.choice(self.brokers.nodes)
        await asyncio.to_thread(node.kill)
        await asyncio.sleep(0.3)
        await asyncio.to_thread(node.start)

    def _act(self, act: str, role: str) -> None:
        workers = self.workforce.of(role)
        if act == "join" and len(workers) < MOST_WORKERS[role]:
            self.acts["join"] += 1
            self.workforce.hire(role)
            return
        worker = self.random.choice(workers)
        if worker.can_be_hurt:
            act = "kill" if act == "join" else act
            self.acts[act] += 1
            self._hurt(worker, act)

    def _hurt(self, worker: Worker, act: str) -> None:
        if act == "sleep":
            task = asyncio.create_task(self._sleep(worker))
            self.waking.add(task)
            task.add_done_callback(self.waking.discard)
        else:
            worker.signal(signal.SIGKILL if act == "kill" else signal.SIGTERM)

    async def _sleep(self, worker: Worker) -> None:
        process = worker.process
        worker.asleep = True
        worker.signal(signal.SIGSTOP)
        await asyncio.sleep(self.session_s * ASLEEP_PER_SESSION)
        if worker.process is process:
            worker.signal(signal.SIGCONT)
            worker.asleep = False
