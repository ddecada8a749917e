"""The operator's command line, and other programs of this checkout, run as a person or a script runs them."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from sandbox.stack import CHECKOUT

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


class Running(Protocol):
    """A system, as its settings name it."""

    def environment(self) -> dict[str, str]: ...


async def millrace(system: Running, *arguments: str, **environment: str) -> Ran:
    """`environment`: in place of the system's own."""
    return await python("-m", "millrace", *arguments, environment=system.environment() | environment)


async def python(*arguments: str, environment: Mapping[str, str], within_s: float = ENDS_WITHIN_S) -> Ran:
    """A program, run to its end."""
    running = await begun(*arguments, environment=environment)
    async with asyncio.timeout(within_s):
        out, err = await running.communicate()
    assert running.returncode is not None
    return Ran(running.returncode, out.decode(), err.decode())


async def begun(*arguments: str, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    """`environment`: beside this process's own."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def told(system: Running, *arguments: str) -> Any:
    """What it says as JSON; it must not have failed."""
    ran = await millrace(system, *arguments, "--json")
    assert ran.code == 0, ran
    return json.loads(ran.out)
