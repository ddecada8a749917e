"""`python -m sandbox.kafka_classes`: keeps Kafka's classes as a JVM has them once it has loaded and checked them.

What lives here: making that archive, and nothing that needs it. A broker maps it and answers after less than half the CPU
time; several may do so at once, for it is never written to. Where it is missing or does not fit, the JVM starts without.

Our JDK comes without an archive even of its own classes, so this is one of all that a broker needs: the classes of a broker
that was started for it and stopped again. Source: java(1), "Class Data Sharing", "static CDS archive".
"""

import contextlib
import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from sandbox import processes
from sandbox.kafka import CLASSES, Kafka, class_path, java
from sandbox.ports import Ports
from sandbox.processes import Program

DUMPED_WITHIN_S = 120.0
STOPS_WITHIN_S = 2.0
NICENESS = 19  # the least urgent: a stack may have just started beside it
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")  # what ends at once need not be compiled well
NUMBER = re.compile(r" id: \d+$")  # of one run: two runs have the same numbers for different classes


def make(archive: Path) -> None:
    """Write the archive, whole or not at all. Raises what keeps a broker from starting."""
    with tempfile.TemporaryDirectory(prefix="kafka-classes-") as name:
        folder = Path(name)
        _run_a_broker(folder / "kafka", (*QUICK, f"-XX:DumpLoadedClassList={folder}/%p.classes"))
        seen = folder / "seen"
        seen.write_text("".join(f"{line}\n" for line in _lines(folder)))
        unfinished = archive.with_name(archive.name + ".new")
        options = ("-Xshare:dump", f"-XX:SharedClassListFile={seen}", f"-XX:SharedArchiveFile={unfinished}")
        command = (java(), *QUICK, *options, "-cp", class_path(folder / "kafka"))
        processes.run(Program("java", command, folder / "dump.log"), DUMPED_WITHIN_S)
        unfinished.replace(archive)


def _run_a_broker(folder: Path, options: tuple[str, ...]) -> None:
    ports = Ports()
    broker = Kafka(folder, ports.take(), ports.take(), options=options)
    try:
        broker.start()
    finally:
        broker.stop()
        ports.close()


def _lines(folder: Path) -> dict[str, None]:
    """What any of the runs has loaded, each once; not what came from elsewhere than the class path."""
    lines = (line for each in folder.glob("*.classes") for line in each.read_text().splitlines())
    return {
        NUMBER.sub("", line): None for line in lines if not line.startswith("#") and "source:" not in line
    }


@contextlib.contextmanager
def made_aside(log: Path) -> Iterator[None]:
    """Beside the block a process of its own makes the archive, if it is missing; it ends with the block at the latest."""
    if CLASSES.exists() or not os.access(CLASSES.parent, os.W_OK):
        yield
        return
    program = Program(
        "kafka-classes",
        (sys.executable, "-m", "sandbox.kafka_classes"),
        log,
        stop_signal=signal.SIGINT,  # it cleans up after itself
        stop_within_s=STOPS_WITHIN_S,
    )
    process = processes.spawn(program)
    # It ends long before the block does, and a child that nobody asks after stays as a zombie.
    threading.Thread(target=process.wait, daemon=True).start()
    try:
        yield
    finally:
        processes.stop(process, program)


if __name__ == "__main__":
    os.nice(NICENESS)
    with contextlib.suppress(KeyboardInterrupt):
        make(CLASSES)
