"""The servers of a campaign: three brokers, PostgreSQL and Redis; their disks can be filled, their system calls can fail."""

from dataclasses import replace
from pathlib import Path

from sandbox.ports import Ports
from sandbox.postgres import Postgres
from sandbox.processes import Program
from sandbox.valkey import Valkey
from tests.faults.brokers import Brokers
from tests.faults.tools import Disk, Missing

BROKERS = 3
BROKER_DISK_MB, POSTGRES_DISK_MB = 1500, 1500


class FailingPostgres(Postgres):
    """`before`: what its command begins with, such as `tools.failing_io`."""

    before: tuple[str, ...] = ()

    def program(self) -> Program:
        usual = super().program()
        return replace(usual, command=(*self.before, *usual.command))


class Grounds:
    """`disks` by the server's name; empty where there can be none on this machine."""

    def __init__(self, folder: Path) -> None:
        self._ports = Ports()
        self.disks: dict[str, Disk] = {}
        for name, size in (("broker1", BROKER_DISK_MB), ("postgres", POSTGRES_DISK_MB)):
            try:
                self.disks[name] = Disk(folder / name, size)
            except Missing:
                break
        self._brokers = Brokers(folder, BROKERS)
        self._postgres = FailingPostgres(folder / "postgres" / "server", self._ports.take())
        self._redis = Valkey(folder / "redis", self._ports.take())

    def start(self) -> None:
        self._brokers.start()
        self._postgres.start()
        self._redis.start()

    def close(self) -> None:
        self._postgres.stop()
        self._redis.stop()
        self._brokers.stop()
        for disk in self.disks.values():
            disk.close()
        self._ports.close()

    def kafka(self) -> Brokers:
        return self._brokers

    def postgres(self) -> FailingPostgres:
        return self._postgres

    def redis(self) -> Valkey:
        return self._redis
