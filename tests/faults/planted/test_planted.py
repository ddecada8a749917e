"""Each bug is truly planted by its name in the environment, and in all that a process with that environment starts."""

import os
import subprocess
import sys
from pathlib import Path

from sandbox import processes
from sandbox.processes import Program
from sandbox.stack import CHECKOUT
from tests.faults.planted import BUGS, PLANTED, environment
from tests.faults.planted.arming import IN_VAIN, VARIABLE
from tests.faults.planted.each_is_missed import MISSED_BY, python
from tests.streams.delivery.test_safeguards import SAFEGUARDS

WITHIN_S = 120


def test_every_bug_has_a_test_that_misses_it() -> None:
    elsewhere = {"commits_in_rebalances"}  # the chaos campaign's alone: harmful once in many rebalances
    assert {*MISSED_BY} | {bug for _, bug in SAFEGUARDS} | elsewhere == {*BUGS}


def test_all_can_be_planted_and_load_nothing_by_themselves() -> None:
    modules = sorted({bug.module for bug in BUGS.values()})
    loaded = "sorted({name.partition('.')[0] for name in sys.modules})"
    said = python(
        "-c", f"import sys; print({loaded}); import {', '.join(modules)}; print('there')", planted=[*BUGS]
    )
    before, after = said.stdout.splitlines()
    assert after == "there", said.stderr
    assert not {"models", "streams", "agents", "web", "faust", "aiokafka", "pydantic"} & {*eval(before)}
    assert {line.removeprefix(f"{PLANTED} ") for line in said.stderr.splitlines()} >= {*BUGS}


def test_what_cannot_be_planted_ends_the_process_and_says_so() -> None:
    unknown = subprocess.run(
        [sys.executable, "-c", "print('went on')"],
        env=os.environ | environment("no_fencing") | {VARIABLE: "no_such_bug"},
        capture_output=True,
        text=True,
    )
    assert (unknown.returncode, unknown.stdout) == (IN_VAIN, "")
    assert "no_such_bug" in unknown.stderr
    gone = python(
        "-c",
        "from tests.faults.planted import arming, registry\n"
        "@registry.bug('models.money', ())\n"
        "def gone(money):\n"
        "    'What is no more there.'\n"
        "    registry.replace(money, 'no_such_name', None)\n"
        "arming.arm(['gone'])\n"
        "try:\n"
        "    import models.money\n"
        "finally:\n"
        "    print('went on')",
        planted=[],
    )
    assert (gone.returncode, gone.stdout) == (IN_VAIN, "")
    assert "no_such_name" in gone.stderr


def test_what_the_supervisor_starts_has_them_too(tmp_path: Path) -> None:
    """It is the supervisor that gets the names; its children are spawned as `millrace up` does it."""
    child = Program("child", (sys.executable, "-c", "import models.refund"), tmp_path / "child.log")
    spawning = (
        "from pathlib import Path; import sys; from sandbox.processes import Program, run;"
        f"run(Program('grandchild', (sys.executable, '-c', 'import models.refund'), Path({str(child.log)!r})), 30.0)"
    )
    processes.run(
        Program(
            "supervisor",
            (sys.executable, "-c", spawning),
            tmp_path / "supervisor.log",
            env=environment("late_failures_change_nothing"),
            folder=CHECKOUT,
        ),
        WITHIN_S,
    )
    assert child.log.read_text().splitlines() == [f"{PLANTED} late_failures_change_nothing"]
