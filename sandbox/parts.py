"""The words of the supervisor: a part is a process that is kept running, a step is work done once while
starting.

What lives here: data only. How they are started, watched and stopped is `sandbox.supervisor`; which ones
Millrace has is `sandbox.stack`.
"""

import enum
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.processes import Program


def nothing() -> None:
    """For parts that need no preparation."""


@dataclass(frozen=True)
class Part:
    """A process to keep running."""

    role: str
    program: Callable[[], Program]  # asked for after `prepare`
    is_ready: Callable[[], bool]  # asked many times, in a thread; returns within about a second
    index: int = 0
    prepare: Callable[[], None] = nothing  # in a thread; raises to say that the part cannot start
    after: frozenset[str] = frozenset()  # names of parts and steps that must be ready or done first
    address: str = ""  # for people
    ready_within_s: float = 60.0
    numbered: bool = False  # one of several of its role

    @property
    def name(self) -> str:
        return f"{self.role}-{self.index}" if self.numbered else self.role


@dataclass(frozen=True)
class Step:
    """Work done once at start, in a thread. Raises to say that it failed."""

    name: str
    run: Callable[[], None]
    after: frozenset[str] = frozenset()


class State(enum.StrEnum):
    """Where a part or step stands."""

    WAITING = "waiting"  # for what it needs
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    GAVE_UP = "gave up"  # a crash loop: it is not started again
    STOPPED = "stopped"


@dataclass
class Standing:
    """What is known of a part or step now."""

    name: str
    role: str
    index: int
    address: str = ""
    state: State = State.WAITING
    pid: int | None = None
    restarts: int = 0
    since: float = field(default_factory=time.time)  # Unix time of the last change of state
    message: str = ""  # the last thing that went wrong

    def become(self, state: State) -> None:
        self.state = state
        self.since = time.time()
