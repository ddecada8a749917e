"""`python -m agents.gateway`: calls to Stripe for what events ask. The only place where it meets its pipes."""

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta

from agents.gateway import carry_out, written
from agents.gateway.missed_notices import MissedNotices, writable
from models.commands import RecordNotice
from models.provider import PspCall
from streams.adapters.postgres import Postgres, PostgresPaymentReader
from streams.adapters.postgres.checkpoint import PostgresCheckpoint
from streams.adapters.redis_screen import RedisCustomerScreen
from streams.adapters.stripe_events import StripeEvents
from streams.adapters.stripe_provider import StripeProvider
from streams.delivery import App, Outgoing, Record
from streams.process import Process, run
from streams.settings import Settings
from streams.topics import EVENTS
from streams.wire import cloudevents, events
from streams.wire.commands import CommandCodec

LOOK_S = 1.0
"""How often it is asked whether a look for missed notices is due."""


async def compose(settings: Settings) -> None:
    process = Process("gateway", settings)
    codec = CommandCodec(settings.partitions, settings.internal_secret)
    provider = StripeProvider(
        settings.stripe_secret,
        settings.stripe_api_base,
        slot_s=settings.psp_slot_s,
        multicapture=settings.stripe_multicapture,
    )

    screen = RedisCustomerScreen(settings.redis_url)

    def handle(record: Record) -> Awaitable[list[Outgoing]] | None:
        call = events.call_in(record)
        if call is None:
            return None
        return answer(call, cloudevents.required(record.headers, "ce_id"))

    async def answer(call: PspCall, asked_by: str) -> list[Outgoing]:
        outcome = await carry_out(call, asked_by, provider, screen, process.crashpoint)
        return [written(outcome, codec.write)]

    feed, postgres = (
        StripeEvents(settings.stripe_secret, settings.stripe_api_base),
        Postgres(settings.postgres_dsn),
    )
    missed = _missed(settings, process.app, codec, feed, postgres)

    async def look_for_missed() -> None:
        await missed.look_if_due(datetime.now(UTC))

    process.app.gateway(EVENTS, handle, limit=settings.gateway_calls_max)
    process.app.every(LOOK_S, look_for_missed)
    try:
        await process.serve()
    finally:
        for each in (provider, screen, feed, postgres):
            await each.close()


def _missed(
    settings: Settings, app: App, codec: CommandCodec, feed: StripeEvents, postgres: Postgres
) -> MissedNotices:
    async def send(commands: Sequence[RecordNotice]) -> None:
        await app.send(writable(commands, codec.write))

    checkpoint, owners = PostgresCheckpoint(postgres, "stripe.events"), PostgresPaymentReader(postgres)
    return MissedNotices(feed, checkpoint, owners, send, timedelta(seconds=settings.catch_up_s))


if __name__ == "__main__":
    run("gateway", compose)
