"""The faults by their numbers: each does its harm, and takes it away again. What must hold afterwards is not its business."""

from tests.faults.catalogue import clients, clocks, disks, network, processes, servers, stripe, versions
from tests.faults.catalogue.fault import Fault, entered, pair

FAULTS = dict(sorted(entered.items(), key=lambda item: int(item[0][1:])))

__all__ = [
    "FAULTS",
    "Fault",
    "clients",
    "clocks",
    "disks",
    "network",
    "pair",
    "processes",
    "servers",
    "stripe",
    "versions",
]
