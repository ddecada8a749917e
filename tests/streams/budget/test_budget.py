"""One account's budget: who goes first, who is turned away, and that one account never takes another's place."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack

import pytest

from models.errors import Unavailable
from streams.budget import Budget
from streams.budget.room import Urgency
from streams.budget.shares import Shares
from streams.budget.tokens import UNKNOWN, Given, OwnTokens, Rates, Tokens, Wanted

CREATE, CAPTURE, READ = (
    "POST /payment_intents",
    "POST /payment_intents/:id/capture",
    "GET /payment_intents/:id",
)
SLOT_S = 4.0
SOON_S = 0.05


class Counter:
    """Fulfils SharedTokens from a counter that the test fills. The contract is `test_tokens.py`'s."""

    def __init__(self) -> None:
        self.left = 0
        self.away = False
        self.asked: list[str] = []

    async def take(self, account: str, rates: Rates, wanted: Sequence[Wanted]) -> list[Given]:
        if self.away:
            raise Unavailable("away")
        given = []
        for endpoint, sends in wanted:
            self.asked.append(endpoint)
            taken = min(sends, self.left)
            self.left -= taken
            given.append(Given(taken, 0.01))
        return given


def limited(counter: Counter, shares: Shares | None = None, gateways: int = 1) -> Budget:
    rates = Rates(None, 25.0)
    return Budget("shop", rates, Tokens("shop", rates, counter, gateways), shares or Shares(256, 1))


async def admitted(budget: Budget, endpoint: str, urgency: Urgency, since: float = 0.0) -> bool:
    until = asyncio.get_running_loop().time() + SLOT_S
    return await budget.admit(endpoint, urgency, since, until)


def waiting(
    budget: Budget, order: list[str], name: str, endpoint: str, urgency: Urgency, since: float = 0.0
) -> "asyncio.Task[bool]":
    async def wait() -> bool:
        went = await admitted(budget, endpoint, urgency, since)
        order.append(name if went else f"not {name}")
        return went

    return asyncio.create_task(wait())


async def settled(counter: Counter, tokens: int, tasks: Sequence["asyncio.Task[bool]"], done: int) -> None:
    counter.left = tokens
    async with asyncio.timeout(SLOT_S):
        while sum(task.done() for task in tasks) < done:  # noqa: ASYNC110 - of several, whichever
            await asyncio.sleep(0.005)


async def test_money_that_is_held_or_owed_goes_before_new_payments_and_looks_go_last() -> None:
    counter, order = Counter(), list[str]()
    budget = limited(counter)
    tasks = [
        waiting(budget, order, "look", READ, Urgency.READ, since=1.0),
        waiting(budget, order, "create", CREATE, Urgency.CREATE, since=2.0),
        waiting(budget, order, "capture", CAPTURE, Urgency.MOVE, since=3.0),
    ]
    for done in (1, 2, 3):
        await asyncio.sleep(SOON_S)
        await settled(counter, 1, tasks, done)
    assert order == ["capture", "create", "look"]
    budget.close()


async def test_of_one_kind_the_oldest_goes_first() -> None:
    counter, order = Counter(), list[str]()
    budget = limited(counter)
    tasks = [waiting(budget, order, f"{n}", CREATE, Urgency.CREATE, since=n) for n in (3.0, 1.0, 2.0)]
    for done in (1, 2, 3):
        await asyncio.sleep(SOON_S)
        await settled(counter, 1, tasks, done)
    assert order == ["1.0", "2.0", "3.0"]
    budget.close()


async def test_more_than_can_be_served_soon_are_turned_away_at_once_the_youngest_of_them() -> None:
    counter, order = Counter(), list[str]()
    budget = limited(counter)
    tasks = [waiting(budget, order, f"{n}", CREATE, Urgency.CREATE, since=n) for n in range(40)]
    await asyncio.sleep(SOON_S)
    turned_away = [name for name in order if name.startswith("not")]
    assert turned_away == [f"not {n}" for n in range(25, 40)]
    old = waiting(budget, order, "old", CREATE, Urgency.CREATE, since=-1.0)
    await asyncio.sleep(SOON_S)
    assert order[-1] == "not 24"
    await settled(counter, 100, [*tasks, old], 41)
    budget.close()


async def test_who_has_waited_the_slot_out_was_not_admitted() -> None:
    budget = limited(Counter())
    until = asyncio.get_running_loop().time() + SOON_S
    assert not await budget.admit(CREATE, Urgency.CREATE, 0.0, until)
    assert budget.waiting == 0
    budget.close()


async def test_while_the_shared_tokens_are_away_each_gateway_takes_its_own_share() -> None:
    counter = Counter()
    counter.away = True
    budget = limited(counter, gateways=5)  # 5 of 25 per second
    loop = asyncio.get_running_loop()
    begun, went = loop.time(), 0
    while (passed_s := loop.time() - begun) < 1.5:
        went += await budget.admit(CREATE, Urgency.CREATE, 0.0, begun + 1.5)
    assert 5 * passed_s * 0.6 <= went <= 5 * passed_s + 2
    budget.close()


async def test_tokens_of_ones_own_are_of_both_limits() -> None:
    own, now = OwnTokens(Rates(10.0, 8.0)), 100.0
    wanted = [Wanted(CAPTURE, 5), Wanted(CREATE, 5)]
    assert [each.sends for each in own.take(now, wanted)] == [0, 0]
    assert [each.sends for each in own.take(now + 60, wanted)] == [2, 0]


async def test_an_account_whose_limits_nobody_knows_waits_for_nothing_until_it_is_refused() -> None:
    budget = Budget("shop", UNKNOWN, None, Shares(256, 1))
    begun = asyncio.get_running_loop().time()
    assert all([await admitted(budget, CREATE, Urgency.CREATE) for _ in range(500)])
    assert asyncio.get_running_loop().time() - begun < 5
    for _ in range(480):
        budget.refused(CREATE, in_all=False, sent_at=begun)
    assert not await budget.admit(CREATE, Urgency.CREATE, 0.0, asyncio.get_running_loop().time() + 0.001)
    assert await admitted(budget, CAPTURE, Urgency.MOVE), "another endpoint has a limit of its own"
    budget.close()


async def test_a_refusal_in_all_is_every_endpoints() -> None:
    budget = Budget("shop", UNKNOWN, None, Shares(256, 1))
    sent_at = asyncio.get_running_loop().time()
    assert await admitted(budget, CREATE, Urgency.CREATE)
    budget.refused(CREATE, in_all=True, sent_at=sent_at)
    assert not await budget.admit(CAPTURE, Urgency.MOVE, 0.0, asyncio.get_running_loop().time() + 0.001)
    budget.close()


@pytest.mark.parametrize("accounts", [2, 3, 8])
def test_accounts_that_hold_all_they_may_leave_room_for_the_next(accounts: int) -> None:
    shares = Shares(256, 20)
    with ExitStack() as held:
        for name in [f"acct_{n}" for n in range(accounts - 1)]:
            while shares.has_room(name):
                held.enter_context(shares.one(name))
        in_all = shares.held
        assert shares.has_room("acct_new")
    assert in_all <= 256 and shares.held == 0


def test_the_only_account_may_have_it_all() -> None:
    shares = Shares(10, 1)
    with ExitStack() as held:
        for _ in range(10):
            assert shares.has_room("acct")
            held.enter_context(shares.one("acct"))
        assert not shares.has_room("acct")


async def test_when_an_account_holds_all_it_may_a_capture_takes_the_place_of_a_create_that_waits() -> None:
    counter, order = Counter(), list[str]()
    shares = Shares(3, 1)
    budget = limited(counter, shares)
    async with asyncio.TaskGroup() as group:

        async def call(name: str, urgency: Urgency, endpoint: str, since: float) -> None:
            with budget.enter(urgency, since) as seat:
                if seat is None:
                    order.append(f"no room for {name}")
                    return
                went = await seat.admit(endpoint, urgency, asyncio.get_running_loop().time() + SLOT_S)
                order.append(name if went else f"not {name}")

        for n in range(3):
            group.create_task(call(f"create {n}", Urgency.CREATE, CREATE, float(n)))
        await asyncio.sleep(SOON_S)
        group.create_task(call("late", Urgency.CREATE, CREATE, 9.0))
        group.create_task(call("capture", Urgency.MOVE, CAPTURE, 9.0))
        await asyncio.sleep(SOON_S)
        assert order == ["no room for late", "not create 2"]
        counter.left = 10
    assert order[2:] == ["capture", "create 0", "create 1"]
    budget.close()
