"""`python -m web`: the door over Kafka, PostgreSQL, Redis and Stripe's webhooks. The only place where they meet."""

import asyncio
import logging
import os
import re
import signal

from grpc import ServerCredentials
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from models.commands import Command
from models.ports import ReplyAddress, View
from streams.accounts import Accounts, accounts
from streams.adapters.kafka_command_log import KafkaCommandLog
from streams.adapters.kafka_replies import KafkaReplies
from streams.adapters.kafka_signals import KafkaSignals
from streams.adapters.postgres.connections import Postgres
from streams.adapters.postgres.keys import PostgresApiKeys
from streams.adapters.postgres.reader import PostgresPaymentReader
from streams.adapters.redis_cache import RedisPaymentCache
from streams.adapters.redis_notices import RedisNoticeMemory
from streams.adapters.stripe_notices import StripeNotices
from streams.crashpoints import Crashpoint, crashpoints
from streams.kafka_clients import client_settings
from streams.known_keys import KnownKeys
from streams.payment_reads import PaymentReads
from streams.process import run
from streams.settings import Settings, SettingsRefused
from streams.wire.commands import CommandCodec
from web.app import Limits, make_app
from web.doors import Operations, operations
from web.grpc import server as grpc_server
from web.metrics import DoorMetrics
from web.ports import Missing, Ports
from web.request_ids import RequestIds
from web.server import serve

log = logging.getLogger("millrace.web")


class CrashableLog(KafkaCommandLog):
    """With the two points at which a fault test may end the process."""

    crashpoint: Crashpoint

    async def append(self, command: Command, reply_to: ReplyAddress | None, trace: str | None = None) -> None:
        self.crashpoint("web.before_append")
        await super().append(command, reply_to, trace)
        self.crashpoint("web.after_append")


class CrashableReads(PaymentReads):
    crashpoint: Crashpoint

    async def remember(self, payment: View) -> None:
        self.crashpoint("web.before_remember")
        await super().remember(payment)
        self.crashpoint("web.before_answer")


async def compose(settings: Settings) -> None:
    for handler in logging.getLogger().handlers:
        handler.addFilter(RequestIds())
    crashpoint, clients = crashpoints(settings.crashpoints_dir), client_settings(settings)
    commands = CrashableLog(clients, CommandCodec(settings.partitions, settings.internal_secret))
    replies = KafkaReplies(clients, _reply_partition(settings))
    postgres, cache = Postgres(settings.postgres_dsn), RedisPaymentCache(settings.redis_url)
    known, signals = RedisNoticeMemory(settings.redis_url), KafkaSignals(clients)
    reads = CrashableReads(PostgresPaymentReader(postgres), cache)
    commands.crashpoint = reads.crashpoint = crashpoint

    async def readiness() -> Missing:
        missing = {} if await commands.answers() else {"kafka": "commands cannot be sent"}
        missing |= {} if replies.is_ready else {"replies": "answers cannot be read"}
        return missing if await postgres.answers() else missing | {"postgres": "no answer"}

    notices = _notices(settings, accounts(settings))
    keys = KnownKeys(PostgresApiKeys(postgres))
    ports = Ports(
        commands, replies, reads, signals, keys, notices, commands, known, readiness, settings.livemode
    )
    commands.start()
    replies.start()
    try:
        await _serve(settings, ports)
    finally:
        await commands.stop()
        await replies.stop()
        await signals.stop()
        await postgres.close()
        await cache.close()
        await known.close()


async def _serve(settings: Settings, ports: Ports) -> None:
    registry, told_to_stop = CollectorRegistry(), asyncio.Event()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    metrics = DoorMetrics(registry)
    doors = operations(ports, metrics)
    app = make_app(ports, doors, metrics, Limits(wait_s=settings.http_wait_s))
    drains = []
    if settings.grpc_port is not None:  # first: once /readyz says so, all of the door is there
        drains.append((await _serve_grpc(settings, settings.grpc_port, ports, doors, registry)).drain)
    serving = await serve(app, settings.http_host, settings.http_port, settings.drain_s)
    log.info("listening on http://%s:%d", settings.http_host, serving.port)
    drains.append(serving.drain)
    await told_to_stop.wait()
    log.info("told to stop: no new requests, at most %.1f s for those under way", settings.drain_s)
    await asyncio.gather(*(drain() for drain in drains))


async def _serve_grpc(
    settings: Settings, port: int, ports: Ports, doors: Operations, registry: CollectorRegistry
) -> grpc_server.Serving:
    where = grpc_server.Listening(settings.grpc_host, port, _grpc_credentials(settings), settings.drain_s)
    serving = await grpc_server.serve(ports, doors, registry, settings.http_wait_s, where)
    log.info("listening for gRPC on %s:%d", settings.grpc_host, serving.port)
    return serving


def _grpc_credentials(settings: Settings) -> ServerCredentials | None:
    """None: plain text."""
    return None


def _notices(settings: Settings, known: Accounts) -> StripeNotices:
    if not settings.stripe_webhook_secrets:
        raise SettingsRefused("MILLRACE_STRIPE_WEBHOOK_SECRETS: at least one is needed")
    secrets = [secret.get_secret_value() for secret in settings.stripe_webhook_secrets]
    connected = {each.connected: each.name for each in known.all() if each.connected and each.name}
    of_named = known.webhook_secrets()
    try:
        return StripeNotices(secrets, livemode=settings.livemode, secrets_of=of_named, connected=connected)
    except ValueError as wrong:
        raise SettingsRefused(f"MILLRACE_STRIPE_WEBHOOK_SECRETS: {wrong}") from None


def _reply_partition(settings: Settings) -> int:
    """Web processes by their number (`web-0`, `web-1` …), so that each has its own where there are enough."""
    number = re.search(r"\d+$", settings.instance)
    return (int(number[0]) if number else os.getpid()) % settings.partitions


if __name__ == "__main__":
    run("web", compose)
