"""`python -m agents.projection`: events into PostgreSQL and the cache. The only place where it meets its pipes."""

from agents.projection import project
from models.codes import Code
from models.ports import Change, EventRecord
from streams.adapters.postgres.store import PostgresPaymentStore
from streams.adapters.redis_cache import RedisPaymentCache
from streams.delivery import Outgoing, Poison, Record
from streams.process import Process, run
from streams.settings import Settings
from streams.topics import EVENTS
from streams.wire import events

STALL_S = 3600.0
"""PostgreSQL may be away for long; the events wait in Kafka. Only a projection that hangs for an hour starts anew."""


def change_of(record: Record) -> Change:
    """Raises Poison for what is no event."""
    story = events.read(record)
    merchant, payment = story.content.get("merchant"), story.content.get("payment")
    if not (isinstance(merchant, str) and _is_a_view_of(story.payment_id, payment)):
        raise Poison("an event of another shape: no merchant, or no payment of its own", Code.UNDECODABLE)
    event = EventRecord(
        story.id,
        story.type,
        story.payment_id,
        merchant,
        story.sequence,
        story.at,
        story.causation_id,
        events.public(story),
        events.for_operators(story),
    )
    return Change(event, payment)


def _is_a_view_of(payment_id: str, payment: object) -> bool:
    """As far as the cache asks; what the store finds missing in it, the store refuses."""
    if not isinstance(payment, dict):
        return payment is None
    return payment.get("id") == payment_id and isinstance(payment.get("sequence"), int)


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
