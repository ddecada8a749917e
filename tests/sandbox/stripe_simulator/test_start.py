"""Starting it by its short name, with its options."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import aiohttp
import pytest

from sandbox.stripe_simulator.__main__ import read_arguments

ROOT = Path(__file__).parents[3]
OPTIONS = ("--host", "--port", "--data-file", "--data-folder", "--webhook-url", "--webhook-secret")


async def run(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sandbox.stripe",
        *arguments,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
    )


async def test_help_describes_every_option() -> None:
    out, _ = await (await run("--help")).communicate()
    text = out.decode()
    assert text.startswith("usage: python -m sandbox.stripe ")
    assert all(option in text for option in OPTIONS) and "STRIPE_SIMULATOR_" in text


async def test_it_starts_by_its_short_name_and_keeps_its_journal_in_a_folder(
    tmp_path: Path, free_port: int
) -> None:
    process = await run("--port", str(free_port), "--data-folder", str(tmp_path / "stripe"))
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 20)
        assert line.startswith(b"Stripe simulator on"), line
        async with aiohttp.ClientSession() as session:
            form = {"amount": "700", "currency": "usd"}
            headers = {"Authorization": "Bearer sk_test_alpha"}
            url = f"http://127.0.0.1:{free_port}/v1/payment_intents"
            async with session.post(url, data=form, headers=headers) as answer:
                assert answer.status == 200
        assert (tmp_path / "stripe" / "journal").stat().st_size > 0
    finally:
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 5) == 0


def test_options_come_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SIMULATOR_DATA_FOLDER", "/var/lib/stripe")
    monkeypatch.setenv("STRIPE_SIMULATOR_WEBHOOK_SECRET", "whsec_new,whsec_old")
    chosen = read_arguments(["--port", "0"])
    assert (chosen.port, chosen.data_file) == (0, Path("/var/lib/stripe/journal"))
    assert chosen.webhook_secret == ["whsec_new", "whsec_old"]
    with pytest.raises(SystemExit):
        read_arguments(["--data-file", "elsewhere"])
