"""Safeguards, each taken away on demand: what the simulation must notice, or it proves nothing. By name, what takes it away."""

import random
from itertools import count
from typing import Any

from agents.writer.__main__ import TakingIn
from models import evidence
from streams.adapters import stripe_line, stripe_provider, stripe_requests
from streams.delivery import transactions
from streams.wire import rows
from tests.fakes import FakePayments
from tests.faults import planted
from tests.faults.planted import delivery
from tests.models import planted as rules
from tests.models.planted import Bug, Patch
from tests.simulation import membership, stand_ins
from tests.simulation.composition import Policies
from tests.simulation.outside import Redis

PLANTS: dict[str, Bug] = {}


def bug(plant: Bug) -> Bug:
    PLANTS[plant.__name__] = plant
    return plant


for rule in (
    rules.forgets_commands,
    rules.outlives_its_keys,
    rules.takes_an_unknown_payment_for_declined,
    rules.leaves_the_declined_open,
    rules.promises_reserved_money,
    rules.lets_commands_wait_for_ever,
):
    bug(rule)


def _of_the_delivery(name: str) -> Bug:
    def plant(patch: Patch) -> None:
        patch.setattr(delivery, "replace", patch.setattr)
        planted.plant(name)

    plant.__name__ = name
    return plant


for name in ("position_outside", "acks_out_of_order"):
    bug(_of_the_delivery(name))


@bug
def no_fencing(patch: Patch) -> None:
    """Another transactional id for every life of a writer: nobody's epoch is ever raised."""
    made, lives = stand_ins.TransactionalProducer, count()

    def producer(transactional_id: str, *more: Any) -> Any:
        return made(f"{transactional_id}-{next(lives)}", *more)

    patch.setattr(transactions, "TransactionalProducer", producer)


@bug
def draws_keys_at_random(patch: Patch) -> None:
    """Each send has a key of its own."""
    usual = stripe_line.Turn.post

    async def post(self: Any, path: str, parameters: Any, key: str, *more: Any) -> Any:
        return await usual(self, path, parameters, f"{key}:{random.random()}", *more)

    patch.setattr(stripe_line.Turn, "post", post)


@bug
def thaws_parameters(patch: Patch) -> None:
    """A send carries something of the moment."""
    usual = stripe_requests.request_of

    def request_of(*given: Any) -> Any:
        made = usual(*given)
        made.parameters["description"] = f"attempt {random.random()}"
        return made

    patch.setattr(stripe_provider, "request_of", request_of)


@bug
def stores_whatever_comes(patch: Patch) -> None:
    """No guard by sequence: the last one written is what is kept."""

    async def apply(self: Any, changes: Any) -> None:
        for change in changes:
            self._events[change.event.payment_id, change.event.sequence] = change.event
            if change.payment is not None:
                self._views[change.payment["id"]] = change.payment

    patch.setattr(FakePayments, "apply", apply)


@bug
def reads_what_is_not_committed(patch: Patch) -> None:
    """Neither whoever follows what a writer sends, nor the writer who reads back its table."""
    patch.setattr(membership, "READ_COMMITTED", False)
    patch.setattr(stand_ins.Reader, "reads_committed", False)


@bug
def forgets_whose_policy_it_is(patch: Patch) -> None:
    """A payment of which something was refused before it was there is decided by nobody's policy."""
    applied, policy_of = TakingIn._applied, Policies(None).of

    def nobodys(self: Any, kept: bytes | None, command: Any, *more: Any) -> Any:
        owner = rows.read(kept).transaction.merchant or "" if kept else command.origin.merchant
        patch.setattr(self, "_policy_of", lambda merchant: policy_of(owner))
        return applied(self, kept, command, *more)

    patch.setattr(TakingIn, "_applied", nobodys)


@bug
def hears_notices_again(patch: Patch) -> None:
    """A webhook that comes twice, or late, is news each time: to the door, and to the rules."""
    patch.setattr(evidence, "_is_news", lambda *_: True)
    patch.setattr(Redis, "knows", lambda *_: False)
