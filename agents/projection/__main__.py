"""`python -m agents.projection`: events into PostgreSQL and the cache. The only place where it meets its pipes."""

from agents.keeping import STALL_S
from agents.projection import project
from models.ports import Change
from streams.adapters.postgres.store import PostgresPaymentStore
from streams.adapters.redis_cache import RedisPaymentCache
from streams.delivery import Outgoing, Poison, Record
from streams.process import Process, run
from streams.settings import Settings
from streams.topics import EVENTS
from streams.wire.changes import change_of


async def compose(settings: Settings) -> None:
    process = Process("projection", settings, STALL_S)
    store = PostgresPaymentStore(settings.postgres_dsn)
    cache = RedisPaymentCache(settings.redis_url)

    async def apply(records: list[Record]) -> list[Outgoing]:
        changes: list[Change] = []
        dead: list[Outgoing] = []
        sources: dict[str, Record] = {}
        for record in records:
            try:
                change = change_of(record)
            except Poison as poison:
                dead.append(process.app.dead_letter(record, poison))
                continue
            changes.append(change)
            sources[change.event.id] = record
        refused = await project(changes, store, cache, process.crashpoint) if changes else []
        unkept = Poison("PostgreSQL cannot keep this")
        return dead + [process.app.dead_letter(sources[change.event.id], unkept) for change in refused]

    process.app.follower(EVENTS, apply)
    try:
        await process.serve()
    finally:
        await store.close()
        await cache.close()


if __name__ == "__main__":
    run("projection", compose)
