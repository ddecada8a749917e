"""The READMEs say what is true: each Python program in them runs as it stands, at the real door."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.web.fakes import Door
from tests.web.service import KEY

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = [
    program
    for readme in (ROOT / "README.md", ROOT / "clients" / "python" / "README.md")
    for program in re.findall(r"^```python\n(.*?)^```", readme.read_text("utf-8"), re.MULTILINE | re.DOTALL)
]
PRINTS = (
    r"(\d+ .*\n)+",
    r"pay_[0-9a-f]{32} captured succeeded\n",
    r"(\d+ .*\n)+",
    r"pay_[0-9a-f]{32} 1999\n",
    r"",
    r"",
    r"",
    r"[0-9a-f-]{36} pay_[0-9a-f]{32}\n",
)


def test_each_program_is_told_of() -> None:
    assert len(PROGRAMS) == len(PRINTS)


@pytest.mark.parametrize(("program", "prints"), list(zip(PROGRAMS, PRINTS, strict=True)))
async def test_a_program_of_the_readme_runs(
    program: str, prints: str, door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    here = program.replace("http://127.0.0.1:8080", f"http://127.0.0.1:{door.serving.port}")
    await asyncio.to_thread(exec, here.replace("mr_test_…", KEY), {"__name__": "__main__"})
    assert re.fullmatch(prints, capsys.readouterr().out)
