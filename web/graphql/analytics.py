"""What payments add up to, in GraphQL: the operations of REST's analytics, as fields of one."""

from enum import Enum
from typing import Annotated, Any

import strawberry

from models.analytics import METHODS
from models.figures import STEPS
from models.ports import Page
from web import shown as views
from web.graphql.context import Info
from web.graphql.described import one_of, shown
from web.graphql.scalars import Json, MinorUnits, Time

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
        context = info.context
        query = _query(begins_at, to, currency=currency, payment_method=payment_method)
        return _all(await context.operations.analytics.summary(context.authorization, query))

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
        context = info.context
        query = _query(begins_at, to, interval=interval, currency=currency, payment_method=payment_method)
        return _all(await context.operations.analytics.timeseries(context.authorization, query))

    @strawberry.field(description="By code, the most frequent first.")
    async def declines(
        self,
        info: Info,
        begins_at: From,
        to: Time,
        currency: str | None = None,
        payment_method: PaymentMethodKind | None = None,
    ) -> list[AnalyticsDecline] | None:
        context = info.context
        query = _query(begins_at, to, currency=currency, payment_method=payment_method)
        return _all(await context.operations.analytics.declines(context.authorization, query))


def _query(begins_at: str, to: str, **more: Any) -> list[tuple[str, str]]:
    return given(**{"from": begins_at, "to": to, **more})


def given(**filters: Any) -> list[tuple[str, str]]:
    """Those that are not null, as a query string would hold them."""
    return [
        (name, str(value.value if isinstance(value, Enum) else value))
        for name, value in filters.items()
        if value is not None
    ]


def _all(page: Page) -> Any:
    return page.data
