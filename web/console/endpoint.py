"""The console's addresses, as a table. No other method and no other name is answered."""

from pathlib import Path

from aiohttp import web

from web import conditional
from web.console.doing import Doing
from web.console.guarding import Guard, confined
from web.console.live import Live
from web.console.pages import Pages
from web.console.ports import Console
from web.console.sessions import SignedIn
from web.gate import meet_expectation
from web.patience import Patience
from web.ports import Ports

STATIC = Path(__file__).parent / "static"
TYPES = {"console.css": "text/css; charset=utf-8", "live.js": "text/javascript; charset=utf-8"}


def add_console(app: web.Application, console: Console, ports: Ports, patience: Patience) -> None:
    desk, signed_in = console.desk, SignedIn(ports.keys, console.sessions)
    pages = Pages(desk, ports.readiness)
    guard = Guard(signed_in, ports.limiter, pages.failed)
    doing, live = Doing(desk, ports.reader, pages, guard, signed_in), Live(desk, guard, patience)
    files = {name: (STATIC / name).read_bytes() for name in TYPES}

    async def static(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in files:
            raise web.HTTPNotFound
        return confined(conditional.answer(request, files[name], TYPES[name], conditional.OF_EVERYBODY))

    letter, payment = "/console/dead-letters/{partition}/{offset}", "/console/payments/{payment_id}"
    webhook = "/console/webhooks/{endpoint}"
    seen = {
        "/console": pages.overview,
        "/console/payments": pages.search,
        payment: pages.payment,
        payment + "/{act}": doing.ask,
        "/console/doubts": pages.doubts,
        "/console/dead-letters": pages.letters,
        letter: pages.letter,
        "/console/webhooks": pages.webhooks,
        webhook: pages.webhook,
        webhook + "/{delivery}": pages.delivery,
        "/console/health": pages.health,
        "/console/audit": pages.audit,
        "/console/live": live.stream,
    }
    done = {
        payment + "/{act}": doing.act,
        letter + "/{fate}": doing.settle,
        webhook + "/{delivery}/send-again": doing.send_again,
        webhook + "/{switch}": doing.switch,
        "/console/sign-out": doing.sign_out,
    }
    routes = [
        web.get("/console/sign-in", doing.ask_in, allow_head=False),
        web.post("/console/sign-in", doing.sign_in),
        web.get("/console/static/{name}", static),
        *(web.get(path, guard.open(page), allow_head=False) for path, page in seen.items()),
        *(web.post(path, guard.open(act)) for path, act in done.items()),
    ]
    for route in routes:
        assert isinstance(route, web.RouteDef)
        app.router.add_route(route.method, route.path, route.handler, expect_handler=meet_expectation)
