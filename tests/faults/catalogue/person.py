"""A person at the operator's desk, who settles what no machine can know. Tries again while something is away."""

from collections.abc import Mapping
from functools import partial

from tests.faults.world import BACK_WITHIN_S, World
from tests.system.operator import millrace
from tests.system.waiting import until

NOTHING_OF_IT = ("--as", "declined", "--evidence", "nothing of it at Stripe", "--operator", "a person")


async def comes_to(world: World, payment_id: str, *statuses: str) -> str:
    """Waits until the payment shows one of them: which."""
    return await until(
        partial(_shows, world, payment_id, statuses),
        BACK_WITHIN_S,
        f"I14 {payment_id} is {' or '.join(statuses)}",
    )


async def says_that_it_never_was(world: World, payment_id: str, clock: Mapping[str, str]) -> None:
    """It is believed when it can no longer be made, by that `clock`."""
    await until(partial(_said, world, payment_id, clock), BACK_WITHIN_S, f"I14 a person settles {payment_id}")


async def _shows(world: World, payment_id: str, statuses: tuple[str, ...]) -> str:
    """Which of them; empty, where none."""
    shown = await world.http.status_of(payment_id)
    return shown if shown in statuses else ""


async def _said(world: World, payment_id: str, clock: Mapping[str, str]) -> bool:
    ran = await millrace(world.system, "payments", "resolve", payment_id, *NOTHING_OF_IT, **clock)
    return ran.code == 0 or bool(await _shows(world, payment_id, ("declined",)))
