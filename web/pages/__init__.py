"""The pages that show the documents to people, served as they lie here. They talk to the door, and to nobody else.

No page is made at run time: scripts read `/openapi.json` and `/asyncapi.json`.
"""

from pathlib import Path

from aiohttp import web

from models.codes import Code
from web import conditional
from web.problems import Problem

FOLDER = Path(__file__).parent

HTML, SCRIPT = "text/html; charset=utf-8", "text/javascript; charset=utf-8"
TYPES = {
    "docs.html": HTML,
    "asyncapi.html": HTML,
    "page.css": "text/css; charset=utf-8",
    "docs.js": SCRIPT,
    "asyncapi.js": SCRIPT,
    "elements.js": SCRIPT,
    "schema.js": SCRIPT,
    "sending.js": SCRIPT,
    "icon.svg": "image/svg+xml",
}
"""What there is to be had; no other name is ever looked for on the disk."""

ADDRESSES = {"asyncapi": "asyncapi.html"}
"""Pages below the first one that have an address without an ending."""

CONFINED = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
"""Nothing inline, nothing from elsewhere, in nobody's frame: an API key is typed in here. Source: CSP Level 3."""


class Pages:
    def __init__(self) -> None:
        self._files = {name: (FOLDER / name).read_bytes() for name in TYPES}

    async def front(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/docs", "Cache-Control": "no-cache"})

    async def docs(self, request: web.Request) -> web.Response:
        return self._file(request, "docs.html")

    async def docs_part(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        return self._file(request, ADDRESSES.get(name, name))

    def _file(self, request: web.Request, name: str) -> web.Response:
        if name not in TYPES:
            raise Problem(Code.NOT_FOUND, "There is nothing at this address.")
        response = conditional.answer(request, self._files[name], TYPES[name], conditional.OF_EVERYBODY)
        response.headers.update(CONFINED)
        return response
