"""The supervisor on tiny real processes: order, restarts, giving up, stopping."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.keeper import StartFailed
from sandbox.parts import Part, Standing, State, Step
from sandbox.processes import is_alive
from sandbox.supervisor import Supervisor
from tests.sandbox.fake_parts import BROKEN, STUBBORN, Bench, eventually, kill


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def supervise(bench: Bench, *parts: Part, steps: tuple[Step, ...] = ()) -> Supervisor:
    return Supervisor(parts, steps, announce=bench.said.append)


def of(supervisor: Supervisor, role: str) -> Standing:
    return next(standing for standing in supervisor.standings if standing.role == role)


def is_ready_again(supervisor: Supervisor, role: str, restarts: int) -> Callable[[], bool]:
    return lambda: of(supervisor, role).state is State.READY and of(supervisor, role).restarts >= restarts


async def test_a_part_starts_only_when_what_it_needs_answers(bench: Bench) -> None:
    done: list[list[str]] = []
    step = Step("schema", lambda: done.append(bench.starts()), after=frozenset({"database"}))
    web = bench.part("web", after=frozenset({"schema", "cache"}))
    supervisor = supervise(bench, web, bench.part("cache"), bench.part("database"), steps=(step,))
    await supervisor.start()
    assert sorted(bench.starts()[:2]) == ["cache", "database"]
    assert bench.starts()[2:] == ["web"]
    assert "database" in done[0] and "web" not in done[0]
    await supervisor.stop()


async def test_what_is_killed_is_started_again_as_another_process(bench: Bench) -> None:
    supervisor = supervise(bench, bench.part("writer"))
    await supervisor.start()
    first = of(supervisor, "writer").pid
    kill(first)
    await eventually(is_ready_again(supervisor, "writer", 1))
    assert of(supervisor, "writer").pid not in (None, first)
    assert any("SIGKILL" in line and "started again at once" in line for line in bench.said)
    await supervisor.stop()


async def test_killing_it_again_and_again_never_makes_the_supervisor_give_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.restarts.KILLED_BACKOFF_MAX_S", 0.0)
    supervisor = supervise(bench, bench.part("writer"))
    await supervisor.start()
    for restart in range(1, 26):
        kill(of(supervisor, "writer").pid)
        await eventually(is_ready_again(supervisor, "writer", restart))
    assert bench.starts() == ["writer"] * 26
    await supervisor.stop()


async def test_a_part_that_never_answers_fails_the_start_with_the_end_of_its_log(bench: Bench) -> None:
    supervisor = supervise(bench, bench.part("database"), bench.part("gateway", BROKEN))
    with pytest.raises(StartFailed, match=r"(?s)gateway ended with exit code 7.*\| it cannot be"):
        await supervisor.start()
    await supervisor.stop()
    assert bench.starts().count("gateway") == 3


async def test_a_step_that_fails_says_which(bench: Bench) -> None:
    def refuse() -> None:
        raise ValueError("no such table")

    supervisor = supervise(bench, bench.part("database"), steps=(Step("migrations", refuse),))
    with pytest.raises(StartFailed, match="migrations failed: no such table"):
        await supervisor.start()
    await supervisor.stop()


async def test_a_crash_loop_after_a_good_start_is_given_up_and_said(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.restarts.BACKOFF_S", (0.0,))
    breaks = bench.folder / "breaks"
    script = f"test -e {breaks} && exit 9; touch $READY; while :; do sleep 60; done"
    supervisor = supervise(bench, bench.part("gateway", script), bench.part("writer"))
    await supervisor.start()
    breaks.touch()
    kill(of(supervisor, "gateway").pid)
    await eventually(lambda: of(supervisor, "gateway").state is State.GAVE_UP)
    assert any("20 times in a row: given up" in line for line in bench.said)
    assert of(supervisor, "gateway").message == "ended with exit code 9"
    assert of(supervisor, "writer").state is State.READY
    await supervisor.stop()


async def test_a_record_that_cannot_be_written_keeps_nobody_from_restarting(bench: Bench) -> None:
    def fail() -> None:
        raise OSError("No space left on device")

    supervisor = Supervisor([bench.part("writer")], announce=bench.said.append, changed=fail)
    await supervisor.start()
    kill(of(supervisor, "writer").pid)
    await eventually(is_ready_again(supervisor, "writer", 1))
    await supervisor.stop()
    assert any("No space left" in line for line in bench.said)


async def test_care_that_ends_by_a_bug_is_noticed(bench: Bench) -> None:
    def fail() -> None:
        if breaks.exists():
            raise ValueError("a bug")

    breaks = bench.folder / "breaks"
    supervisor = Supervisor([bench.part("writer")], announce=bench.said.append, changed=fail)
    await supervisor.start()
    breaks.touch()
    kill(of(supervisor, "writer").pid)
    with pytest.raises(ValueError, match="a bug"):
        async with asyncio.timeout(10):
            await supervisor.watch()
    breaks.unlink()
    await supervisor.stop()


async def test_stopping_ends_users_before_what_they_use(bench: Bench) -> None:
    database, web = bench.part("database"), bench.part("web", after=frozenset({"database"}))
    order: list[str] = []

    def note() -> None:
        stopped = [each.role for each in supervisor.standings if each.state is State.STOPPED]
        order.extend(role for role in stopped if role not in order)

    supervisor = Supervisor([database, web], announce=bench.said.append, changed=note)
    await supervisor.start()
    await supervisor.stop()
    assert order == ["web", "database"]


async def test_who_ignores_the_request_to_stop_is_killed_within_the_bound(bench: Bench) -> None:
    supervisor = supervise(bench, bench.part("stubborn", STUBBORN))
    await supervisor.start()
    pid = of(supervisor, "stubborn").pid
    assert pid is not None
    async with asyncio.timeout(5):
        await supervisor.stop()
    assert not is_alive(pid)


async def test_a_stop_while_starting_leaves_nothing(bench: Bench) -> None:
    slow = bench.part("slow", "while :; do sleep 60; done")
    supervisor = supervise(bench, slow, bench.part("after", after=frozenset({"slow"})))
    starting = asyncio.create_task(supervisor.start())
    await eventually(lambda: bench.starts() == ["slow"])
    pid = of(supervisor, "slow").pid
    await supervisor.stop()
    await starting
    assert pid is not None and not is_alive(pid)
    assert bench.starts() == ["slow"]
