"""A Chromium that is on the machine, driven by Playwright; and axe, which looks for what keeps people out. Holds no tests.

Nothing is downloaded: `apt-get install chromium`, or any Chrome, is what a machine needs; without one these tests are skipped.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
AXE = Path(__file__).parent / "vendored" / "axe.min.js"
GRAVE = frozenset({"serious", "critical"})

needs_a_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium"
)


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield opened
        finally:
            await opened.close()


async def faults(page: Page) -> list[str]:
    """What axe finds grave in the page as it stands, each with where it is."""
    await page.evaluate(AXE.read_text())  # by the debugger's door: the page's own policy would not let it in
    found: list[dict[str, Any]] = await page.evaluate("axe.run().then((found) => found.violations)")
    return [
        f"{each['id']}: {node['target']}"
        for each in found
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]
