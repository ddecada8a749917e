"""schemathesis asks the door whatever its document allows, and what it forbids: no server error, no undocumented answer."""

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.web.fakes import Door
from tests.web.service import ALICE, KEY
from web.openapi.examples import refunded
from web.upkeep import DOCUMENTS

ROOT = Path(__file__).parents[2]
EXAMPLES = int(os.environ.get("MILLRACE_FUZZ", "1")) * 3
"""Of each operation, beside the document's own examples and all boundaries of its schemas; always the same ones."""

OPTIONS = (
    "--checks", "all", "--exclude-checks", "positive_data_acceptance",  # see `schemathesis_hooks`: told by codes here
    "--phases", "examples,coverage,fuzzing,stateful", "--seed", "1", "--no-color", "--continue-on-failure",
    "--suppress-health-check", "all", "--warnings", "off",
)  # fmt: skip


@pytest.mark.timeout(600)
async def test_no_request_is_answered_otherwise_than_the_document_says(door: Door, tmp_path: Path) -> None:
    story = refunded()
    door.service.transactions[story.id] = replace(
        story, merchant=ALICE
    )  # the payment of the document's examples
    door.service.stories[story.id] = []
    run = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "schemathesis.cli",
            "run",
            str(DOCUMENTS / "openapi.json"),
            "--url",
            f"http://127.0.0.1:{door.serving.port}",
        ),
        *("--header", f"Authorization: Bearer {KEY}", "--max-examples", str(EXAMPLES), *OPTIONS),
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.web.schemathesis_hooks", "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await run.communicate())[0].decode()
    assert run.returncode == 0, said[-20_000:]
    made = [transaction for transaction in door.service.transactions.values() if transaction.payment]
    assert len(made) > 20, "next to nothing was carried out: the run proved little"
    assert any(transaction.refunds for transaction in made if transaction.id != story.id)
