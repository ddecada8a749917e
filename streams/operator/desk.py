"""What the console shows and does, for all merchants: the command line's own functions, and no second way to any of it."""

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from models import ids, shapes
from models.commands import InvalidCommand, Origin
from models.errors import Refused, Unavailable
from models.ports import PaymentFilter, Replies, View
from models.webhook_endpoints import Kept
from streams.accounts import accounts
from streams.adapters.kafka_groups import Group, groups
from streams.adapters.kafka_signals import KafkaListener, KafkaSignals
from streams.adapters.postgres.connections import Postgres
from streams.adapters.postgres.doubt import doubts, owner
from streams.adapters.postgres.overlook import Overlook
from streams.adapters.postgres.webhook_endpoints import PostgresWebhookEndpoints
from streams.adapters.postgres.webhook_overlook import WebhookOverlook
from streams.adapters.redis_tokens import RedisTokens
from streams.budget.bucket import burst_of
from streams.budget.tokens import IN_ALL
from streams.kafka_clients import client_settings, reaching
from streams.logs import blotted
from streams.operator import audit, commanding, showing
from streams.operator.dead_letters import listing, settling
from streams.operator.resolving import answered
from streams.operator.secrets import without_secrets
from streams.settings import Settings

ANSWERED_WITHIN_S = 8.0
"""For what is read out of Kafka, as far as a person waits for a page."""
ROLES = ("writer", "gateway", "projection", "notifications", "analytics")

T = TypeVar("T")


class OperatorsDesk:
    """Fulfils Desk. Whatever reads raises Unavailable; whatever acts, Refused too."""

    def __init__(
        self,
        settings: Settings,
        postgres: Postgres,
        signals: KafkaSignals,
        replies: Replies,
        tokens: RedisTokens,
        webhooks: PostgresWebhookEndpoints,
    ) -> None:
        self._settings, self._signals, self._replies, self._tokens = settings, signals, replies, tokens
        self._overlook = Overlook(postgres)
        self._all_webhooks, self._webhooks = WebhookOverlook(postgres), webhooks

    def news(self, payment_id: str | None) -> AbstractAsyncContextManager[KafkaListener]:
        return self._signals.listen(None, payment_id)

    async def payments(self, merchant: str | None, where: PaymentFilter, most: int) -> list[View]:
        return await self._overlook.payments(merchant, where, most)

    async def payment(self, payment_id: str) -> View | None:
        found = await self._overlook.payment(payment_id)
        return None if found is None else without_secrets(found)

    async def lately(self) -> list[Mapping[str, Any]]:
        return [asdict(each) for each in await self._overlook.lately()]

    async def story(self, payment_id: str) -> tuple[View, list[Mapping[str, Any]], str | None] | None:
        found = await showing.told(self._settings, payment_id, ANSWERED_WITHIN_S)
        if found is None:
            return None
        return without_secrets(found.payment), [asdict(each) for each in found.happened], found.away

    async def in_doubt(self) -> int:
        return await self._overlook.in_doubt()

    async def doubts(self, most: int) -> list[Mapping[str, Any]]:
        found = await asyncio.to_thread(doubts, self._settings.postgres_dsn, most)
        return [{**asdict(each), "last": blotted(each.last)} for each in found]

    async def letters(self, most: int, with_settled: bool) -> list[Mapping[str, Any]]:
        return [*await _soon(listing.newest(self._settings, most, with_settled))]

    async def letter(self, name: str) -> Mapping[str, Any]:
        return await _soon(listing.one(self._settings, name))

    async def settle(self, name: str, fate: str, operator: str, reason: str) -> None:
        await settling.settled_now(self._settings, name, fate, operator, reason)

    async def command(
        self, type: str, payment_id: str, said: Mapping[str, object], id: UUID, operator: str, reason: str
    ) -> View:
        merchant = await asyncio.to_thread(owner, self._settings.postgres_dsn, payment_id)
        if merchant is None:
            raise Refused("there is no such payment")
        origin = Origin(str(id), payment_id, merchant, datetime.now(UTC))
        refund = ids.refund_id(id) if type == shapes.REFUND else None
        command = shapes.parse(type, said, origin, refund)
        if isinstance(command, InvalidCommand):
            raise Refused("; ".join(f"{error.field} {error.message}" for error in command.errors))
        return answered(await commanding.say(self._settings, command, operator, reason, self._replies))

    async def webhooks(self, most: int) -> list[Mapping[str, Any]]:
        return [asdict(each) for each in await self._all_webhooks.endpoints(most)]

    async def webhook(self, id: str) -> Mapping[str, Any] | None:
        found = await self._all_webhooks.endpoint(id)
        return asdict(found) if found else None

    async def deliveries(self, endpoint: str, most: int) -> list[Mapping[str, Any]]:
        return [_delivery(each) for each in await self._all_webhooks.deliveries(endpoint, most)]

    async def delivery(self, id: str) -> Mapping[str, Any] | None:
        found = await self._all_webhooks.delivery(id)
        return _delivery(found) if found else None

    async def switch(self, endpoint: str, on: bool, operator: str, reason: str) -> None:
        found = await self._all_webhooks.endpoint(endpoint)
        done = None
        if found and on:
            done = await self._webhooks.enable(found.merchant, endpoint, operator, reason)
        elif found:
            done = await self._webhooks.disable(found.merchant, endpoint, reason, operator)
        if done is None:
            raise Refused("there is no such endpoint")

    async def send_again(self, delivery: str, operator: str, reason: str) -> None:
        found = await self._all_webhooks.delivery(delivery)
        endpoint = found and await self._all_webhooks.endpoint(found.endpoint)
        if not endpoint or not await self._webhooks.redeliver(endpoint.merchant, delivery, operator, reason):
            raise Refused("there is no such delivery that was sent before")

    async def acts(self, most: int) -> list[Mapping[str, Any]]:
        wanted = audit.Wanted(None, None, None, most)
        return [asdict(act) for act in reversed(await _soon(audit.newest(self._settings, wanted)))]

    async def groups(self) -> list[Group]:
        with reaching(self._settings):
            named = [f"{self._settings.group_prefix}-{role}" for role in ROLES]
            return await _soon(groups(client_settings(self._settings), named))

    async def budget(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for account in accounts(self._settings).all():
            per_s = account.rates.account_per_s
            left = (await self._tokens.left(account.shown)).get(IN_ALL)
            found.append(
                {
                    "account": account.shown,
                    "per_s": per_s,
                    "burst": burst_of(per_s) if per_s else 0,
                    "left": left,
                }
            )
        return found


def _delivery(kept: Kept) -> Mapping[str, Any]:
    attempts = [
        {**each, "answer": blotted(each["answer"] or ""), "error": blotted(each["error"] or "")}
        for each in kept.attempts
    ]
    return {**asdict(kept), "attempts": attempts}


async def _soon(asked: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            return await asked
    except TimeoutError:
        raise Unavailable("what was asked for is not read in time; the command line takes longer") from None
