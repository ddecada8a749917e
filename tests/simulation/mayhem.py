"""What goes wrong in a story: drawn from its seed, each fault at its time; and how everything is put right again at the end."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.simulation.processes import Process
from tests.simulation.room import Room

CRASHPOINTS = {
    "writer": ("writer.decided",),
    "gateway": ("gateway.before_psp", "gateway.after_psp"),
    "projection": ("projection.after_store",),
}
VICTIMS = ("writer", "writer", "gateway", "projection", "web")
"""Writers have the most to lose."""
FAULTS_MAX = 8
LASTS_S = 20.0
"""From the first to the last fault."""
STEPS_MAX = 60
"""Of a process from when it got something to do until it is struck; a batch of records takes it some 30."""
STOPPED_MOST_S = 28.0
HOUR_S = 3600.0
JUMPS_S = (HOUR_S, 25 * HOUR_S)
STRIPES_OWN = (
    {"kind": "rate_limit"},
    {"kind": "error_503"},
    {"kind": "lock_timeout"},
    {"kind": "conflict"},
    {"kind": "stored_500", "executed": True},
    {"kind": "stored_500", "executed": False},
    {"kind": "delay_before", "ms": 3000},
)
NOTICES = (
    {"kind": "webhook_duplicate", "n": 3},
    {"kind": "webhook_shuffle", "seconds": 20.0},
    {"kind": "webhook_delay", "seconds": 8.0},
    {"kind": "webhook_twin"},
)


class Mayhem:
    def __init__(self, room: Room) -> None:
        self._room, self._draw = room, room.draw
        self._faults: tuple[Callable[[], Awaitable[None]], ...] = (
            self._kill,
            self._kill,
            self._crash,
            self._crash,
            self._stop,
            self._stop,
            self._broker_away,
            self._postgres_away,
            self._redis_away,
            self._stripe_away,
            self._jump,
        )

    def weather(self) -> None:
        """What is so for all of the story."""
        draw, stripe = self._draw, self._room.stripe
        self._room.broker.answers_lost = draw.choice((0.0, 0.0, 0.15))
        stripe.lost = draw.choice((0.0, 0.2, 0.7))
        for rule in (*STRIPES_OWN, *NOTICES):
            if draw.random() < 0.25:
                stripe.simulator.faults.add(rule | {"probability": draw.choice((0.1, 0.4))})
        self._room.story.note("weather", f"Stripe loses {stripe.lost}, {_kinds(self._room)}")

    async def rage(self) -> None:
        times = sorted(self._draw.uniform(0.0, LASTS_S) for _ in range(self._draw.randint(1, FAULTS_MAX)))
        async with asyncio.TaskGroup() as faults:
            for at in times:
                faults.create_task(self._later(at, self._draw.choice(self._faults)))

    def end(self) -> None:
        room = self._room
        room.story.note("mayhem", "is over")
        for process in room.processes:
            process.spare()
            process.go_on()
        for server in (room.broker, room.postgres, room.redis, room.stripe):
            server.away_until = 0.0
        room.broker.answers_lost = room.stripe.lost = 0.0
        room.stripe.simulator.faults.clear()

    async def _later(self, at: float, fault: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(at)
        await fault()

    async def _kill(self) -> None:
        """At any moment, or in the midst of something."""
        process = self._victim()
        if self._draw.random() < 0.3:
            process.kill()
        else:
            process.after(self._steps(), process.kill)

    async def _crash(self) -> None:
        process = self._draw.choice([each for each in self._room.processes if each.role in CRASHPOINTS])
        process.crash_at = self._draw.choice(CRASHPOINTS[process.role])

    async def _stop(self) -> None:
        """In the midst of something; mostly for so long that others take over, and it comes back as a zombie."""
        process = self._victim()
        lasts_s = self._draw.uniform(0.5, STOPPED_MOST_S)

        def stop() -> None:
            process.stop()
            self._room.loop.later(lasts_s, process.go_on)

        process.after(self._steps(), stop)

    def _victim(self) -> Process:
        role = self._draw.choice(VICTIMS)
        return self._draw.choice([process for process in self._room.processes if process.role == role])

    def _steps(self) -> int:
        """Rather few: the dangerous ones come soon after there is something to do."""
        return int(STEPS_MAX * self._draw.random() ** 2)

    async def _broker_away(self) -> None:
        self._away(self._room.broker, "Kafka", 6.0)

    async def _postgres_away(self) -> None:
        self._away(self._room.postgres, "PostgreSQL", 10.0)

    async def _redis_away(self) -> None:
        self._away(self._room.redis, "Redis", 5.0)
        self._room.redis.forget()

    async def _stripe_away(self) -> None:
        self._away(self._room.stripe, "Stripe", 12.0)

    def _away(self, server: object, name: str, most_s: float) -> None:
        lasts_s = self._draw.uniform(0.2, most_s)
        server.away_until = self._room.loop.time() + lasts_s  # type: ignore[attr-defined]
        self._room.story.note("mayhem", f"{name} is away for {lasts_s:.1f} s")

    async def _jump(self) -> None:
        seconds = self._draw.choice(JUMPS_S)
        self._room.story.note("mayhem", f"{seconds / HOUR_S:.0f} h pass at once")
        self._room.jump(seconds)


def _kinds(room: Room) -> str:
    return ", ".join(f"{rule.kind} {rule.probability}" for rule in room.stripe.simulator.faults.rules)
