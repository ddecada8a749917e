"""The servers of a campaign: three brokers, PostgreSQL and Redis; their disks can be filled, their system calls can fail."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from sandbox.ports import Ports
from sandbox.postgres import Postgres
from sandbox.processes import Program
from sandbox.valkey import Valkey
from tests.faults.brokers import Brokers
from tests.faults.tools import Disk, Missing

BROKERS = 3
BROKER, POSTGRES = "broker1", "postgres"
"""Whose disks can be filled, and fail."""
BROKER_DISK_MB, POSTGRES_DISK_MB = 1500, 1500


class FailingPostgres(Postgres):
    """`before`: what its command begins with, such as `tools.FailingIo.before`."""

    before: tuple[str, ...] = ()

    def program(self) -> Program:
        usual = super().program()
        return replace(usual, command=(*self.before, *usual.command))


class Grounds:
    """`disks` by the server's name; empty where there can be none on this machine. `held`: by a fault, by the server's name."""

    def __init__(self, folder: Path) -> None:
        self._ports = Ports()
        self.disks: dict[str, Disk] = {}
        self.held = defaultdict[str, asyncio.Lock](asyncio.Lock)
        for name, size in ((BROKER, BROKER_DISK_MB), (POSTGRES, POSTGRES_DISK_MB)):
            try:
                self.disks[name] = Disk(folder / name, size)
            except Missing:
                break
        self._brokers = Brokers(folder, BROKERS)
        self._postgres = FailingPostgres(folder / POSTGRES / "server", self._ports.take())
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
