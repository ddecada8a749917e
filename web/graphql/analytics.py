"""What payments add up to, in GraphQL: the operations of REST's analytics, as fields of one."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import strawberry

from models.analytics import METHODS
from models.figures import STEPS
from models.ports import Page
from web import shown as views
from web.graphql.context import Info
from web.graphql.described import one_of, shown
from web.graphql.inputs import given
from web.graphql.scalars import Json, MinorUnits, Time
from web.reading import Query

Interval: Any = one_of("Interval", tuple(STEPS))
PaymentMethodKind: Any = one_of("PaymentMethodKind", METHODS)
From = Annotated[Time, strawberry.argument(name="from")]


@shown(views.AnalyticsFigures)
class AnalyticsFigures:
    currency: str
    begins_at: Time
    ends_at: Time
    payments: int
    by_status: Json
    gross: MinorUnits
    captured: MinorUnits
    refunded: MinorUnits
    disputed: MinorUnits
    net: MinorUnits
    authorization_rate: float | None
    refund_rate: float | None
    dispute_rate: float | None
    settled: int
    settled_p50_s: float | None
    settled_p95_s: float | None
    settled_p99_s: float | None
    unknown: int
    unknown_since: Time | None


@shown(views.AnalyticsDecline)
class AnalyticsDecline:
    currency: str
    begins_at: Time
    ends_at: Time
    code: str
    payments: int


@strawberry.type(
    description="Counts, volumes and rates, an entry per currency. `from` and `to` are widened to whole buckets."
)
class Analytics:
    @strawberry.field(description="Over the whole range.")
    async def summary(
        self,
        info: Info,
        begins_at: From,
        to: Time,
        currency: str | None = None,
        payment_method: PaymentMethodKind | None = None,
    ) -> list[AnalyticsFigures] | None:
        told = info.context.operations.analytics.summary
        return await _read(info, told, begins_at, to, currency=currency, payment_method=payment_method)

    @strawberry.field(description="By bucket, in order of time.")
    async def timeseries(
        self,
        info: Info,
        begins_at: From,
        to: Time,
        interval: Interval,
        currency: str | None = None,
        payment_method: PaymentMethodKind | None = None,
    ) -> list[AnalyticsFigures] | None:
        told = info.context.operations.analytics.timeseries
        return await _read(
            info, told, begins_at, to, interval=interval, currency=currency, payment_method=payment_method
        )

    @strawberry.field(description="By code, the most frequent first.")
    async def declines(
        self,
        info: Info,
        begins_at: From,
        to: Time,
        currency: str | None = None,
        payment_method: PaymentMethodKind | None = None,
    ) -> list[AnalyticsDecline] | None:
        told = info.context.operations.analytics.declines
        return await _read(info, told, begins_at, to, currency=currency, payment_method=payment_method)


async def _read(
    info: Info, told: Callable[[str | None, Query], Awaitable[Page]], begins_at: str, to: str, **more: Any
) -> Any:
    query = given(**{"from": begins_at, "to": to, **more})
    return (await told(info.context.authorization, query)).data
