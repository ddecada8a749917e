"""What a process does with its partitions: the three roles (writer, gateway, follower) behind one face.

Faust and the transport know only this face.
"""

from collections.abc import AsyncIterable, Mapping
from typing import Any, Protocol

from streams.delivery.records import Partition

Events = AsyncIterable[Any]  # Faust events, each with a `Batch` as its value


class Role(Protocol):
    topic: str
    gather_s: float
    """After a poll that brought something, how long until the next: what comes meanwhile comes together."""

    async def consume(self, events: Events) -> None:
        """Take each event's batch, if it is still ours; never raise (what escapes ends the process)."""

    async def own(self, partitions: set[Partition]) -> None:
        """These are ours from now on, and only these; nobody else's writes to them may succeed after this."""

    async def drain(self, drain_s: float) -> None:
        """Nothing more comes in. Finish or give back what runs, within the time; a writer that cannot, dies."""

    async def release(self) -> None:
        """The process stops; everything has been drained."""

    def places(self) -> Mapping[Partition, int | None]:
        """Where each partition goes on, for the roles that know better than the group. None: at its beginning."""
