"""Topics and processes of one scenario: made for it alone, waited for by what is seen, never by the clock."""

import asyncio
import json
import os
import signal
import time
import uuid
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from sandbox.kafka import create_topics
from streams.delivery import CHANGELOG_CONFIG, DEAD_LETTERS_CONFIG, POSITION, changelog_topic
from tests.faults.delivery.kafka_log import Record, committed_of
from tests.faults.planted import WENT_ON
from tests.streams.delivery.nursery import Nursery
from tests.system.topics import Topics

WAIT_S = 30.0  # for what must come; far above what it takes, and a test that waits for it in vain has failed
HURRY = 0.5
"""Of that wait, where a safeguard is switched off: a story may then fail by waiting in vain."""
SESSION_S = 6.0  # the shortest that a broker allows
LOOK_S = 0.1
LIVES_ON_S = 2.0  # what should have ended and did not: it will not any more


patience: ContextVar[float] = ContextVar("patience", default=1.0)


class NotSeen(AssertionError):
    """What must come did not."""


async def until(
    condition: Callable[[], bool] | Callable[[], Awaitable[bool]], what: str, within_s: float | None = None
) -> None:
    within_s = within_s or WAIT_S * patience.get()
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = condition()
        if found if isinstance(found, bool) else await found:
            return
        await asyncio.sleep(LOOK_S)
    raise NotSeen(f"not within {within_s:g} s: {what}")


@dataclass
class Subject:
    pid: int
    log: Path

    def said(self, what: str) -> list[dict[str, Any]]:
        lines = self.log.read_text(errors="replace").splitlines()
        found = [json.loads(line) for line in lines if line.startswith('{"said"') and line.endswith("}")]
        return [line for line in found if line["said"] == what]

    @property
    def status(self) -> dict[str, Any]:
        """The last one it reported."""
        return (self.said("status") or [{"ready": False, "owned": [], "index": {}, "lag": None}])[-1]

    @property
    def code(self) -> int | None:
        """As of a child of ours: a signal's is negative; None while it lives."""
        written = self.log.with_suffix(".code")
        return int(written.read_text()) if written.exists() else None

    def signal(self, number: int) -> None:
        if self.code is None:
            os.kill(self.pid, number)

    async def owns(self, *partitions: int, within_s: float | None = None) -> None:
        await until(lambda: self.status["owned"] == list(partitions), f"it owns {partitions}", within_s)

    @property
    def went_on(self) -> bool:
        """Whether it passed a point where it has to end: it says so, with that safeguard switched off."""
        return WENT_ON in self.log.read_text(errors="replace")

    async def exits(self, within_s: float = 20.0) -> int:
        await until(lambda: self.code is not None or self.went_on, "it ends", within_s)
        await until(lambda: self.code is not None, "it ends all the same", LIVES_ON_S)
        assert self.code is not None
        return self.code


@dataclass
class World:
    bootstrap: str
    folder: Path
    nursery: Nursery
    bug: str = ""
    partitions: int = 1
    name: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:8]}")
    subjects: list[Subject] = field(default_factory=list)
    _readers: dict[str, tuple[Topics, list[Record]]] = field(default_factory=dict)

    def topic(self, what: str) -> str:
        return f"{self.name}-{what}"

    @property
    def changelog(self) -> str:
        return changelog_topic(self.name, "state")

    async def create(self, partitions: int = 1) -> "World":
        self.partitions = partitions
        plain: dict[str, dict[str, str]] = {self.topic(what): {} for what in ("source", "output", "replies")}
        kept = {self.topic("dead"): DEAD_LETTERS_CONFIG, self.changelog: CHANGELOG_CONFIG}
        await create_topics(self.bootstrap, plain | kept, partitions)
        return self

    def start(self, role: str, **settings: object) -> Subject:
        """A process of the group; all of one scenario belong to one group."""
        named: dict[str, Any] = {
            "group": self.name, "role": role, "bootstrap": self.bootstrap, "partitions": self.partitions, "bug": self.bug,
            "session_timeout_s": SESSION_S, **{what: self.topic(what) for what in ("source", "output", "dead")}, **settings,
        }  # fmt: skip
        log = self.folder / f"{self.name}-{role}{len(self.subjects)}.log"
        self.subjects.append(Subject(self.nursery.bear(named, log), log))
        return self.subjects[-1]

    async def leave_rows(self, count: int) -> None:
        """What writers before have left in the changelog, in each partition."""
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap) as before:
            for number in range(count):
                for partition in range(self.partitions):
                    await before.send(self.changelog, b"1", b"%d" % number, partition)

    async def feed(self, *values: object, key: bytes = b"k", partition: int = 0, **settings: Any) -> None:
        """To the source: bytes as they are, a word as `{"do": word}`, a mapping as JSON."""
        async with AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, max_request_size=8 << 20, **settings
        ) as producer:
            for value in values:
                raw = (
                    value
                    if isinstance(value, bytes)
                    else json.dumps({"do": value} if isinstance(value, str) else value).encode()
                )
                await producer.send(self.topic("source"), raw, key=key, partition=partition)

    async def read(self, what: str) -> list[Record]:
        """Every committed record so far, by partition and offset."""
        topic = self.changelog if what == "changelog" else self.topic(what)
        reader, found = self._readers.setdefault(
            topic, (Topics(self.bootstrap, [topic], self.partitions), [])
        )
        found += await reader.read_on()
        return sorted(found, key=lambda record: (record.partition, record.offset))

    async def positions(self) -> dict[int, int]:
        """The writers' places in the source, as they are in the changelog."""
        records = await self.read("changelog")
        return {record.partition: int(record.value) for record in records if record.key == POSITION}

    async def output(self) -> list[int]:
        """The counts (a writer's) or offsets (a gateway's) that readers of committed records see."""
        return [int(record.value) for record in await self.read("output")]

    async def committed(self) -> dict[int, int]:
        return await committed_of(self.bootstrap, self.name, self.topic("source"))

    async def until_output(self, count: int, within_s: float | None = None) -> list[int]:
        async def there() -> bool:
            return len(await self.output()) >= count

        await until(there, f"{count} records of output", within_s)
        return await self.output()

    async def close(self) -> None:
        for subject in self.subjects:
            subject.signal(signal.SIGKILL)
            await subject.exits()
