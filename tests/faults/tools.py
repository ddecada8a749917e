"""What faults are made with: a firewall, small disks, failing system calls. Each says whether it is there.

The campaign runs in a network and a mount namespace of its own (`enter_namespaces`), so that nothing of this can reach anybody
else, and all of it is gone with the campaign, however that ends.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

INSIDE = "TESTS_NAMESPACES"
DEBIAN = {
    "nft": "nftables",
    "fiu-run": "fiu-utils",
    "unshare": "util-linux",
    "ip": "iproute2",
}
"""The programs, and the Debian packages that have them."""
BLOCK_BYTES = 1 << 20


class Missing(Exception):
    """A fault that cannot be injected on this machine, and why."""


def need(*programs: str) -> None:
    """Raises Missing."""
    if absent := [program for program in programs if shutil.which(program) is None]:
        packages = " ".join(sorted({DEBIAN.get(program, program) for program in absent}))
        raise Missing(f"{', '.join(absent)} not found (Debian: {packages})")


def enter_namespaces() -> None:
    """Starts this program again in namespaces of its own, as root may; elsewhere nothing changes."""
    if INSIDE in os.environ or os.geteuid() != 0 or shutil.which("unshare") is None:
        return
    inside = f'ip link set lo up && exec {sys.executable} -m {_module()} "$@"'
    command = ("unshare", "--net", "--mount", "sh", "-c", inside, "sh", *sys.argv[1:])
    os.execvpe(command[0], command, {**os.environ, INSIDE: "1"})


def _module() -> str:
    spec = sys.modules["__main__"].__spec__
    assert spec is not None, "started with python -m"
    return spec.name.removesuffix(".__main__")


def _need_namespaces() -> None:
    if INSIDE not in os.environ:
        raise Missing("network and mount namespaces need root")


class Firewall:
    """Rules for what goes to or comes from ports of this machine."""

    def __init__(self) -> None:
        _need_namespaces()
        need("nft")

    def drop(self, ports: Iterable[int]) -> None:
        """Packets vanish: nobody is told."""
        self._say(ports, "drop", both=True)

    def reset(self, ports: Iterable[int]) -> None:
        """Connections are refused, and those that there are end."""
        self._say(ports, "reject with tcp reset", both=False)

    def lose(self, ports: Iterable[int], percent: int) -> None:
        """So many of a hundred packets vanish."""
        self._say(ports, f"numgen random mod 100 < {percent} drop", both=True)

    def open(self) -> None:
        """No rules any more."""
        subprocess.run(["nft", "delete", "table", "inet", "faults"], capture_output=True, check=False)

    def _say(self, ports: Iterable[int], verdict: str, both: bool) -> None:
        self.open()
        listed = "{ " + ", ".join(map(str, ports)) + " }"
        rules = [f"tcp dport {listed} {verdict}"] + ([f"tcp sport {listed} {verdict}"] if both else [])
        lines = [
            "table inet faults {",
            "chain input {",
            "type filter hook input priority 0",
            *rules,
            "}",
            "}",
            "",
        ]
        program = "\n".join(lines)
        subprocess.run(["nft", "-f", "-"], input=program.encode(), check=True)


class Disk:
    """A small file system in memory, in place of a folder."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        _need_namespaces()
        self._folder, self._ballast = folder, folder / "ballast"
        folder.mkdir(parents=True, exist_ok=True)
        size = f"size={megabytes}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], check=True)

    def fill(self) -> None:
        """Until nothing more fits, not a byte."""
        with self._ballast.open("ab", buffering=0) as ballast:
            for size in (BLOCK_BYTES, 4096, 1):
                try:
                    while ballast.write(b"\0" * size):
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        """What was on it is gone."""
        subprocess.run(["umount", "--lazy", str(self._folder)], check=True)


def failing_io(percent: float) -> tuple[str, ...]:
    """What to put before a command so that so many of a hundred of its writes and syncs fail with EIO or ENOSPC."""
    need("fiu-run")
    names = ("posix/io/rw/write", "posix/io/rw/pwrite", "posix/io/rw/writev", "posix/io/sync/*")
    rules = [
        word for name in names for word in ("-c", f"enable_random name={name},probability={percent / 100}")
    ]
    return ("fiu-run", "-x", *rules)
