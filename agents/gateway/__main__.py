"""`python -m agents.gateway`: calls to Stripe for what events ask. The only place where it meets its pipes."""

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from agents.gateway import carry_out, written
from agents.gateway.missed_notices import MissedNotices, look_at_all, writable
from models.commands import RecordNotice
from models.provider import PspCall
from streams.accounts import accounts
from streams.adapters.postgres import Postgres, PostgresPaymentReader
from streams.adapters.postgres.checkpoint import PostgresCheckpoint
from streams.adapters.redis_screen import RedisCustomerScreen
from streams.adapters.redis_tokens import RedisTokens
from streams.adapters.stripe_accounts import StripeAccounts
from streams.delivery import App, Outgoing, Record
from streams.process import Process, run
from streams.settings import Settings
from streams.topics import EVENTS
from streams.tracing import on_kafka
from streams.wire import cloudevents, events
from streams.wire.commands import CommandCodec

LOOK_S = 1.0
"""How often it is asked whether a look for missed notices is due."""
LOOKS_PART = 16
"""Of the calls under way, at most one in so many is such a look."""


async def compose(settings: Settings) -> None:
    process = Process("gateway", settings)
    codec = CommandCodec(settings.partitions, settings.internal_secret)
    screen, tokens = RedisCustomerScreen(settings.redis_url), RedisTokens(settings.redis_url)
    stripe = StripeAccounts(settings, accounts(settings), tokens, process.tracing)
    process.registry.register(stripe)

    def handle(record: Record) -> Awaitable[list[Outgoing]] | None:
        call = events.call_in(record)
        if call is None:
            return None
        trace = cloudevents.trace(record.headers)
        return answer(call, cloudevents.required(record.headers, "ce_id"), trace)

    async def answer(call: PspCall, asked_by: str, trace: str | None) -> list[Outgoing]:
        about = on_kafka("process", EVENTS, call.payment_id.encode())
        with process.tracing.span(f"process {EVENTS}", "consumer", trace, about) as span:
            span.note({"millrace.operation": call.operation})
            outcome = await carry_out(call, asked_by, stripe, screen, process.crashpoint)
            span.note({"millrace.outcome": outcome.outcome.kind})
            return [written(outcome, partial(codec.write, trace=span.traceparent))]

    postgres = Postgres(settings.postgres_dsn)
    missed = _missed(settings, process.app, codec, stripe, postgres)

    async def look_for_missed() -> None:
        await look_at_all(missed, datetime.now(UTC), max(1, settings.gateway_calls_max // LOOKS_PART))

    process.app.gateway(EVENTS, handle, limit=settings.gateway_calls_max)
    process.app.every(LOOK_S, look_for_missed)
    try:
        await process.serve()
    finally:
        for each in (stripe, screen, tokens, postgres):
            await each.close()


def _missed(
    settings: Settings, app: App, codec: CommandCodec, stripe: StripeAccounts, postgres: Postgres
) -> list[MissedNotices]:
    """One for each account, from a checkpoint of its own."""

    async def send(commands: Sequence[RecordNotice]) -> None:
        await app.send(writable(commands, codec.write))

    owners, every = PostgresPaymentReader(postgres), timedelta(seconds=settings.catch_up_s)
    return [
        MissedNotices(feed, PostgresCheckpoint(postgres, _checkpoint(name)), owners, send, every)
        for name, feed in stripe.feeds()
    ]


def _checkpoint(account: str | None) -> str:
    return "stripe.events" if account is None else f"stripe.events.{account}"


if __name__ == "__main__":
    run("gateway", compose)
