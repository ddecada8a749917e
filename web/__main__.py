"""`python -m web`: the door over Kafka, PostgreSQL, Redis and Stripe's webhooks. The only place where they meet."""

import asyncio
import logging
import os
import re
import signal
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from models.commands import Command
from models.ports import ReplyAddress, View
from streams.accounts import Accounts, accounts
from streams.adapters.kafka_command_log import KafkaCommandLog
from streams.adapters.kafka_replies import KafkaReplies
from streams.adapters.kafka_signals import KafkaSignals
from streams.adapters.postgres.analytics_reader import PostgresAnalyticsReader
from streams.adapters.postgres.connections import Postgres
from streams.adapters.postgres.keys import PostgresApiKeys
from streams.adapters.postgres.reader import PostgresPaymentReader
from streams.adapters.postgres.webhook_endpoints import PostgresWebhookEndpoints
from streams.adapters.redis_cache import RedisPaymentCache
from streams.adapters.redis_limits import RedisLimits
from streams.adapters.redis_notices import RedisNoticeMemory
from streams.adapters.redis_sessions import RedisSessions
from streams.adapters.redis_tokens import RedisTokens
from streams.adapters.stripe_notices import StripeNotices
from streams.adapters.webhook_addresses import url_refused
from streams.crashpoints import Crashpoint, crashpoints
from streams.delivery.logs import limit_rate
from streams.delivery.memory import freeze
from streams.kafka_clients import client_settings
from streams.known_keys import KnownKeys
from streams.operator.desk import OperatorsDesk
from streams.payment_reads import PaymentReads
from streams.process import registry, run, tracing
from streams.rate_limits import RateLimits
from streams.sealing import sealing
from streams.settings import Settings, SettingsRefused
from streams.signed_tokens import signed_tokens
from streams.wire.commands import CommandCodec
from web.app import Limits, make_app
from web.console.ports import Console
from web.doors import operations
from web.doorway import Where, opened
from web.metrics import DoorMetrics
from web.ports import Missing, Ports
from web.rate_limits import Allowance
from web.request_ids import RequestIds
from web.tls import Certificate, TlsFiles, TlsRefused

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
    ready_logs()
    certificate = _certificate(settings)
    async with AsyncExitStack() as stack:
        ports, console = await _plugged(settings, stack)
        freeze()
        await _serve(settings, ports, console, certificate)


def ready_logs() -> None:
    """Lines tell of their request. Of each kind a few in a while: anybody can make as many as they like, and fill a disk."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(RequestIds())
    limit_rate(log.name)


async def _plugged(settings: Settings, stack: AsyncExitStack) -> tuple[Ports, Console]:
    """`stack`: ends what is begun here, the last first."""
    crashpoint, clients = crashpoints(settings.crashpoints_dir), client_settings(settings)
    traces, notices = tracing(settings, "web"), _notices(settings, accounts(settings))
    postgres, cache = Postgres(settings.postgres_dsn), RedisPaymentCache(settings.redis_url)
    known, counted = RedisNoticeMemory(settings.redis_url), RedisLimits(settings.redis_url)
    commands = CrashableLog(clients, CommandCodec(settings.partitions, settings.internal_secret), traces)
    replies, signals = KafkaReplies(clients, _reply_partition(settings), traces), KafkaSignals(clients)
    reads = CrashableReads(PostgresPaymentReader(postgres), cache)
    commands.crashpoint = reads.crashpoint = crashpoint
    keys, tokens = KnownKeys(PostgresApiKeys(postgres)), signed_tokens(settings, postgres)

    async def readiness() -> Missing:
        missing = {} if await commands.answers() else {"kafka": "commands cannot be sent"}
        missing |= {} if replies.is_ready else {"replies": "answers cannot be read"}
        return missing if await postgres.answers() else missing | {"postgres": "no answer"}

    stack.push_async_callback(traces.stop)
    endpoints = PostgresWebhookEndpoints(postgres, sealing(settings))
    sessions, stripes_tokens = RedisSessions(settings.redis_url), RedisTokens(settings.redis_url)
    desk = OperatorsDesk(settings, postgres, signals, replies, stripes_tokens, endpoints)
    for server in (counted, known, cache, sessions, stripes_tokens, postgres):
        stack.push_async_callback(server.close)
    stack.push_async_callback(signals.stop)
    for part in (commands, replies, keys, *((tokens,) if tokens else ())):
        part.start()
        stack.push_async_callback(part.stop)
    ports = Ports(
        commands=commands,
        replies=replies,
        reader=reads,
        analytics=PostgresAnalyticsReader(postgres),
        webhooks=endpoints,
        url_refused=partial(url_refused, allowed=settings.webhook_allow),
        signals=signals,
        keys=keys,
        tokens=tokens,
        limiter=RateLimits(counted, settings.webs),
        notices=notices,
        kept=commands,
        known=known,
        readiness=readiness,
        tracing=traces,
        livemode=settings.livemode,
    )
    return ports, Console(desk, sessions)


async def _serve(settings: Settings, ports: Ports, console: Console, certificate: Certificate | None) -> None:
    metrics, told_to_stop = DoorMetrics(registry()), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    allowance = Allowance(settings.rate_limit_key_per_s, settings.rate_limit_merchant_per_s)
    doors = operations(ports, metrics, allowance, max(1, settings.http_requests_max // 2))
    limits = Limits(settings.http_wait_s, settings.http_requests_max)
    where = Where(
        settings.http_host,
        settings.http_port,
        settings.grpc_host,
        settings.grpc_port,
        settings.http_wait_s,
        settings.drain_s,
        settings.http_reuse_port,
        certificate,
    )
    app = make_app(ports, doors, metrics, limits, settings.cors_origins, console)
    async with opened(app, doors, ports, metrics, where):
        await told_to_stop.wait()


def _certificate(settings: Settings) -> Certificate | None:
    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return None
    client_ca = Path(settings.tls_client_ca_file) if settings.tls_client_ca_file else None
    try:
        return Certificate(TlsFiles(Path(settings.tls_cert_file), Path(settings.tls_key_file), client_ca))
    except TlsRefused as refused:
        raise SettingsRefused(f"MILLRACE_TLS_CERT_FILE, MILLRACE_TLS_KEY_FILE: {refused}") from None


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
