"""`python -m agents.notifications`: mails and webhooks about what happened. The only place where it meets its pipes."""

import asyncio
import logging
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime
from functools import partial

from agents.keeping import STALL_S
from agents.notifications.mails import Mails
from agents.notifications.webhooks import Webhooks
from models.mails import OLDEST, DeadLetter, MailRules
from models.ports import Change
from streams.adapters.kafka_log import KafkaLog, ms_before
from streams.adapters.postgres import Postgres
from streams.adapters.postgres.mails import PostgresMailOutbox
from streams.adapters.postgres.webhook_queue import PostgresWebhookQueue
from streams.adapters.smtp_carrier import SmtpCarrier, SmtpServer
from streams.adapters.webhook_sender import HttpWebhookSender
from streams.background import for_ever, stop
from streams.delivery import Outgoing, Poison, Record
from streams.kafka_clients import client_settings
from streams.logs import blotted
from streams.mail_metrics import MailCollector
from streams.operator.dead_letters.letters import letter
from streams.process import Process, run
from streams.sealing import sealing
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, EVENTS
from streams.webhook_metrics import WebhookMetrics
from streams.wire.changes import change_of
from streams.wire.webhooks import notice_of

LOOK_FOR_UNKNOWN_S = 60.0
LOOK_FOR_LETTERS_S = 5.0
FORGET_S = 3600.0
COUNT_WEBHOOKS_S, FORGET_WEBHOOKS_S = 5.0, 60.0

log = logging.getLogger("millrace.notifications")


async def compose(settings: Settings) -> None:
    process = Process("notifications", settings, STALL_S)
    async with (
        AsyncExitStack() as stack
    ):  # what ends is what began, the last first: no loop before what it works on
        postgres = Postgres(settings.postgres_dsn)
        stack.push_async_callback(postgres.close)
        mails, mailing = _mails(process, settings, postgres, stack)
        webhooks, sending = _webhooks(process, settings, postgres, stack)

        async def apply(records: list[Record]) -> list[Outgoing]:
            changes = [change for record in records for change in _change(record)]
            await mails.take_in(changes)
            await webhooks.take_in([notice for change in changes if (notice := notice_of(change))])
            process.crashpoint("notifications.after_webhooks")
            return []

        process.app.follower(EVENTS, apply)
        stack.push_async_callback(stop, *mailing, *sending)
        await process.serve()


def _mails(
    process: Process, settings: Settings, postgres: Postgres, stack: AsyncExitStack
) -> tuple[Mails, list[asyncio.Task[None]]]:
    """And what goes on for them until it is stopped."""
    outbox, carrier = PostgresMailOutbox(postgres), SmtpCarrier(_server(settings))
    sends = carrier.has_server
    rules = MailRules(settings.receipts and sends, settings.alerts_to if sends else ())
    mails = Mails(outbox, carrier, rules, process.crashpoint)
    stack.push_async_callback(carrier.close)
    stack.push_async_callback(mails.drain, settings.drain_s)
    process.registry.register(MailCollector(mails.results, outbox.last_waiting))
    process.app.every(LOOK_FOR_UNKNOWN_S, mails.look_for_unknown)
    process.app.every(FORGET_S, mails.forget)
    tasks = [for_ever(outbox.count_waiting, LOOK_FOR_LETTERS_S, _failed)]
    if sends:
        tasks.append(asyncio.create_task(mails.run()))
    if rules.alerts_to:
        tasks.append(for_ever(partial(_follow_letters, settings, mails), LOOK_FOR_LETTERS_S, _failed))
    return mails, tasks


def _webhooks(
    process: Process, settings: Settings, postgres: Postgres, stack: AsyncExitStack
) -> tuple[Webhooks, list[asyncio.Task[None]]]:
    """And what goes on for them until it is stopped."""
    queue = PostgresWebhookQueue(postgres, sealing(settings))
    sender, numbers = HttpWebhookSender(settings.webhook_allow), WebhookMetrics(process.registry)
    webhooks = Webhooks(queue, sender, numbers.attempted)
    stack.push_async_callback(sender.close)
    stack.push_async_callback(webhooks.drain, settings.drain_s)
    process.gauge(
        "millrace_webhooks_under_way", "Attempts under way in this process.", lambda: webhooks.under_way
    )

    async def count() -> None:
        due, oldest_s = await queue.waiting()
        numbers.due.set(due)
        numbers.due_oldest_s.set(oldest_s)

    return webhooks, [
        for_ever(count, COUNT_WEBHOOKS_S, _failed),
        for_ever(queue.forget, FORGET_WEBHOOKS_S, _failed),
        asyncio.create_task(webhooks.run()),
    ]


async def _follow_letters(settings: Settings, mails: Mails) -> None:
    """From a few days ago at each start: a letter that was told is not told again, and no place need be kept."""
    async with KafkaLog(client_settings(settings), DEAD_LETTERS, may_be_missing=True) as letters:
        await letters.begin_at(ms_before(datetime.now(UTC), OLDEST.total_seconds()))
        while True:
            async with aclosing(letters.read_on()) as pages:
                async for page in pages:
                    await mails.take_in_letters([_dead_letter(record) for record in page])
            await asyncio.sleep(LOOK_FOR_LETTERS_S)


def _server(settings: Settings) -> SmtpServer | None:
    if settings.smtp_url is None or settings.mail_from is None:
        return None
    return SmtpServer(settings.smtp_url.get_secret_value(), settings.mail_from)


def _change(record: Record) -> list[Change]:
    """What is no event is nothing to tell of; the projection puts it aside."""
    try:
        return [change_of(record)]
    except Poison as poison:
        log.warning("%s/%d/%d passed over: %s", record.topic, record.partition, record.offset, poison)
        return []


def _dead_letter(record: object) -> DeadLetter:
    """A reason may quote what a stranger has sent."""
    found = letter(record)
    code, reason = found.why.get("code", "none"), blotted(found.why.get("reason", ""))
    return DeadLetter(found.name, found.at, code, reason, found.source)


def _failed(failure: Exception) -> None:
    log.warning("begun anew: %s", failure)


if __name__ == "__main__":
    run("notifications", compose)
