"""`millrace analytics rebuild`: facts and sums made anew from the event log, while the live process goes on. What becomes
of an event is the live process's code; where tables are kept, and how they are switched, is PostgreSQL's adapter's.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from models.analytics import Fact
from models.errors import InvariantBroken
from streams import topics
from streams.adapters.kafka_log import KafkaLog
from streams.adapters.postgres.analytics import PostgresAnalytics
from streams.adapters.postgres.analytics_rebuilding import REBUILT, AnalyticsRebuilding
from streams.adapters.postgres.rebuild_session import Hindered
from streams.crashpoints import crashpoints
from streams.delivery import Poison
from streams.kafka_clients import client_settings, reaching
from streams.operator import Refused
from streams.operator.printing import write_json
from streams.operator.whole_log import SMALL_ENOUGH, refuse_beheaded, refuse_cut_short
from streams.settings import Settings, load
from streams.wire.facts import fact_of

ANALYTICS = "analytics"
"""The role that names its consumer group."""


@dataclass
class Rebuilt:
    facts: int = 0
    unreadable: int = 0
    unkeepable: int = 0
    rows_that_differed: int = 0


def run(as_json: bool) -> int:
    """The exit code. Raises Refused, Unavailable, SettingsRefused."""
    done = asyncio.run(rebuild(load()))
    if as_json:
        write_json(vars(done))
    else:
        print(
            f"{done.facts:,} facts from the log; {done.rows_that_differed:,} rows of the live tables differed"
        )
        if done.unreadable or done.unkeepable:
            print(
                f"passed over: {done.unreadable:,} records that are no events, {done.unkeepable:,} that cannot be kept"
            )
    return 0


async def rebuild(settings: Settings) -> Rebuilt:
    """Raises Refused and Unavailable: the live tables are then as they were."""
    done = Rebuilt()
    crashpoint = crashpoints(settings.crashpoints_dir)
    with reaching(settings):
        try:
            with AnalyticsRebuilding(settings.postgres_dsn) as tables:
                await asyncio.to_thread(tables.prepare)
                store = PostgresAnalytics(settings.postgres_dsn, REBUILT)
                try:
                    async with KafkaLog(client_settings(settings), topics.EVENTS) as log:
                        refuse_beheaded(log)
                        await _read_on(log, store, done)
                        while await log.unread() > SMALL_ENOUGH:
                            await _read_on(log, store, done)
                        crashpoint("rebuild.built")
                        await asyncio.to_thread(tables.hold_writers)
                        await _read_on(log, store, done)
                        await refuse_cut_short(log, settings, ANALYTICS)
                        done.rows_that_differed = await asyncio.to_thread(tables.differing)
                        crashpoint("rebuild.held")
                        await asyncio.to_thread(tables.switch)
                        crashpoint("rebuild.switched")
                finally:
                    await store.close()
        except Hindered as hindered:
            raise Refused(str(hindered)) from hindered
    return done


async def _read_on(log: KafkaLog, store: PostgresAnalytics, done: Rebuilt) -> None:
    async for records in log.read_on():
        facts: list[Fact] = []
        for record in records:
            try:
                fact = fact_of(record)
            except Poison:
                done.unreadable += 1
                continue
            if fact:
                facts.append(fact)
        await _keep(facts, store, done)


async def _keep(facts: Sequence[Fact], store: PostgresAnalytics, done: Rebuilt) -> None:
    """What the store refuses it has refused the live process, too."""
    if not facts:
        return
    try:
        await store.take_in(facts)
        done.facts += len(facts)
    except InvariantBroken:
        if len(facts) == 1:
            done.unkeepable += 1
            return
        half = len(facts) // 2
        await _keep(facts[:half], store, done)
        await _keep(facts[half:], store, done)
