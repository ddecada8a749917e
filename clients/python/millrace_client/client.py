"""`Millrace`: the client for programs with threads, or with one. What is done is in `flows`; here the steps are performed."""

import ssl
import time
from collections.abc import Iterator
from typing import Literal, Self, TypeVar, Unpack

from millrace_client import asking
from millrace_client.asking import (
    AnalyticsFilter,
    Call,
    CancelBody,
    CaptureBody,
    PaymentBody,
    PaymentFilter,
    RefundBody,
    SecretRotation,
    WebhookEndpointBody,
    WebhookEndpointChange,
)
from millrace_client.flows import TRY_S, Flows, following
from millrace_client.http import Flow, Pause, Transport
from millrace_client.objects import (
    AnalyticsDecline,
    AnalyticsFigures,
    Page,
    Payment,
    PaymentEvent,
    Refund,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEndpointDeleted,
    WebhookEndpointWithSecret,
)
from millrace_client.opening import PAGE_MAX, SETTLED_WITHIN_S, headers_of
from millrace_client.retrying import Retries
from millrace_client.urllib3_transport import Urllib3Transport

T = TypeVar("T")


class Millrace:
    """`base_url`: where the service is, such as `https://pay.example.com`. Safe to share between threads; close it at the end.

    Every method raises MillraceError, and ValueError for what cannot be asked. `try_s`: for one try, beside what it waits for.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        retries: Retries | None = None,
        try_s: float = TRY_S,
        ssl_context: ssl.SSLContext | None = None,
        transport: Transport | None = None,
    ) -> None:
        self._transport = transport or Urllib3Transport(base_url, ssl_context)
        self._flows = Flows(headers_of(api_key), retries or Retries(), try_s)
        self.payments, self.refunds, self.events = Payments(self), Refunds(self), Events(self)
        self.analytics = Analytics(self)
        self.webhook_endpoints, self.deliveries = WebhookEndpoints(self), Deliveries(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    def _run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                if isinstance(step, Pause):
                    time.sleep(step.seconds)
                    step = flow.send(None)
                else:
                    step = flow.send(self._transport.send(step.request, step.timeout_s))
        except StopIteration as ended:
            result: T = ended.value
            return result

    def _all(self, kind: type[T], call: Call) -> Iterator[T]:
        next_call: Call | None = call
        while next_call is not None:
            page = self._run(self._flows.page(kind, next_call))
            yield from page
            next_call = following(next_call, page)


class _Part:
    def __init__(self, client: Millrace) -> None:
        self._all, self._flows, self._run = client._all, client._flows, client._run


class Payments(_Part):
    """`wait`: seconds to wait for the end of what is asked; 0: none; None: as long as the service does by itself.

    `idempotency_key`: your own name for what is asked, such as the order's number: with it, asking again is safe also after your
    own program has ended. Without one, a call has a key of its own, which its result and its errors tell.
    """

    def create(
        self, *, idempotency_key: str | None = None, wait: float | None = None, **body: Unpack[PaymentBody]
    ) -> Payment:
        return self._run(self._flows.command(Payment, asking.create_payment(body, idempotency_key, wait)))

    def capture(
        self,
        payment: Payment | str,
        *,
        idempotency_key: str | None = None,
        wait: float | None = None,
        **body: Unpack[CaptureBody],
    ) -> Payment:
        call = asking.capture_payment(payment, body, idempotency_key, wait)
        return self._run(self._flows.command(Payment, call))

    def cancel(
        self,
        payment: Payment | str,
        *,
        idempotency_key: str | None = None,
        wait: float | None = None,
        **body: Unpack[CancelBody],
    ) -> Payment:
        call = asking.cancel_payment(payment, body, idempotency_key, wait)
        return self._run(self._flows.command(Payment, call))

    def get(self, payment: Payment | str) -> Payment:
        return self._run(self._flows.one(Payment, asking.get_payment(payment)))

    def wait_until_settled(self, payment: Payment | str, *, timeout_s: float = SETTLED_WITHIN_S) -> Payment:
        """Looks at it until it does not move on by itself. Raises StillUnsettled when the time is over.

        For a payment that was made. Whether a capture or a cancellation was carried out tells `wait`, and the same key again.
        """
        call = asking.get_payment(payment)
        return self._run(self._flows.settled(Payment, call, timeout_s))

    def page(
        self,
        *,
        limit: int | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
        **where: Unpack[PaymentFilter],
    ) -> Page[Payment]:
        """Newest first. The cursors are ids of payments."""
        call = asking.list_payments(
            where, limit=limit, starting_after=starting_after, ending_before=ending_before
        )
        return self._run(self._flows.page(Payment, call))

    def list(self, **where: Unpack[PaymentFilter]) -> Iterator[Payment]:
        """All of them, newest first; pages are fetched as they are needed."""
        return self._all(Payment, asking.list_payments(where, limit=PAGE_MAX))


class Refunds(_Part):
    """`wait` and `idempotency_key` as with payments."""

    def create(
        self,
        payment: Payment | str,
        *,
        idempotency_key: str | None = None,
        wait: float | None = None,
        **body: Unpack[RefundBody],
    ) -> Refund:
        call = asking.create_refund(payment, body, idempotency_key, wait)
        return self._run(self._flows.command(Refund, call))

    def get(self, refund: Refund | str) -> Refund:
        return self._run(self._flows.one(Refund, asking.get_refund(refund)))

    def wait_until_settled(self, refund: Refund | str, *, timeout_s: float = SETTLED_WITHIN_S) -> Refund:
        """As with payments."""
        return self._run(self._flows.settled(Refund, asking.get_refund(refund), timeout_s))

    def page(
        self,
        payment: Payment | str,
        *,
        limit: int | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
    ) -> Page[Refund]:
        """Of one payment, newest first. The cursors are ids of refunds."""
        call = asking.list_refunds(
            payment, limit=limit, starting_after=starting_after, ending_before=ending_before
        )
        return self._run(self._flows.page(Refund, call))

    def list(self, payment: Payment | str) -> Iterator[Refund]:
        """All of one payment, newest first."""
        return self._all(Refund, asking.list_refunds(payment, limit=PAGE_MAX))


class Events(_Part):
    """The story of a payment, in its order."""

    def page(
        self, payment: Payment | str, *, limit: int | None = None, after_sequence: int | None = None
    ) -> Page[PaymentEvent]:
        call = asking.list_events(payment, limit=limit, after_sequence=after_sequence)
        return self._run(self._flows.page(PaymentEvent, call))

    def list(self, payment: Payment | str, *, after_sequence: int = 0) -> Iterator[PaymentEvent]:
        """All that is told by now, from behind `after_sequence`."""
        call = asking.list_events(payment, limit=PAGE_MAX, after_sequence=after_sequence)
        return self._all(PaymentEvent, call)


class Analytics(_Part):
    """What payments add up to: one entry per currency, amounts in its minor units. Needs the scope `analytics:read`."""

    def summary(self, **where: Unpack[AnalyticsFilter]) -> tuple[AnalyticsFigures, ...]:
        """Over the whole range, of a year at most."""
        page = self._run(self._flows.page(AnalyticsFigures, asking.analytics_summary(where)))
        return page.data

    def timeseries(
        self, *, interval: Literal["minute", "hour", "day"], **where: Unpack[AnalyticsFilter]
    ) -> tuple[AnalyticsFigures, ...]:
        """By bucket, in order of time; those in which nothing was are left out."""
        call = asking.analytics_timeseries(where, interval)
        return (self._run(self._flows.page(AnalyticsFigures, call))).data

    def declines(self, **where: Unpack[AnalyticsFilter]) -> tuple[AnalyticsDecline, ...]:
        """By code, the most frequent first."""
        page = self._run(self._flows.page(AnalyticsDecline, asking.analytics_declines(where)))
        return page.data


class WebhookEndpoints(_Part):
    """Servers of your own that are told of events. Needs the scope `webhooks:manage`. `idempotency_key` as with payments.

    What arrives there is verified by `webhooks.verify`, with the secret that is told once, when it was made.
    """

    def create(
        self, *, idempotency_key: str | None = None, **body: Unpack[WebhookEndpointBody]
    ) -> WebhookEndpointWithSecret:
        call = asking.create_webhook_endpoint(body, idempotency_key)
        return self._run(self._flows.command(WebhookEndpointWithSecret, call))

    def get(self, endpoint: WebhookEndpoint | str) -> WebhookEndpoint:
        return self._run(self._flows.one(WebhookEndpoint, asking.get_webhook_endpoint(endpoint)))

    def update(
        self, endpoint: WebhookEndpoint | str, **body: Unpack[WebhookEndpointChange]
    ) -> WebhookEndpoint:
        call = asking.update_webhook_endpoint(endpoint, body)
        return self._run(self._flows.one(WebhookEndpoint, call))

    def enable(self, endpoint: WebhookEndpoint | str) -> WebhookEndpoint:
        """What was on its way goes on."""
        return self._run(self._flows.one(WebhookEndpoint, asking.enable_webhook_endpoint(endpoint)))

    def rotate_secret(
        self,
        endpoint: WebhookEndpoint | str,
        *,
        idempotency_key: str | None = None,
        **body: Unpack[SecretRotation],
    ) -> WebhookEndpointWithSecret:
        """A new secret; for a while deliveries are signed with both."""
        call = asking.rotate_webhook_secret(endpoint, body, idempotency_key)
        return self._run(self._flows.command(WebhookEndpointWithSecret, call))

    def delete(self, endpoint: WebhookEndpoint | str) -> None:
        """With all that is on its way to it. Raises NotFound where it is gone already."""
        self._run(self._flows.one(WebhookEndpointDeleted, asking.delete_webhook_endpoint(endpoint)))

    def page(
        self,
        *,
        limit: int | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
    ) -> Page[WebhookEndpoint]:
        """Newest first. The cursors are ids of endpoints."""
        call = asking.list_webhook_endpoints(
            limit=limit, starting_after=starting_after, ending_before=ending_before
        )
        return self._run(self._flows.page(WebhookEndpoint, call))

    def list(self) -> Iterator[WebhookEndpoint]:
        """All of them, newest first."""
        return self._all(WebhookEndpoint, asking.list_webhook_endpoints(limit=PAGE_MAX))

    def deliveries(
        self,
        endpoint: WebhookEndpoint | str,
        *,
        status: Literal["pending", "delivered", "failed"] | None = None,
    ) -> Iterator[WebhookDelivery]:
        """What was sent to it, newest first, each with its attempts; pages are fetched as they are needed."""
        call = asking.list_webhook_deliveries(endpoint, status=status, limit=PAGE_MAX)
        return self._all(WebhookDelivery, call)


class Deliveries(_Part):
    """Webhooks on their way, or arrived. Needs the scope `webhooks:manage`."""

    def redeliver(self, delivery: WebhookDelivery | str) -> WebhookDelivery:
        """Once more, under the same `webhook-id`, with all its attempts before it. Raises NotFound for one never sent."""
        return self._run(self._flows.one(WebhookDelivery, asking.redeliver_webhook(delivery)))
