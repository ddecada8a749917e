"""A story for each safeguard of the follower; with the safeguard switched off the story ends in an AssertionError."""

import contextlib

from tests.streams.delivery.world import NotSeen, World, until

COMMITTED_WITHIN_S = 4.0  # offsets are, every second


async def a_commit_never_passes_what_is_not_stored(world: World) -> None:
    follower = (await world.create()).start("follower")
    await world.feed("wait")
    await until(lambda: follower.said("began") != [], "it stores the first record")

    async def committed() -> bool:
        return (await world.committed()).get(0, 0) > 0

    with contextlib.suppress(NotSeen):
        await until(committed, "a commit", COMMITTED_WITHIN_S)
    assert not await committed(), "killed here, the record would be in no store"
