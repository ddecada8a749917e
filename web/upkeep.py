"""Health, metrics, the published documents and Stripe's door: what is not the merchants' API."""

import asyncio
from pathlib import Path

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from models.codes import Code
from web import answers, conditional
from web.metrics import DoorMetrics
from web.notice_reading import NoticeReading
from web.ports import Missing, Ports
from web.problems import Problem
from web.readiness import what_is_missing
from web.requests import raw_body, trace
from web.rooms import Room
from web.webhooks import NOTICE_MAX_BYTES, admit_notice

NOTICES_MAX = 128
"""At once: whose they are is known only when all of one has come, and who sends none must not take the merchants' places."""

DOCUMENTS = Path(__file__).parent / "documents"
"""Made from the code by `docs/generate.py`, and served as they are committed."""


class Upkeep:
    def __init__(self, ports: Ports, metrics: DoorMetrics) -> None:
        self._ports, self._metrics = ports, metrics
        self._reading = NoticeReading(ports.notices)
        self._openapi, self._asyncapi = (
            (DOCUMENTS / name).read_bytes() for name in ("openapi.json", "asyncapi.json")
        )
        self._schemas = {path.name: path.read_bytes() for path in (DOCUMENTS / "schemas").glob("*.json")}
        self._notices = Room(NOTICES_MAX)
        self._looking: asyncio.Task[Missing] | None = None

    async def take_notice(self, request: web.Request) -> web.Response:
        with self._notices.taken():
            body = await raw_body(request, NOTICE_MAX_BYTES)
            signature = request.headers.get("Stripe-Signature", "")
            await admit_notice(self._ports, self._reading, self._metrics, body, signature, trace(request))
        return answers.json({"received": True})

    async def alive(self, request: web.Request) -> web.Response:
        return answers.json({"status": "alive"})

    async def ready(self, request: web.Request) -> web.Response:
        if missing := await self._missing():
            told = [f"{part}: {why}" for part, why in sorted(missing.items())]
            detail = "Missing: " + ", ".join(sorted(missing)) + "."
            raise Problem(Code.UNAVAILABLE, detail, more={"ready": False, "missing": told})
        return answers.json({"ready": True, "missing": []})

    async def _missing(self) -> Missing:
        """One look for all who ask meanwhile: anybody may, and it goes by the ways of the payments."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(what_is_missing(self._ports.readiness))
        return await asyncio.shield(self._looking)

    async def metrics(self, request: web.Request) -> web.Response:
        body = generate_latest(self._metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def openapi(self, request: web.Request) -> web.Response:
        return conditional.answer(request, self._openapi, cache=conditional.OF_EVERYBODY)

    async def asyncapi(self, request: web.Request) -> web.Response:
        return conditional.answer(request, self._asyncapi, cache=conditional.OF_EVERYBODY)

    async def schema(self, request: web.Request) -> web.Response:
        """No other name is ever looked for on the disk."""
        schema = self._schemas.get(request.match_info["name"])
        if schema is None:
            raise Problem(Code.NOT_FOUND, "There is no schema of this name.")
        return conditional.answer(request, schema, cache=conditional.OF_EVERYBODY)
