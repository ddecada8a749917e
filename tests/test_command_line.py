"""What a person at the keyboard is told: the choices, the mistake, what cannot be reached, how to stop it."""

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

import millrace
from sandbox.commands import typed

UNREACHABLE = {
    "MILLRACE_KAFKA_BOOTSTRAP": "127.0.0.1:1",
    "MILLRACE_POSTGRES_DSN": "postgresql://ann:sesame@127.0.0.1:1/x",
}


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is said of a mistake in typing."""
    with pytest.raises(SystemExit) as ended:
        millrace.parser().parse_args(arguments)
    assert ended.value.code == millrace.USAGE_ERROR
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "choices"),
    [((), ("up", "keys")), (("merchants",), ("list", "create")), (("keys",), ("list", "create", "revoke"))],
)
def test_who_leaves_out_the_command_is_shown_the_choices(
    typed: tuple[str, ...], choices: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, *typed)
    assert all(f"\n    {choice} " in said for choice in choices)


@pytest.mark.parametrize("name", ["", "  ", "Ann\0", "Ann\nBen", "\udcff"])
def test_a_merchant_without_a_readable_name_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "argument name: must be text" in refused(capsys, "merchants", "create", name)


@pytest.mark.parametrize("most", ["0", "-1", "1.5", "many", "10001", "²"])
def test_how_many_dead_letters_is_a_whole_number(most: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "whole number from 1 to 10000" in refused(capsys, "dead-letters", f"--most={most}")


@pytest.mark.parametrize("reads", ["0", "101", "1.5", "fast"])
def test_how_often_stripe_may_be_read_is_within_an_accounts_limit(
    reads: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "whole number from 1 to 100" in refused(capsys, "reconcile", f"--stripe-reads={reads}")


def test_since_is_a_time_and_one_that_names_no_zone_is_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    assert "a day or a time in ISO 8601" in refused(capsys, "reconcile", "--since=yesterday")
    given = millrace.parser().parse_args(["reconcile", "--since=2026-01-31"])
    assert given.since == datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("dead-letters", (50, False, False)),
        ("dead-letters --most 3 --json", (3, False, True)),
        ("dead-letters list --all", (50, True, False)),
        ("dead-letters --most 3 --all --json list", (3, True, True)),
        ("dead-letters --json list --most 4", (4, False, True)),
    ],
)
def test_dead_letters_are_listed_without_an_action_too_and_no_option_is_lost(
    typed: str, said: tuple[int, bool, bool]
) -> None:
    given = millrace.parser().parse_args(typed.split())
    assert given.action in (None, "list")
    assert (given.most, given.all, given.json, given.run_dir) == (*said, None)


@pytest.mark.parametrize("missing", ["--operator=ada", "--reason=x"])
def test_nobody_settles_a_letter_without_a_name_and_a_reason(
    missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "are required" in refused(capsys, "dead-letters", "redrive", "0/1", missing)
    assert "must be text" in refused(capsys, "dead-letters", "drop", "0/1", "--operator= ", "--reason=x")


def test_reading_what_was_typed_loads_no_client() -> None:
    read = "import sys, millrace; millrace.parser(); print({name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", read], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(ast.literal_eval(done.stdout))
    assert "argparse" in loaded
    assert not loaded & {"aiokafka", "faust", "psycopg", "pydantic", "stripe", "aiohttp", "asyncio"}


def unread(
    *typed: str, environment: Mapping[str, str], stderr: int | None = None
) -> subprocess.CompletedProcess[bytes]:
    """A command whose output nobody reads. `stderr`: where errors go, by default to nobody either."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    told = subprocess.run(
        (sys.executable, "-m", "millrace", *typed),
        stdout=write_end,
        stderr=write_end if stderr is None else stderr,
        env=os.environ | environment,
    )
    os.close(write_end)
    return told


@pytest.mark.parametrize(
    ("unbuffered", "typed", "status"),
    [("", "--help", 0), ("1", "--help", 0), ("", "status", 3), ("1", "status", 141)],  # nothing runs there
)
def test_that_nobody_reads_it_is_no_error(unbuffered: str, typed: str, status: int, tmp_path: Path) -> None:
    where = ["--run-dir", str(tmp_path)] if typed == "status" else []
    told = unread(typed, *where, environment={"PYTHONUNBUFFERED": unbuffered}, stderr=subprocess.PIPE)
    assert (told.returncode, told.stderr) == (status, b"")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_what_failed_is_not_taken_for_done_where_nobody_reads_why(unbuffered: str) -> None:
    environment = UNREACHABLE | {"PYTHONUNBUFFERED": unbuffered}
    assert unread("topics", environment=environment).returncode != 0


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        millrace.parser().parse_args(["--version"])
    assert capsys.readouterr().out == f"millrace {version('millrace')}\n"


def test_a_command_is_told_as_it_can_be_typed_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "venv" / "bin" / "millrace"
    script.parent.mkdir(parents=True)
    script.touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(script.with_name("python")))
    monkeypatch.chdir(tmp_path)
    assert typed("down", "--run-dir", "a b") == "venv/bin/millrace down --run-dir 'a b'"
    monkeypatch.setenv("PATH", str(script.parent))
    assert typed("down") == "millrace down"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("topics", "Kafka at 127.0.0.1:1 cannot be reached"),
        ("topics create", "Kafka at 127.0.0.1:1 cannot be reached"),
        ("dead-letters", "Kafka at 127.0.0.1:1 cannot be reached"),
        ("export nowhere", "Kafka at 127.0.0.1:1 cannot be reached"),
        ("merchants list", "PostgreSQL at 127.0.0.1:1/x cannot be reached"),
        ("keys create mer_x", "PostgreSQL at 127.0.0.1:1/x cannot be reached"),
    ],
)
def test_what_cannot_be_reached_is_one_line_with_its_address_and_a_remedy(typed: str, said: str) -> None:
    done = run(*typed.split(), **UNREACHABLE)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"millrace {typed.split()[0]}: {said}; `")
    assert "millrace up` starts" in line


def test_a_folder_in_which_nothing_runs_leads_to_no_other_system() -> None:
    done = run("topics", "--run-dir", "nowhere", **UNREACHABLE)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "nothing runs in nowhere" in line and "millrace up --run-dir nowhere`" in line


@pytest.mark.parametrize("command", ["up", "down", "status", "topics"])
@pytest.mark.parametrize("folder", ["README.md", "README.md/below", ""])
def test_what_is_no_folder_is_refused_before_anything_starts(command: str, folder: str) -> None:
    done = run(command, "--run-dir", folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "folder" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("key", ["sk_live_x", "whsec_mistaken"])
def test_a_key_that_stripe_would_not_take_here_is_refused_before_anything_starts(key: str) -> None:
    done = run("up", MILLRACE_STRIPE_API_KEY=key)
    assert done.returncode == 1
    (line,) = (done.stdout + done.stderr).splitlines()
    assert line.startswith("millrace: MILLRACE_STRIPE_API_KEY is ") and key not in line


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "millrace", *arguments]
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=60, check=False
    )
