"""`python -m agents.analytics`: events into facts and sums in PostgreSQL. The only place where it meets its pipes."""

from agents.analytics import take_in
from agents.keeping import STALL_S
from models.analytics import Fact
from streams.adapters.postgres.analytics import PostgresAnalytics
from streams.delivery import Outgoing, Poison, Record
from streams.process import Process, run
from streams.settings import Settings
from streams.topics import EVENTS
from streams.wire.facts import fact_of


async def compose(settings: Settings) -> None:
    process = Process("analytics", settings, STALL_S)
    store = PostgresAnalytics(settings.postgres_dsn)
    unkept = process.counter(
        "millrace_analytics_unkept",
        "Events that PostgreSQL cannot keep as a fact: the log has them, and analytics leaves them out.",
    )

    async def apply(records: list[Record]) -> list[Outgoing]:
        """What is no event is the projection's dead letter; two of one record would be redriven twice. So what cannot be kept
        is counted, and told, and no dead letter either.
        """
        facts: list[Fact] = []
        for record in records:
            try:
                fact = fact_of(record)
            except Poison:
                continue
            if fact:
                facts.append(fact)
        if facts:
            unkept(len(await take_in(facts, store)))
            process.crashpoint("analytics.after_store")
        return []

    process.app.follower(EVENTS, apply)
    try:
        await process.serve()
    finally:
        await store.close()


if __name__ == "__main__":
    run("analytics", compose)
