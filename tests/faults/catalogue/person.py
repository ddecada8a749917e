"""A person at the operator's desk, who settles what no machine can know. Tries again while something is away."""

from functools import partial

from tests.faults.world import BACK_WITHIN_S, World
from tests.system.operator import millrace
from tests.system.waiting import until

NOTHING_OF_IT = ("--as", "declined", "--evidence", "nothing of it at Stripe", "--operator", "a person")


async def comes_to(world: World, payment_id: str, *statuses: str) -> None:
    """Waits until the payment shows one of them."""
    await until(
        partial(_shows, world, payment_id, statuses),
        BACK_WITHIN_S,
        f"I14 {payment_id} is {' or '.join(statuses)}",
    )


async def says_that_it_never_was(world: World, payment_id: str) -> None:
    await until(partial(_said, world, payment_id), BACK_WITHIN_S, f"I14 a person settles {payment_id}")


async def _shows(world: World, payment_id: str, statuses: tuple[str, ...]) -> bool:
    return await world.http.status_of(payment_id) in statuses


async def _said(world: World, payment_id: str) -> bool:
    ran = await millrace(world.system, "payments", "resolve", payment_id, *NOTHING_OF_IT)
    return ran.code == 0 or await _shows(world, payment_id, ("declined",))
