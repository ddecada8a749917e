"""A walk along every route of a merchant's, for tests that come to somebody else's objects: what each route is asked, and for
which of them. Behind which door, the fake's or the real one, is not known here.
"""

from dataclasses import dataclass
from typing import Any

from models import shapes
from tests.web.fakes import PAYMENT
from web.routes import ROUTES, Route

MERCHANTS_ROUTES = [route for route in ROUTES if route.scope]
WALK = [
    (method, route)
    for route in MERCHANTS_ROUTES
    for method in ((route.method, "HEAD") if route.method == "GET" else (route.method,))
]
IDS = [f"{method} {route.path}" for method, route in WALK]

BODIES: dict[str, Any] = {
    shapes.CREATE: PAYMENT,
    shapes.CAPTURE: {"amount": 1},
    shapes.CANCEL: {},
    shapes.REFUND: {"amount": 1},
    "create_webhook_endpoint": {"url": "https://stranger.example/hook"},
    "update_webhook_endpoint": {"url": "https://stranger.example/hook", "enabled": False},
    "rotate_webhook_secret": {"overlap_s": 0},
    "enable_webhook_endpoint": {},
    "redeliver_webhook": {},
}
"""By command, or by operation."""
QUERIES = {
    route.operation: "?from=2026-01-01T00:00:00Z&to=2026-12-01T00:00:00Z"
    + ("&interval=day" if "interval" in route.query else "")
    for route in ROUTES
    if route.has_csv
}
"""What cannot be asked for without one."""
ON_WHAT_IS_HELD = {"capture_payment", "cancel_payment"}


def body_of(route: Route) -> Any:
    return BODIES.get(route.command or route.operation)


@dataclass(frozen=True)
class Owned:
    """Ids of somebody's payments, of a refund, of a webhook endpoint, and of what was sent to it. `held`: authorised; `taken`:
    captured, and refunded in part.
    """

    held: str
    taken: str
    refund: str
    endpoint: str
    delivery: str

    def path(self, route: Route) -> str:
        """To something of theirs. A parameter that is not known here fails: say what of theirs it would name."""
        payment = self.held if route.operation in ON_WHAT_IS_HELD else self.taken
        path = route.path.format(
            payment_id=payment, refund_id=self.refund, endpoint_id=self.endpoint, delivery_id=self.delivery
        )
        return path + QUERIES.get(route.operation, "")

    def is_named_by(self, route: Route) -> bool:
        return "{" in route.path
