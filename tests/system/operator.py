"""The operator's command line, run as a person or a script runs it."""

import asyncio
import json
import os
import sys
from typing import Any, NamedTuple

from sandbox.stack import CHECKOUT
from tests.system.stack import System

ENDS_WITHIN_S = 120.0


class Ran(NamedTuple):
    """`code` below zero: killed by that signal."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """What it printed, as JSON."""
        assert self.out, self.err
        found: dict[str, Any] = json.loads(self.out)
        return found


async def millrace(system: System, *arguments: str, **environment: str) -> Ran:
    """`environment`: in place of the system's own."""
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "millrace",
        *arguments,
        cwd=CHECKOUT,
        env=os.environ | system.environment() | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(ENDS_WITHIN_S):
        out, err = await running.communicate()
    assert running.returncode is not None
    return Ran(running.returncode, out.decode(), err.decode())


async def told(system: System, *arguments: str) -> Any:
    """What it says as JSON; it must not have failed."""
    ran = await millrace(system, *arguments, "--json")
    assert ran.code == 0, ran
    return json.loads(ran.out)
