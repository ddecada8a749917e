"""The table of what a merchant's caller can do here: its name, the scope it needs, what it costs. The same through every door."""

from dataclasses import dataclass

from models.scopes import ANALYTICS_READ as ANALYTICS_READ
from models.scopes import PAYMENTS_READ as PAYMENTS_READ
from models.scopes import PAYMENTS_WRITE as PAYMENTS_WRITE
from models.scopes import REFUNDS_WRITE as REFUNDS_WRITE
from models.scopes import SCOPES as SCOPES
from models.scopes import WEBHOOKS_MANAGE as WEBHOOKS_MANAGE

ANY = ""
"""No scope: whoever has a key may."""

READ_ONE, READ_MANY, WRITE, READ_SUMS = 1, 2, 5, 10
"""Units of a caller's rate limit: about as the work behind them is."""


@dataclass(frozen=True, slots=True)
class Operation:
    """`cost`: in units of the rate limit."""

    name: str
    scope: str
    cost: int


CREATE_PAYMENT = Operation("create_payment", PAYMENTS_WRITE, WRITE)
CAPTURE_PAYMENT = Operation("capture_payment", PAYMENTS_WRITE, WRITE)
CANCEL_PAYMENT = Operation("cancel_payment", PAYMENTS_WRITE, WRITE)
CREATE_REFUND = Operation("create_refund", REFUNDS_WRITE, WRITE)
GET_PAYMENT = Operation("get_payment", PAYMENTS_READ, READ_ONE)
LIST_PAYMENTS = Operation("list_payments", PAYMENTS_READ, READ_MANY)
GET_REFUND = Operation("get_refund", PAYMENTS_READ, READ_ONE)
LIST_REFUNDS = Operation("list_refunds", PAYMENTS_READ, READ_ONE)
LIST_EVENTS = Operation("list_events", PAYMENTS_READ, READ_MANY)
ANALYTICS_SUMMARY = Operation("analytics_summary", ANALYTICS_READ, READ_SUMS)
ANALYTICS_TIMESERIES = Operation("analytics_timeseries", ANALYTICS_READ, READ_SUMS)
ANALYTICS_DECLINES = Operation("analytics_declines", ANALYTICS_READ, READ_SUMS)
CREATE_WEBHOOK_ENDPOINT = Operation("create_webhook_endpoint", WEBHOOKS_MANAGE, WRITE)
LIST_WEBHOOK_ENDPOINTS = Operation("list_webhook_endpoints", WEBHOOKS_MANAGE, READ_ONE)
GET_WEBHOOK_ENDPOINT = Operation("get_webhook_endpoint", WEBHOOKS_MANAGE, READ_ONE)
UPDATE_WEBHOOK_ENDPOINT = Operation("update_webhook_endpoint", WEBHOOKS_MANAGE, WRITE)
DELETE_WEBHOOK_ENDPOINT = Operation("delete_webhook_endpoint", WEBHOOKS_MANAGE, WRITE)
ENABLE_WEBHOOK_ENDPOINT = Operation("enable_webhook_endpoint", WEBHOOKS_MANAGE, WRITE)
ROTATE_WEBHOOK_SECRET = Operation("rotate_webhook_secret", WEBHOOKS_MANAGE, WRITE)
LIST_WEBHOOK_DELIVERIES = Operation("list_webhook_deliveries", WEBHOOKS_MANAGE, READ_MANY)
REDELIVER_WEBHOOK = Operation("redeliver_webhook", WEBHOOKS_MANAGE, WRITE)
READ_QUERY = Operation("read_query", ANY, READ_ONE)
"""To have a query of GraphQL's read, whatever is in it: what it asks for costs besides, and one that is refused costs too."""
WATCH_EVENTS = Operation("watch_events", PAYMENTS_READ, READ_MANY)
CALL = Operation("call", ANY, 0)
"""To be listened to at all, where what is asked comes later than who asks."""
