"""The tools do what a fault says it does: an error of the kind and at the rate that is asked for, on files, and only so long."""

import os
import subprocess
import sys
from collections import Counter
from errno import EIO, ENOSPC
from pathlib import Path

import pytest

from tests.faults.tools import INSIDE, FailingIo, Missing, need

WRITER = """
import os, sys
file, times = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT), 1000
pipe = os.pipe()[1]
os.set_blocking(pipe, False)
def tried(call):
    try:
        call()
    except OSError as error:
        return error.errno
    return 0
calls = {
    "write": lambda: os.write(file, b"x"),
    "pwrite": lambda: os.pwrite(file, b"x", 0),
    "pwritev": lambda: os.pwritev(file, [b"x"], 0),
    "fsync": lambda: os.fsync(file),
    "fdatasync": lambda: os.fdatasync(file),
}
for line in sys.stdin:
    for name, call in calls.items():
        print(name, *(tried(call) for _ in range(times)))
    print("pipe", *(tried(lambda: os.write(pipe, b"x")) for _ in range(times)))
    print("end", flush=True)
"""


@pytest.fixture
def failing(tmp_path: Path) -> FailingIo:
    try:
        return FailingIo(tmp_path / "failing")
    except Missing as why:
        pytest.skip(str(why))


def test_files_fail_as_often_and_as_they_are_told_while_a_program_runs(
    failing: FailingIo, tmp_path: Path
) -> None:
    command = [*failing.before, sys.executable, "-c", WRITER, str(tmp_path / "file")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:

        def round() -> dict[str, Counter[int]]:
            assert writer.stdin and writer.stdout
            print("go", file=writer.stdin, flush=True)
            lines = iter(writer.stdout.readline, "end\n")
            return {name: Counter(map(int, told)) for name, *told in map(str.split, lines)}

        assert all(set(told) == {0} for told in round().values())
        for percent, error in ((30, ENOSPC), (10, EIO)):
            failing.begin(percent, error, seed=1)
            told = round()
            calls, failed = failing.end()
            assert told.pop("pipe") == {0: 1000}
            assert all(set(each) == {0, error} for each in told.values())
            assert all(abs(each[error] - 10 * percent) < 75 for each in told.values())  # five deviations
            assert (calls, failed) == (5000, sum(each[error] for each in told.values()))
        assert all(set(told) == {0} for told in round().values())
        assert writer.stdin
        writer.stdin.close()


CUT_OFF = """
import socket, subprocess, sys
from tests.faults.tools import Firewall, Host, in_group
def reach(port):
    try:
        socket.create_connection(("127.0.0.1", port), 0.3).close()
    except OSError as error:
        return type(error).__name__
    return "there"
there, other = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
there_port, other_port = (each.getsockname()[1] for each in (there, other))
outward = f"import socket; socket.create_connection(('127.0.0.1', {other_port}), 0.3)"
def sends():
    command = [*in_group(60001), sys.executable, "-c", outward]
    return subprocess.run(command, capture_output=True).returncode == 0
def sends_from_another_group():
    command = [*in_group(60002), sys.executable, "-c", outward]
    return subprocess.run(command, capture_output=True).returncode == 0
firewall, host, parted = Firewall(), Host((there_port,), 60001), Host((other_port,), 60002)
def say(*told):
    print(*told, reach(there_port), reach(other_port), sends())
say("before")
firewall.drop([host])
say("drop")
firewall.reset([host])
say("reset")
firewall.part([host], [parted])
say("part", sends_from_another_group())
assert firewall.open() > 0
say("after")
"""


def test_a_server_that_is_cut_off_is_neither_reached_nor_reaches_anybody() -> None:
    try:
        need("nft", "setpriv", "unshare", "ip")
    except Missing as why:
        pytest.skip(str(why))
    if os.geteuid() != 0:
        pytest.skip("a network of one's own needs root")
    inside = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable]
    ran = subprocess.run(
        [*inside, "-c", CUT_OFF], env={**os.environ, INSIDE: "1"}, capture_output=True, text=True, check=False
    )
    assert ran.stdout.splitlines() == [
        "before there there True",
        "drop TimeoutError there False",
        "reset ConnectionRefusedError there False",
        "part True there there False",
        "after there there True",
    ], ran.stderr
