"""What a spawned process outlives, and what it does not."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sandbox import processes
from sandbox.ports import HIGHEST, LOWEST, Ports, is_free
from sandbox.processes import Program, ProgramFailed, is_alive


def program(folder: Path, script: str) -> Program:
    return Program("fake", ("/bin/sh", "-c", script), folder / "fake.log", stop_within_s=0.5)


def test_a_process_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    started: list[subprocess.Popen[bytes]] = []
    asking = threading.Thread(target=lambda: started.append(processes.spawn(program(tmp_path, "sleep 60"))))
    asking.start()
    asking.join()
    (process,) = started
    with pytest.raises(subprocess.TimeoutExpired):  # the kernel's signal would come at once
        process.wait(0.3)
    processes.kill_tree(process)


def test_a_process_does_not_outlive_the_process_that_asked_for_it(tmp_path: Path) -> None:
    script = f"""
import pathlib, time
from sandbox import processes
process = processes.spawn(processes.Program("fake", ("/bin/sleep", "60"), pathlib.Path({str(tmp_path / "log")!r})))
print(process.pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert is_alive(child)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    assert processes.wait_until(lambda: not is_alive(child), timeout_s=2.0)


def test_killing_takes_the_descendants_too(tmp_path: Path) -> None:
    process = processes.spawn(program(tmp_path, "setsid sh -c 'sleep 60 & wait' & wait"))
    assert processes.wait_until(lambda: len(processes.descendants(process.pid)) >= 2, timeout_s=5.0)
    family = processes.descendants(process.pid)
    processes.kill_tree(process)
    assert not any(map(is_alive, [process.pid, *family]))


def test_a_program_that_fails_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match=r"(?s)fake ended with exit code 3\n.*\| line 99$"):
        processes.run(program(tmp_path, "for i in $(seq 99); do echo line $i; done; exit 3"), timeout_s=5.0)


def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match="did not end within"):
        processes.run(program(tmp_path, "sleep 60"), timeout_s=0.2)


def test_a_log_over_its_limit_is_cut_while_it_is_written(tmp_path: Path) -> None:
    log = tmp_path / "fake.log"
    with log.open("ab") as writer:
        writer.write(b"x" * 1000)
        writer.flush()
        processes.bound(log, limit_bytes=999)
        writer.write(b"after")
    assert log.read_bytes() == b"after"
    assert (tmp_path / "fake.log.1").stat().st_size == 1000


def test_a_pid_names_a_process_only_together_with_its_birth() -> None:
    first = subprocess.Popen(["/bin/sleep", "60"])
    assert processes.birth(first.pid) == processes.birth(first.pid) is not None
    first.kill()
    first.wait()
    assert processes.birth(first.pid) is None
    assert processes.birth(os.getpid()) != processes.birth(1)


def test_ports_chosen_at_the_same_time_differ_and_lie_below_those_of_outgoing_connections() -> None:
    one, other = Ports(seed="same"), Ports(seed="same")
    try:
        taken = [ports.take() for _ in range(20) for ports in (one, other)]
        assert len(set(taken)) == 40
        assert all(LOWEST <= port < HIGHEST for port in taken)
        assert other.take([taken[0]]) != taken[0]
    finally:
        one.close()
        other.close()


def test_a_port_is_taken_again_once_it_has_been_given_up() -> None:
    ports = Ports()
    port = ports.take()
    ports.close()
    assert is_free(port)
    again = Ports()
    assert again.take([port]) == port
    again.close()
