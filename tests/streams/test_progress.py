"""What somebody who waits is told: how far, how fast, how long still; a line that is overwritten only where it can be."""

import io

import pytest

from streams.operator.progress import Progress, Steps


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_says_how_far_how_fast_and_how_long_still() -> None:
    clock, told = [0.0], io.StringIO()
    progress = Progress("events read", 10_000, told, lambda: clock[0])
    clock[0] = 5.0
    progress.add(1_000)
    assert told.getvalue() == "", "a file is told every ten seconds"
    clock[0] = 10.0
    progress.add(1_000)
    assert told.getvalue() == "events read: 2,000 of 10,000, 200/s, 0 min 40 s left\n"
    progress.end()
    assert told.getvalue().endswith("\nevents read: 2,000, 200/s\n")


def test_on_a_terminal_the_line_is_overwritten_and_kept_at_the_end() -> None:
    clock, told = [0.0], Terminal()
    progress = Progress("events read", 0, told, lambda: clock[0])
    clock[0] = 1.0
    progress.add(10)
    progress.end()
    assert told.getvalue() == "\r\033[Kevents read: 10, 10/s" * 2 + "\n"


def test_each_thing_that_is_done_ends_with_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    steps = Steps()
    for what in ("one", "one", "other"):
        steps.tell(what, 2, 0)
    steps.end()
    steps.end()
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(", ")[0] for line in lines] == ["one: 4", "other: 2"]
