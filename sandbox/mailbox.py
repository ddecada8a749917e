"""A mail server for one machine: takes mails by SMTP, keeps them in a Maildir, and shows them on loopback. It delivers nothing.

    GET /                     the page: what came in, the newest first
    GET /messages             the same as JSON: id, from, to, subject, message_id, at
    GET /messages/{id}        one of them with its text and its HTML
    GET /messages/{id}/html   its HTML, as a mail program shows it

To see what becomes of mails that are not taken: an address that begins with `bounce` is refused for good (550), one that begins
with `later` for now (451).
"""

import argparse
import asyncio
import mailbox
import signal
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.ports import HOST

SHOWN_MAX = 500  # of the newest; a person looks at a few
MESSAGE_MAX_BYTES = 1 << 20
ISOLATED = {"Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'"}
ROW = '<tr><td>{at}<td>{to}<td><a href="/messages/{id}/html">{subject}</a><td><a href="/messages/{id}">as sent</a>'
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Mailbox</title><style>:root{{color-scheme:light dark}}
body{{font:15px/1.5 system-ui;margin:2em auto;max-width:60em;padding:0 1em}}
table{{border-collapse:collapse}}td,th{{padding:.3em 1em .3em 0;text-align:left;overflow-wrap:anywhere}}
td:first-child,td:last-child{{white-space:nowrap}}</style>
<h1>Mailbox</h1><p>Mails that this machine's Millrace has sent. None of them has left it.</p>
<table><tr><th>At<th>To<th>Subject<th>{rows}</table></html>"""


class Taking:
    """aiosmtpd's handler. Its answers go to the client as they are."""

    def __init__(self, kept: mailbox.Maildir) -> None:
        self._kept = kept

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("bounce"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("later"):
            return "451 4.2.0 greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 taken"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Answered when it is on disk."""
        assert isinstance(envelope.content, bytes)
        return f"250 2.0.0 kept as {self._kept.add(envelope.content)}"


def routes(kept: mailbox.Maildir) -> web.Application:
    @lru_cache(maxsize=2 * SHOWN_MAX)
    def summary(name: str) -> dict[str, Any]:
        """What was taken in does not change, and is asked for again with each look."""
        return _summary(name, _read(kept, name))

    def newest() -> list[dict[str, Any]]:
        return [summary(name) for name in sorted(kept.keys(), key=_arrival, reverse=True)[:SHOWN_MAX]]

    def found(request: web.Request) -> tuple[str, EmailMessage]:
        name = request.match_info["id"]
        if name not in kept:
            raise web.HTTPNotFound
        return name, _read(kept, name)

    async def page(_: web.Request) -> web.Response:
        rows = "".join(ROW.format(**{k: escape(str(v)) for k, v in each.items()}) for each in newest())
        return web.Response(text=PAGE.format(rows=rows), content_type="text/html")

    async def messages(_: web.Request) -> web.Response:
        return web.json_response(newest())

    async def message(request: web.Request) -> web.Response:
        name, one = found(request)
        return web.json_response(
            {**_summary(name, one), "text": _body(one, "plain"), "html": _body(one, "html")}
        )

    async def html(request: web.Request) -> web.Response:
        return web.Response(text=_body(found(request)[1], "html"), content_type="text/html", headers=ISOLATED)

    app = web.Application()
    app.add_routes(
        [
            web.get("/", page),
            web.get("/messages", messages),
            web.get("/messages/{id}", message),
            web.get("/messages/{id}/html", html),
        ]
    )
    return app


def _read(kept: mailbox.Maildir, name: str) -> EmailMessage:
    message = message_from_bytes(kept.get_bytes(name), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def _arrival(name: str) -> tuple[int, int]:
    """Python's names begin with seconds, then M and microseconds."""
    seconds, _, rest = name.partition(".")
    return int(seconds), int(rest[1:].partition("P")[0])


def _summary(name: str, message: EmailMessage) -> dict[str, Any]:
    told = {"from": "From", "to": "To", "subject": "Subject", "message_id": "Message-ID", "at": "Date"}
    return {"id": name, **{ours: str(message[header] or "") for ours, header in told.items()}}


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return "" if part is None else str(part.get_content())


async def serve(port: int, mailbox_port: int, folder: Path) -> None:
    """Until SIGTERM or SIGINT."""
    kept, loop, told = mailbox.Maildir(folder / "maildir"), asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    taking = Taking(kept)
    server = await loop.create_server(
        lambda: SMTP(
            taking, hostname="sandbox.example", ident="Millrace sandbox", data_size_limit=MESSAGE_MAX_BYTES
        ),
        HOST,
        port,
    )
    runner = web.AppRunner(routes(kept), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, mailbox_port).start()
    await told.wait()
    server.close()
    await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(description="Take mails by SMTP and show them; deliver none.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--mailbox-port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.mailbox_port, given.folder))


if __name__ == "__main__":
    main()
