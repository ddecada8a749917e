"""The operator's command line as a script runs it, against the system under test."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any, NamedTuple

from tests.system.stack import System


class Said(NamedTuple):
    code: int
    out: str
    err: str


async def millrace(system: System, *arguments: str) -> Said:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "millrace", *arguments),
        env={**os.environ, **system.environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Said(process.returncode or 0, out.decode(), err.decode())


async def told(system: System, *arguments: str) -> Any:
    """What it says as JSON; it must not have failed."""
    said = await millrace(system, *arguments, "--json")
    assert said.code == 0, said
    return json.loads(said.out)
