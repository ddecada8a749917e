"""The pages for people: served as they lie, confined to this door, and whole in a real browser where there is one."""

import asyncio
import re
import shutil

import pytest

from tests.web.fakes import Door
from web.openapi import document
from web.pages import ADDRESSES, FOLDER, TYPES

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATHS = ["/docs", *(f"/docs/{name}" for name in (*ADDRESSES, *TYPES))]


async def test_the_front_leads_to_the_documents(door: Door) -> None:
    async with door.http.get(f"http://127.0.0.1:{door.serving.port}/", allow_redirects=False) as told:
        assert (told.status, told.headers["Location"]) == (302, "/docs")
    assert (await door.get("/", key=None)).status == 200


async def test_pages_are_for_everybody_and_asked_for_again_before_they_are_shown(door: Door) -> None:
    for path in PATHS:
        told = await door.get(path, key=None)
        assert told.status == 200, path
        assert told.headers["Cache-Control"] == "no-cache"
        assert told.headers["X-Content-Type-Options"] == "nosniff"
        again = await door.get(path, key=None, If_None_Match=told.headers["ETag"])
        assert (again.status, again.raw) == (304, b"")
        assert again.headers["Content-Security-Policy"] == told.headers["Content-Security-Policy"]
    assert (await door.get("/docs", key=None)).headers["Content-Type"] == "text/html; charset=utf-8"
    assert (await door.get("/docs/page.css", key=None)).headers["Content-Type"] == "text/css; charset=utf-8"


async def test_a_page_may_talk_to_this_door_alone(door: Door) -> None:
    policy = (await door.get("/docs", key=None)).headers["Content-Security-Policy"]
    told = dict(each.strip().split(" ", 1) for each in policy.split(";"))
    assert told["default-src"] == "'none'"
    assert {told[name] for name in ("script-src", "style-src", "connect-src", "img-src")} == {"'self'"}
    assert told["frame-ancestors"] == told["base-uri"] == "'none'"


def test_no_file_asks_for_what_is_not_here() -> None:
    """Nor writes markup by hand: what a document says is shown as text."""
    for path in FOLDER.iterdir():
        if path.suffix in (".html", ".css", ".js"):
            text = path.read_text()
            assert not re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", text), path.name
            assert not re.findall(
                r"\sstyle=|\son[a-z]+=|<script>|<style|innerHTML|eval\(|document\.write", text
            ), path.name
            for name in re.findall(r'(?:/docs/|from "\./)([a-z]+\.[a-z]+)"', text):
                assert name in TYPES, (path.name, name)


def test_every_file_of_the_folder_is_served() -> None:
    kept = {path.name for path in FOLDER.iterdir() if path.suffix in (".html", ".css", ".js", ".svg")}
    assert kept == set(TYPES)


async def shown(door: Door, path: str) -> str:
    """The page as it stands in a browser once its scripts have run."""
    assert BROWSER is not None
    browser = await asyncio.create_subprocess_exec(
        *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom"),
        f"http://127.0.0.1:{door.serving.port}{path}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await asyncio.wait_for(browser.communicate(), 60)
    return out.decode()


@pytest.mark.skipif(BROWSER is None, reason="no browser here")
async def test_a_browser_shows_every_route_and_a_form_that_sends_it(door: Door) -> None:
    page = await shown(door, "/docs")
    told = [operation for methods in document()["paths"].values() for operation in methods.values()]
    for operation in told:
        assert f'<details class="operation" id="{operation["operationId"]}"' in page
    assert page.count("<form ") == len(told)
    assert "capture_exceeds_authorized" in page and "Idempotent-Replayed" in page
    assert "[object" not in page and "undefined" not in page


@pytest.mark.skipif(BROWSER is None, reason="no browser here")
async def test_a_browser_shows_every_topic_and_message(door: Door) -> None:
    page = await shown(door, "/docs/asyncapi")
    told = (await door.get("/asyncapi.json")).body
    for name, channel in told["channels"].items():
        for message in channel["messages"]:
            assert f'id="{name}/{message}"' in page
    assert "[object" not in page and "undefined" not in page
