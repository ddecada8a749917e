"""What is exported is what the log holds: every event once, each payment's in order, of whom and since when was asked."""

import asyncio
import json
import os
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.operator import millrace, told
from tests.system.stack import System

pytestmark = pytest.mark.real


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_all_events_are_exported_once_and_in_order_without_secrets(
    system: System, http: HttpClient, stranger: HttpClient, inquest: Inquest, tmp_path: Path
) -> None:
    before = datetime.now(UTC)
    acting = await http.create("exported-acting", payment_method="pm_card_authenticationRequired")
    await http.create("exported-mine")
    theirs = await stranger.create("exported-theirs")
    found = await inquest.hold()
    (count,) = await told(system, "export", str(tmp_path / "all.jsonl"))
    text = (tmp_path / "all.jsonl").read_text()
    exported = lines(text)
    assert (count["events"], count["skipped"]) == (len(exported), 0)
    stories: defaultdict[str, list[str]] = defaultdict(list)
    for each in exported:
        stories[each["payment"]].append(each["id"])
    assert stories == {id: [event.id for event, _ in told] for id, told in found.log.stories.items()}
    assert acting.answer["client_secret"] not in text
    since = ("--since", before.isoformat(), "--merchant", stranger.merchant["id"])
    piped = await millrace(system, "export", "-", *since)
    assert (piped.code, {each["payment"] for each in lines(piped.out)}) == (0, {theirs.payment_id})
    cut = f"{sys.executable} -m millrace export - | true"
    broken = await asyncio.create_subprocess_shell(
        cut, env={**os.environ, **system.environment()}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert await broken.communicate() == (b"", b""), "that nobody reads it is no error"
    ever = await millrace(system, "export", "-", "--since", "0001-01-01")
    assert (ever.code, len(ever.out.splitlines()) >= len(exported)) == (0, True), ever.err
    none = await millrace(system, "export", "-", "--until", "2020-01-01")
    assert (none.code, none.out) == (0, "")


async def test_what_cannot_be_exported_is_a_line_and_leaves_no_file(system: System, tmp_path: Path) -> None:
    said = await millrace(system, "export", str(tmp_path / "no" / "where"))
    assert (said.code, said.out, len(said.err.splitlines())) == (1, "", 1)
    assert names(tmp_path) == []
