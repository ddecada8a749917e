"""`python -m agents.gateway`: calls to Stripe for what events ask. The only place where it meets its pipes."""

from collections.abc import Awaitable

from agents.gateway import carry_out, written
from models.provider import PspCall
from streams.adapters.redis_screen import RedisCustomerScreen
from streams.adapters.stripe_provider import StripeProvider
from streams.delivery import Outgoing, Record
from streams.process import Process, run
from streams.settings import Settings
from streams.topics import EVENTS
from streams.wire import cloudevents, events
from streams.wire.commands import CommandCodec


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

    process.app.gateway(EVENTS, handle, limit=settings.gateway_calls_max)
    try:
        await process.serve()
    finally:
        await provider.close()
        await screen.close()


if __name__ == "__main__":
    run("gateway", compose)
