"""What faults are made with: a firewall, small disks, writes that fail. Each says whether it is there.

The campaign runs in a network and a mount namespace of its own (`enter_namespaces`), so that nothing of this can reach anybody
else, and all of it is gone with the campaign, however that ends.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from struct import Struct
from typing import NamedTuple

INSIDE = "TESTS_NAMESPACES"
APART = ("unshare", "--net", "--mount")
DEBIAN = {
    "nft": "nftables",
    "cc": "gcc libc6-dev",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "ip": "iproute2",
}
"""The programs, and the Debian packages that have them."""
BLOCK_BYTES = 1 << 20
TABLE = ("inet", "faults")
PLAN = Struct("=IiQQQ")
"""As failing_io.c has it: percent, error, seed, calls, failed."""


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
    if subprocess.run([*APART, "true"], capture_output=True, check=False).returncode != 0:
        return  # root of a container that may not
    inside = f'ip link set lo up && exec {sys.executable} -m {_module()} "$@"'
    command = (*APART, "sh", "-c", inside, "sh", *sys.argv[1:])
    os.execvpe(command[0], command, {**os.environ, INSIDE: "1"})


def _module() -> str:
    spec = sys.modules["__main__"].__spec__
    assert spec is not None, "started with python -m"
    return spec.name.removesuffix(".__main__")


def _need_namespaces() -> None:
    if INSIDE not in os.environ:
        raise Missing("network and mount namespaces need root")


def in_group(group: int) -> tuple[str, ...]:
    """What to put before a command so that a firewall knows its packets. Nothing without namespaces: there is no firewall."""
    return ("setpriv", "--regid", str(group), "--keep-groups") if INSIDE in os.environ else ()


class Host(NamedTuple):
    """A server as a firewall sees it: where it listens, and the group that its process is in."""

    ports: tuple[int, ...]
    group: int


class Firewall:
    """Between these servers and everybody, each other too: what goes to their ports, and all that they send. Or between them
    and some.
    """

    def __init__(self) -> None:
        _need_namespaces()
        need("nft", "setpriv")
        tried = subprocess.run(["nft", "add", "table", *TABLE], capture_output=True, check=False)
        if tried.returncode != 0:
            raise Missing(f"nft: {tried.stderr.decode(errors='replace').strip()[:200]}")

    def drop(self, hosts: Iterable[Host]) -> None:
        """Packets vanish: nobody is told."""
        self._say(hosts, "drop")

    def reset(self, hosts: Iterable[Host]) -> None:
        """Connections are refused, and those that there are end."""
        self._say(hosts, "reject with tcp reset")

    def lose(self, hosts: Iterable[Host], percent: int) -> None:
        """So many of a hundred packets vanish."""
        self._say(hosts, "drop", f"numgen random mod 100 < {percent}")

    def part(self, hosts: Iterable[Host], others: Iterable[Host]) -> None:
        """Packets from the ones to the others vanish, and back; everybody else reaches both."""
        these, those = [*hosts], [*others]
        ways = [(these, those), (those, these)]
        self._rule([], [f"{_sent_by(some)} {_sent_to(rest)} counter drop" for some, rest in ways])

    def open(self) -> int:
        """No rules any more. How many packets they have hit."""
        listed = subprocess.run(["nft", "-j", "list", "table", *TABLE], capture_output=True, check=False)
        subprocess.run(["nft", "delete", "table", *TABLE], capture_output=True, check=False)
        items = json.loads(listed.stdout)["nftables"] if listed.returncode == 0 else []
        said = [each for item in items for each in item.get("rule", {}).get("expr", ())]
        return sum(each["counter"]["packets"] for each in said if "counter" in each)

    def _say(self, hosts: Iterable[Host], verdict: str, chance: str = "") -> None:
        some, ends = [*hosts], f"meta l4proto tcp {chance} counter {verdict}"
        self._rule([f"{_sent_to(some)} {ends}"], [f"{_sent_by(some)} {ends}"])

    def _rule(self, incoming: list[str], outgoing: list[str]) -> None:
        """Instead of what was."""
        self.open()
        lines = [
            f"table {' '.join(TABLE)} {{",
            "chain incoming {",
            "type filter hook input priority 0",
            *incoming,
            "}",
            "chain outgoing {",
            "type filter hook output priority 0",
            *outgoing,
            "}",
            "}",
            "",
        ]
        subprocess.run(["nft", "-f", "-"], input="\n".join(lines).encode(), check=True)


def _sent_to(hosts: Iterable[Host]) -> str:
    return f"tcp dport {_listed(port for host in hosts for port in host.ports)}"


def _sent_by(hosts: Iterable[Host]) -> str:
    return f"meta skgid {_listed(host.group for host in hosts)}"


def _listed(numbers: Iterable[int]) -> str:
    return "{ " + ", ".join(map(str, sorted(numbers))) + " }"


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


class FailingIo:
    """Writes and syncs of files that fail, in whatever program began with `before` and its children, while it is said."""

    def __init__(self, folder: Path) -> None:
        """The programs may be anybody's."""
        need("cc")
        folder.mkdir(exist_ok=True)
        library, plan = folder / "failing_io.so", folder / "plan"
        source = Path(__file__).with_name("failing_io.c")
        built = subprocess.run(
            ["cc", "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], capture_output=True, check=False
        )
        if built.returncode != 0:
            raise Missing(f"{source.name} cannot be compiled: {built.stderr.decode(errors='replace')[:200]}")
        plan.write_bytes(PLAN.pack(0, 0, 0, 0, 0))
        plan.chmod(0o666)
        self._plan = plan
        self.before = ("env", f"LD_PRELOAD={library}", f"TESTS_FAILING_IO={plan}")

    def begin(self, percent: int, errno: int, seed: int) -> None:
        """So many of a hundred calls."""
        self._say(PLAN.pack(percent, errno, seed, 0, 0))

    def end(self) -> tuple[int, int]:
        """How many calls there were, and how many failed."""
        *_, calls, failed = PLAN.unpack(self._plan.read_bytes())
        self._say(PLAN.pack(0, 0, 0, calls, failed))
        return calls, failed

    def _say(self, plan: bytes) -> None:
        with self._plan.open("r+b") as file:
            file.write(plan)
