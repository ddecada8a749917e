"""Laws of the campaign that need more than its evidence: every call that was made, and what Stripe saw of us."""

from collections.abc import Iterator

from models.ids import internal_command_id
from models.transaction import react
from tests.simulation.stripe import Stripe
from tests.system.truths import Replayed


def broken(log: Replayed, stripe: Stripe) -> list[str]:
    return [
        *calls_came_back(log),
        *(f"I15 {use}" for use in stripe.simulator.keys.stale_uses),
        *(f"I1 {key} was sent with other parameters" for key in stripe.other_parameters),
    ]


def calls_came_back(log: Replayed) -> Iterator[str]:
    """A gateway may make a call twice; the writer's timer would mend one that was never made, but none may be."""
    came = {dict(record.headers)["ce_id"].decode() for record in log.commands.values()}
    for story in log.stories.values():
        for event, _ in story:
            call = react(event)
            if call and internal_command_id(call.payment_id, f"outcome\n{event.id}") not in came:
                yield f"I2 {call.key}, asked for by event {event.sequence}, never came back"
