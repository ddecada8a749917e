"""The passes over the truths and the rounds over what differed: who is read when, and what counts in the end. What differs, and
how, is decided in `comparing.py` and `at_stripe.py`.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from streams.adapters.kafka_log import KafkaLog, ms_before
from streams.adapters.postgres.kept import Kept, PostgresKept
from streams.adapters.stripe_books import Facts, StripeBooks, packed, unpacked
from streams.delivery import POSITION, partition_of
from streams.reconciling.at_stripe import open_because, with_stripe
from streams.reconciling.comparing import (
    EVENTS,
    MISSING,
    PAYMENT,
    POSTGRES,
    STRIPE,
    TABLE,
    THERE,
    Difference,
    in_the_log,
    with_postgres,
    with_table,
)
from streams.reconciling.held import Held, Look
from streams.reconciling.stories import Stories, Story, made_since

CHUNK = 500  # payments asked of PostgreSQL at a time
ROUNDS, PAUSE_S = 5, 2.0
"""Looks again at what differed, and the pause before each: a webhook, or a projection that is behind, takes seconds."""
KNOWN_BEFORE_S = 86_400
"""With `since`, the log is read from so much earlier: an intent is made up to 23 h after its payment was asked for."""

Tell = Callable[[str, int, int], None]
"""How far it has come: with what, how many of it now, and how many in all (0: not known)."""


@dataclass(frozen=True)
class Truths:
    """`table`: the writer's changelog. None: not asked."""

    events: KafkaLog
    postgres: PostgresKept
    table: KafkaLog | None = None
    stripe: Sequence[StripeBooks] = ()


@dataclass(frozen=True)
class Scope:
    since: datetime | None = None
    merchant: str | None = None

    def takes(self, story: Story) -> bool:
        return self.merchant in (None, story.merchant) and made_since(story, self.since)


@dataclass
class Findings:
    """`compared`: payments by the truth that was held against the log. `open`: why, by payment id. `unnamed`: Stripe accounts
    that payments are in and no setting names.
    """

    compared: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    open: dict[str, str] = field(default_factory=dict)
    payments: int = 0
    unreadable: int = 0
    unnamed: set[str] = field(default_factory=set)


class Reconciler:
    def __init__(
        self, truths: Truths, scope: Scope, tell: Tell, rounds: int = ROUNDS, pause_s: float = PAUSE_S
    ) -> None:
        self._truths, self._scope, self._tell = truths, scope, tell
        self._rounds, self._pause_s = rounds, pause_s
        self._books: dict[str, list[bytes]] = {}  # of all intents, packed, by payment id
        self._held = Held()
        self._elsewhere: dict[str, str] = {}
        asked = {TABLE: truths.table, POSTGRES: truths.postgres, STRIPE: truths.stripe}
        self._findings = Findings(Counter({truth: 0 for truth, source in asked.items() if source}))
        self._total = 0  # places in the log that are to be read

    async def run(self) -> Findings:
        """Raises Unavailable when one of the truths cannot be read: nothing is said then."""
        events = self._truths.events
        if self._scope.since:
            await events.begin_at(ms_before(self._scope.since, KNOWN_BEFORE_S))
        await self._read_books()
        self._total = await events.unread()
        for partition in sorted(events.places):
            await self._pass(partition)
        self._hold_ghosts()
        for number in range(self._rounds):
            if not self._held.looks:
                break
            await asyncio.sleep(self._pause_s)
            self._tell("looked again at what differs or is open", len(self._held.looks), 0)
            await self._round(number in (0, self._rounds - 1))
        self._findings.open = self._elsewhere | self._held.open()
        self._findings.differences = self._held.differences()
        return self._findings

    async def _read_books(self) -> None:
        for books in self._truths.stripe:
            async for page in books.all(self._scope.since):
                self._tell("Stripe's books, intents", len(page), 0)
                for facts in page:
                    self._books.setdefault(facts.payment, []).append(packed(facts))

    async def _pass(self, partition: int) -> None:
        """One partition of everything: read, compared, forgotten but for what differs."""
        stories, rows = Stories(), dict[str, bytes]()
        if self._truths.table:
            await self._read_rows(rows, [partition])
        await self._read_events(stories, [partition])
        self._findings.unreadable += stories.unreadable
        mine = [id for id, story in stories.items() if self._scope.takes(story)]
        # rows without a story, of the other merchants or of before, are nobody's business here
        mine += [] if self._is_narrow else [id for id in rows if id not in stories]
        books = {id: self._books.pop(id) for id in stories.keys() & self._books.keys()}
        for ids in _chunks(mine, CHUNK):
            kept = await self._truths.postgres.of(ids)
            for id in ids:
                facts = [unpacked(each) for each in books.get(id, ())]
                look = self._look(id, stories.get(id), rows.get(id), kept.get(id), facts)
                self._count(stories.get(id), look)
                if look.is_held:
                    self._held.hold(id, look, stories.get(id), rows.get(id), facts)
        await self._hold_strangers(partition, stories)

    async def _read_events(
        self, stories: Stories, only: Sequence[int] = (), of: "set[str] | None" = None
    ) -> None:
        async for records in self._truths.events.read_on(only):
            stories.read(records, of)
            if of is None:
                self._tell("events read, and their payments compared", len(records), self._total)

    async def _read_rows(
        self, rows: dict[str, bytes], only: Sequence[int] = (), of: "set[str] | None" = None
    ) -> None:
        assert self._truths.table is not None
        async for records in self._truths.table.read_on(only):
            for record in records:
                if record.key == POSITION or record.key is None:
                    continue
                id = record.key.decode(errors="replace")
                if of is not None and id not in of:
                    continue
                if record.value is None:
                    rows.pop(id, None)
                else:
                    rows[id] = record.value

    def _look(
        self, id: str, story: Story | None, row: bytes | None, kept: Kept | None, seen: Sequence[Facts]
    ) -> Look:
        look = Look({EVENTS: in_the_log(story), POSTGRES: with_postgres(story, kept or Kept())})
        if self._truths.table:
            look.found[TABLE] = with_table(story, row)
        if self._truths.stripe and not self._is_elsewhere(id, story):
            look.open = open_because(story, row) if story else None
            look.found[STRIPE] = with_stripe(story, seen) if look.open is None else {}
        return look

    def _is_elsewhere(self, id: str, story: Story | None) -> bool:
        """Whether it is in an account that is not asked: nothing can be said then, however often it is looked at."""
        view = story.shown() if story else None
        account = view["provider"].get("account") if view else None
        if view is None or account in {books.name for books in self._truths.stripe}:
            return False
        self._findings.unnamed.add(str(account))
        self._elsewhere[id] = f"no setting names its Stripe account {account}"
        return True

    def _count(self, story: Story | None, look: Look) -> None:
        self._findings.payments += 1
        # a story without a payment, of a refused command, is nothing that Stripe would know
        shown = story is not None and story.view is not None
        self._findings.compared.update(
            truth for truth in look.found if truth != STRIPE or (shown and look.open is None)
        )

    @property
    def _is_narrow(self) -> bool:
        return self._scope != Scope()

    async def _hold_strangers(self, partition: int, stories: Stories) -> None:
        """Rows of PostgreSQL whose payment is not in the log. With a merchant: theirs may be anybody's, and are left."""
        if self._scope.merchant is not None:
            return
        partitions = len(self._truths.events.places)
        async for ids in self._truths.postgres.ids(self._scope.since):
            for id in ids:
                if id not in stories and partition_of(id.encode(), partitions) == partition:
                    self._held.hold(id, Look({POSTGRES: {PAYMENT: (MISSING, THERE)}}))

    def _hold_ghosts(self) -> None:
        """Intents whose payment is not in the log."""
        for id, kept in self._books.items():
            facts = [unpacked(each) for each in kept]
            if self._scope.merchant in (None, facts[0].merchant):
                self._held.hold(id, Look({STRIPE: with_stripe(None, facts)}), seen=facts)

    async def _round(self, ask_stripe: bool) -> None:
        """Everything that is held is looked at again, with what was written meanwhile."""
        held = set(self._held.looks)
        await self._read_events(self._held.stories, of=held)
        if self._truths.table:
            await self._read_rows(self._held.rows, of=held)
        for ids in _chunks(sorted(held), CHUNK):
            kept = await self._truths.postgres.of(ids)
            for id in ids:
                await self._look_again(id, kept.get(id), ask_stripe)

    async def _look_again(self, id: str, kept: Kept | None, ask_stripe: bool) -> None:
        """Stripe is asked, at its pace, where it differed, and where what was open is open no more."""
        before, story, row = self._held.looks[id], self._held.stories.get(id), self._held.rows.get(id)
        has_settled = before.open is not None and story is not None and open_because(story, row) is None
        asks = has_settled or (ask_stripe and bool(before.found.get(STRIPE)))
        look = self._look(id, story, row, kept, await self._seen_now(id, story) if asks else [])
        if not asks and self._truths.stripe and look.open is None:
            look.found[STRIPE] = before.found.get(STRIPE, {})
        if has_settled:
            self._findings.compared[STRIPE] += 1
        self._held.seen_again(id, look)

    async def _seen_now(self, id: str, story: Story | None) -> list[Facts]:
        """The intents that the books had of it, and the one its payment names now."""
        view = story.shown() if story else None
        named = set(self._held.intents[id])
        if view is not None and view["provider"]["payment_intent"]:
            named.add(view["provider"]["payment_intent"])
        found = [await books.of(intent) for intent in sorted(named) for books in self._truths.stripe]
        return [each for each in found if each is not None]


def _chunks(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    left = iter(ids)
    while chunk := list(islice(left, size)):
        yield chunk
