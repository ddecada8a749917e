"""The door as an aiohttp application, put together from ports. Where the ports come from is `__main__`'s business."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from web.console import add_console
from web.console.ports import Console
from web.cors import cors
from web.doors import Operations
from web.full_house import FullHouse
from web.gate import gate, meet_expectation
from web.graphql.endpoint import add_graphql
from web.metrics import DoorMetrics
from web.pages import Pages
from web.patience import Patience
from web.ports import Ports
from web.rest import Rest
from web.rest_analytics import RestAnalytics
from web.rest_webhooks import RestWebhooks
from web.rooms import REQUESTS_MAX, Room
from web.routes import ROUTES
from web.upkeep import Upkeep
from web.webhooks import NOTICE_MAX_BYTES

WAIT_S = 20.0
"""How long a POST waits for its answer unless the client prefers otherwise."""

PATIENCE: web.AppKey[Patience] = web.AppKey("patience", Patience)
FULL_HOUSE: web.AppKey[FullHouse] = web.AppKey("full_house", FullHouse)


@dataclass(frozen=True, slots=True)
class Limits:
    wait_s: float = WAIT_S
    requests_max: int = REQUESTS_MAX


def make_app(
    ports: Ports,
    operations: Operations,
    metrics: DoorMetrics,
    limits: Limits | None = None,
    cors_origins: Sequence[str] = (),
    console: Console | None = None,
) -> web.Application:
    """`console` None: there is none."""
    limits = limits or Limits()
    rest = Rest(operations.payments, operations.reading, limits.wait_s)
    of_rest = rest, RestAnalytics(operations.analytics), RestWebhooks(operations.webhooks)
    handlers = *of_rest, Upkeep(ports, metrics), Pages()
    room = Room(limits.requests_max)
    app = web.Application(
        middlewares=[gate(metrics, ports.tracing, operations.patience, room)],
        client_max_size=NOTICE_MAX_BYTES,
    )
    app[PATIENCE], app[FULL_HOUSE] = operations.patience, FullHouse(room, metrics, operations.patience)
    if cors_origins:
        app.on_response_prepare.append(cors(cors_origins))
    for route in ROUTES:
        handler = next(found for each in handlers if (found := getattr(each, route.operation, None)))
        if route.method == "GET":
            app.router.add_get(route.path, handler, expect_handler=meet_expectation)
        else:
            app.router.add_route(route.method, route.path, handler, expect_handler=meet_expectation)
    add_graphql(app, operations, metrics, limits.wait_s)
    if console is not None:
        add_console(app, console, ports, operations.patience)
    return app
