"""`millrace up`, `down`, `status` as a person runs them, on the real servers: what starts, what is told, what
is left.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import outside, processes
from sandbox import stack as table
from sandbox.ports import Ports, is_free
from sandbox.processes import is_alive
from sandbox.run_folder import RunFolder
from sandbox.stripe_simulator.identity import account_of
from streams.settings import Settings

pytestmark = pytest.mark.real

START_WITHIN_S = 120.0
SECOND_START_WITHIN_S = 15.0
STOP_WITHIN_S = 10.0
SERVERS = {"kafka", "postgres", "redis", "stripe"}


class Stack:
    """The servers and the simulator, driven through the command line, in a folder of the test's own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
        self.environment = {**kept, **environment}

    def millrace(
        self, *arguments: str, within_s: float = START_WITHIN_S
    ) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "millrace", *arguments, "--run-dir", str(self.folder)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=within_s, check=False, env=self.environment
        )

    def up(self) -> "subprocess.CompletedProcess[str]":
        return self.millrace("up", "--detach", "--servers-only")

    def endpoints(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / "endpoints.json").read_text())
        return content

    def pids(self) -> dict[str, int]:
        return {each["role"]: each["pid"] for each in self.endpoints()["servers"]}

    def restarts(self) -> dict[str, int]:
        parts = json.loads(self.millrace("status", "--json").stdout)["parts"]
        return {part["name"]: part["restarts"] for part in parts}

    def family(self) -> set[int]:
        """The supervisor and everything that descends from it."""
        supervisor = int((self.folder / "lock").read_text().split()[0])
        return {supervisor, *processes.descendants(supervisor)}

    def ports(self) -> set[int]:
        return set(json.loads((self.folder / "ports.json").read_text()).values())


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of the stack that tests of a running one share; nothing of it is left in the end."""
    folder = tmp_path_factory.mktemp("shared") / "run"
    yield folder
    Stack(folder).millrace("down")
    assert running_in(folder) == []


@pytest.fixture
def running(shared_folder: Path) -> Stack:
    """A stack that runs, whatever a test before has done to it: started, or started again, where it does not."""
    stack = Stack(shared_folder)
    if stack.millrace("status").returncode != 0:
        stack.millrace("down")
        said = stack.up()
        assert said.returncode == 0, said.stdout + said.stderr
    return stack


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """One of the test's own, not started yet."""
    stack = Stack(tmp_path / "run")
    yield stack
    stack.millrace("down")
    assert running_in(stack.folder) == []


def running_in(folder: Path) -> list[str]:
    """Processes whose command line names the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            if str(folder) in words and is_alive(int(entry.name)):
                found.append(words)
    return found


def assert_nothing_is_left(family: set[int], ports: set[int], within_s: float) -> None:
    assert processes.wait_until(lambda: not any(map(is_alive, family)), within_s), "processes are left"
    assert processes.wait_until(lambda: all(map(is_free, ports)), within_s), "ports are left"


def test_up_tells_where_everything_is_and_down_leaves_nothing_but_the_data(stack: Stack) -> None:
    said = stack.up()
    assert said.returncode == 0, said.stdout + said.stderr
    assert {*stack.pids()} == SERVERS
    assert stack.endpoints()["kafka"] in said.stdout
    assert f"millrace down --run-dir {stack.folder}` stops it" in said.stdout
    assert "Ctrl-C" not in said.stdout, "nobody's Ctrl-C reaches it"
    assert (stack.folder / "logs").stat().st_mode & 0o777 == 0o700, "what it said lies there, keys and all"
    assert all(is_alive(pid) for pid in stack.pids().values())
    assert all(port < 32768 for port in stack.ports())
    assert stack.millrace("status").returncode == 0
    family, ports = stack.family(), stack.ports()

    began = time.monotonic()
    assert stack.millrace("down").returncode == 0
    assert time.monotonic() - began < STOP_WITHIN_S
    assert_nothing_is_left(family, ports, within_s=0)
    assert not (stack.folder / "endpoints.json").exists()
    assert stack.millrace("status").returncode == 3
    asked = stack.millrace("topics")
    assert (asked.returncode, asked.stdout) == (1, "") and f"nothing runs in {stack.folder}" in asked.stderr
    assert (stack.folder / "kafka" / "data" / "meta.properties").exists()


def test_a_second_start_is_quick_and_keeps_every_address(running: Stack) -> None:
    first = {name: running.endpoints()[name] for name in SERVERS}
    running.millrace("down")
    began = time.monotonic()
    running.up()
    assert time.monotonic() - began < SECOND_START_WITHIN_S
    assert {name: running.endpoints()[name] for name in SERVERS} == first


def test_nothing_outlives_a_supervisor_that_is_killed_and_the_next_start_succeeds(running: Stack) -> None:
    family, ports = running.family(), running.ports()
    assert len(family) > len(SERVERS) + 1, "PostgreSQL's own children belong to it"
    os.kill(int((running.folder / "lock").read_text().split()[0]), signal.SIGKILL)
    assert_nothing_is_left(family, ports, within_s=5.0)
    assert running.millrace("status").returncode == 3
    again = running.up()
    assert again.returncode == 0, again.stdout + again.stderr
    assert "ready after" in again.stdout
    assert not set(running.pids().values()) & family
    assert running.millrace("status").returncode == 0


def test_a_server_that_is_killed_comes_back_and_its_new_pid_is_told(running: Stack) -> None:
    before, restarts = running.pids(), running.restarts()["postgres"]
    os.kill(before["postgres"], signal.SIGKILL)
    assert processes.wait_until(
        lambda: running.pids().get("postgres", before["postgres"]) != before["postgres"], 10.0
    )
    assert is_alive(running.pids()["postgres"])
    assert processes.wait_until(lambda: running.millrace("status").returncode == 0, 20.0)
    assert running.restarts()["postgres"] == restarts + 1


def test_a_second_up_in_the_same_folder_is_refused(running: Stack) -> None:
    pids = running.pids()
    said = running.up()
    assert said.returncode == 1
    assert "already running" in said.stdout
    assert running.pids() == pids


def test_two_checkouts_run_side_by_side(running: Stack, stack: Stack) -> None:
    assert stack.up().returncode == 0
    assert not stack.ports() & running.ports()
    assert {*stack.pids()} == {*running.pids()} == SERVERS


def test_a_stack_whose_folder_is_deleted_stops(running: Stack) -> None:
    family, ports = running.family(), running.ports()
    while running.folder.exists():  # what is still there writes and removes files as well
        shutil.rmtree(running.folder, ignore_errors=True)
    (running.folder / "logs").mkdir(parents=True)  # as a part does that is started again meanwhile
    assert_nothing_is_left(family, ports, within_s=20.0)


def test_a_detached_stack_outlives_the_make_that_started_it(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "run", MAKELEVEL="1", MILLRACE_KAFKA_BOOTSTRAP="127.0.0.1:1")
    try:
        assert stack.up().returncode == 0
        killed = stack.pids()["redis"]
        os.kill(killed, signal.SIGKILL)  # the supervisor is there and does its work
        assert processes.wait_until(lambda: stack.pids().get("redis", killed) != killed, 10.0)
    finally:
        stack.millrace("down")


def test_a_server_given_from_outside_is_used_and_none_is_started(tmp_path: Path) -> None:
    stack = Stack(
        tmp_path / "run", MILLRACE_KAFKA_BOOTSTRAP="127.0.0.1:1", MILLRACE_STRIPE_API_KEY="sk_test_x"
    )
    try:
        assert stack.up().returncode == 0
        assert {*stack.pids()} == {"postgres", "redis"}
        assert stack.endpoints()["kafka"] == "127.0.0.1:1"
        assert stack.endpoints()["stripe"] == "https://api.stripe.com"
    finally:
        stack.millrace("down")


def test_every_setting_that_the_processes_are_given_is_one_they_have(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.path.mkdir(exist_ok=True)
    brought = outside.read({"MILLRACE_POSTGRES_DSN": "postgresql://elsewhere/x", "MILLRACE_WRITERS": "2"})
    given: set[str] = set()
    ports = Ports()
    service = [part for part in table.Stack(folder, brought, ports).parts() if part.numbered]
    ports.close()
    assert [part.name for part in service] == [
        "writer-0",
        "writer-1",
        "gateway-0",
        "projection-0",
        "notifications-0",
        "analytics-0",
        "web-0",
    ]
    for part in service:
        environment = part.program().env
        assert environment["MILLRACE_INSTANCE"] == part.name
        given |= {name for name in environment if name.startswith("MILLRACE_")}
    assert given <= {f"MILLRACE_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize(("said", "told"), [(None, "false"), ("true", "true")])
def test_an_account_of_stripes_captures_several_times_only_where_somebody_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None, told: str
) -> None:
    monkeypatch.delenv("MILLRACE_STRIPE_MULTICAPTURE", raising=False)
    if said:
        monkeypatch.setenv("MILLRACE_STRIPE_MULTICAPTURE", said)
    folder, ports = RunFolder(tmp_path), Ports()
    brought = outside.read(
        {"MILLRACE_STRIPE_API_KEY": "sk_test_x", "MILLRACE_POSTGRES_DSN": "postgresql://elsewhere/x"}
    )
    assert table.Stack(folder, brought, ports).service_environment()["MILLRACE_STRIPE_MULTICAPTURE"] == told
    ports.close()


def test_the_simulator_tells_of_each_account_under_its_own_secret_and_a_bad_file_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "accounts.toml"
    monkeypatch.setenv("SHOP_KEY", "sk_test_shop")
    monkeypatch.setenv("SHOP_SECRET", "whsec_shop")
    file.write_text(
        '[shop]\nmerchants = ["mer_1"]\napi_key = "env:SHOP_KEY"\nwebhook_secrets = ["env:SHOP_SECRET"]'
    )
    brought = outside.read({"MILLRACE_STRIPE_ACCOUNTS_FILE": str(file)})
    assert brought.webhook_secrets_of == {account_of("sk_test_shop"): ["whsec_shop"]}
    ports = Ports()
    parts = {part.role: part for part in table.Stack(RunFolder(tmp_path), brought, ports).parts()}
    ports.close()
    told = parts["stripe"].program().env["STRIPE_SIMULATOR_WEBHOOK_SECRETS_OF"]
    assert json.loads(told) == brought.webhook_secrets_of
    monkeypatch.setenv("SHOP_KEY", "")
    with pytest.raises(outside.BadSetting, match=r"shop\.api_key"):
        outside.read({"MILLRACE_STRIPE_ACCOUNTS_FILE": str(file)})


@pytest.mark.parametrize("said", ["", "19191", "off"])  # below those that other tests draw for themselves
def test_each_door_speaks_grpc_on_a_port_of_its_own_or_none_does(tmp_path: Path, said: str) -> None:
    brought = outside.read(
        {
            "MILLRACE_GRPC_PORT": said,
            "MILLRACE_WEBS": "2",
            "MILLRACE_POSTGRES_DSN": "postgresql://elsewhere/x",
        }
    )
    ports = Ports()
    stack = table.Stack(RunFolder(tmp_path), brought, ports)
    told = [part.program().env["MILLRACE_GRPC_PORT"] for part in stack.parts() if part.role == "web"]
    ports.close()
    if said == "off":
        assert (told, stack.grpc) == (["off", "off"], None)
    else:
        assert len(set(told)) == 2
        assert stack.grpc == f"127.0.0.1:{told[0]}"
        assert not said or told[0] == said or not is_free(int(said))


def test_a_live_stripe_key_and_numbers_that_are_none_are_refused_by_name(tmp_path: Path) -> None:
    wrong = {
        "MILLRACE_STRIPE_API_KEY": "sk_live_x",
        "MILLRACE_WRITERS": "many",
        "MILLRACE_HTTP_PORT": "65536",
    }
    for name, value in wrong.items():
        said = Stack(tmp_path / "run", **{name: value}).up()
        assert said.returncode == 1
        assert name in said.stdout
        assert "sk_live_x" not in said.stdout


def test_a_start_that_fails_says_which_part_and_leaves_nothing(stack: Stack) -> None:
    (stack.folder / "postgres" / "data").mkdir(parents=True)
    said = stack.up()
    assert said.returncode == 1
    assert "postgres ended with exit code" in said.stdout
    assert "last lines of" in said.stdout
    assert not (stack.folder / "endpoints.json").exists()
    assert all(is_free(port) for port in stack.ports())


def test_a_port_that_is_taken_is_named_with_the_one_used_instead(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        asked = holder.getsockname()[1]
        ports = Ports()
        made = table.Stack(RunFolder(tmp_path), outside.read({"MILLRACE_HTTP_PORT": str(asked)}), ports)
        ports.close()
    instead = made.http.rpartition(":")[2]
    assert f"port {asked} is taken: web-0 gets {instead}" in made.displaced
    ports = Ports()
    again = table.Stack(RunFolder(tmp_path), outside.read({"MILLRACE_HTTP_PORT": str(asked)}), ports)
    ports.close()
    assert (again.http, again.displaced) == (f"http://127.0.0.1:{asked}", [])


def test_a_door_with_a_certificate_is_asked_and_told_of_by_https(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLRACE_TLS_CERT_FILE", "/door.pem")
    with pytest.raises(outside.BadSetting, match="MILLRACE_TLS_KEY_FILE"):
        outside.read({})
    monkeypatch.setenv("MILLRACE_TLS_KEY_FILE", "/door-key.pem")
    ports = Ports()
    made = table.Stack(RunFolder(tmp_path), outside.read({}), ports)
    ports.close()
    parts = {part.role: part for part in made.parts()}
    assert made.http.startswith("https://127.0.0.1:")
    assert parts["web"].address == made.http
    assert parts["writer"].address.startswith("http://")
    simulator = parts["stripe"].program()
    assert f"{made.http}/webhooks/stripe" in simulator.command
    assert simulator.env["SSL_CERT_FILE"] == "/door.pem"


def test_the_usual_port_is_left_to_whoever_has_it(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "run", MILLRACE_KAFKA_BOOTSTRAP="127.0.0.1:1")
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind(("127.0.0.1", 6379))
        except OSError:
            pass  # somebody else has it already: as good
        else:
            holder.listen()
        try:
            stack.up()
            assert stack.endpoints()["redis"] != "redis://127.0.0.1:6379/0"
        finally:
            stack.millrace("down")
