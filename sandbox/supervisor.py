"""Starts parts and steps in the order of what they need, stops them in reverse. Knows no Kafka and no
payment.

All that can start together does; a start waits for answers, never for time.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sandbox.keeper import Keeper, StartFailed
from sandbox.parts import Part, Standing, State, Step

STILL_STARTING_EVERY_S = 5.0  # a person who waits hears what for
THREADS_PER_PART = 2  # one waits for its end, one prepares, asks or stops


def _ignore() -> None:
    """For those who need not know."""


class Supervisor:
    """Runs parts and steps. `announce` gets lines for a person, `changed` a call whenever a standing changed."""

    def __init__(
        self,
        parts: Iterable[Part],
        steps: Iterable[Step] = (),
        announce: Callable[[str], None] = print,
        changed: Callable[[], None] = _ignore,
    ) -> None:
        self.stopping = asyncio.Event()
        self.announce = announce
        self._tell_changed = changed
        self._keepers = {part.name: Keeper(part, self) for part in parts}
        self._steps = {step.name: step for step in steps}
        self._step_standings = {name: Standing(name, "step", 0) for name in self._steps}
        self._steps_done = {name: asyncio.Event() for name in self._steps}
        self._tasks: list[asyncio.Task[None]] = []
        self._began = time.monotonic()
        threads = THREADS_PER_PART * len(self._keepers) + len(self._steps) + 1
        self.threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="part")

    @property
    def standings(self) -> list[Standing]:
        """How each part stands, in the order in which they were given."""
        return [keeper.standing for keeper in self._keepers.values()]

    async def start(self) -> None:
        """Start everything; returns once all is ready. Raises StartFailed as soon as one part cannot be
        started.
        """
        self._began = time.monotonic()
        self._tasks = [asyncio.create_task(keeper.run()) for keeper in self._keepers.values()]
        self._tasks += [asyncio.create_task(self._do(step)) for step in self._steps.values()]
        ready = asyncio.ensure_future(self.wait_for(frozenset(self._keepers) | frozenset(self._steps)))
        stopping = asyncio.ensure_future(self.stopping.wait())
        watched = {ready, stopping, *self._tasks}
        while not ready.done() and not stopping.done():
            done, watched = await asyncio.wait(
                watched, timeout=STILL_STARTING_EVERY_S, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                task.result()  # raises what a part or step raised
            if not done:
                self.announce(f"  … still starting: {', '.join(self._unsettled())}")
        ready.cancel()
        stopping.cancel()

    async def watch(self) -> None:
        """Until told to stop. Raises what ended the care for a part, which would otherwise go unnoticed."""
        stopping = asyncio.ensure_future(self.stopping.wait())
        watched: set[asyncio.Future[Any]] = {stopping, *self._tasks}
        while not stopping.done():
            done, watched = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()

    async def stop(self) -> None:
        """Stop everything, each part after those that need it. Returns once all processes are gone."""
        self.stopping.set()
        await asyncio.gather(*(self._stop_after_its_users(keeper) for keeper in self._keepers.values()))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.threads.shutdown(wait=False, cancel_futures=True)

    async def wait_for(self, names: frozenset[str]) -> None:
        """Until each of these is ready, done or given up. Names of parts that are not run here count as
        ready.
        """
        for name in names:
            if name in self._steps_done:
                await self._steps_done[name].wait()
            elif name in self._keepers:
                await self._keepers[name].settled.wait()

    def changed(self, standing: Standing) -> None:
        """Tell the person of what became ready, and whoever keeps the record of all else."""
        if standing.state is State.READY and standing.pid is not None:
            took_s = time.monotonic() - self._began
            again = f" (restart {standing.restarts})" if standing.restarts else f" after {took_s:.1f} s"
            self.announce(f"  ✓ {standing.name:<16}{standing.address:<28}{again}")
        try:
            self._tell_changed()
        except OSError as error:  # a full disk must not keep parts from being restarted or stopped
            self.announce(f"the record of what runs could not be written: {error}")

    async def _do(self, step: Step) -> None:
        await self.wait_for(step.after)
        standing = self._step_standings[step.name]
        standing.become(State.STARTING)
        try:
            await asyncio.get_running_loop().run_in_executor(self.threads, step.run)
        except Exception as error:
            raise StartFailed(f"{step.name} failed: {error}") from error
        standing.become(State.READY)
        self._steps_done[step.name].set()
        self.announce(f"  ✓ {step.name:<16}{'':<28} after {time.monotonic() - self._began:.1f} s")

    async def _stop_after_its_users(self, keeper: Keeper) -> None:
        for other in self._keepers.values():
            if keeper.part.name in other.part.after:
                await other.gone.wait()
        await keeper.stop()

    def _unsettled(self) -> list[str]:
        steps = [
            standing for name, standing in self._step_standings.items() if not self._steps_done[name].is_set()
        ]
        parts = [keeper.standing for keeper in self._keepers.values() if not keeper.settled.is_set()]
        return [standing.name for standing in parts + steps if standing.state is not State.WAITING]
