"""What was measured, as tables a person can read: on the terminal and in `docs/benchmarks.md`."""

import os
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

HEAD = """# Benchmarks

Made by `make bench`. One machine runs the load, the broker, the databases and every process, so trust the ratios, which
are taken in one run with the rounds interleaved, and not the absolutes.
"""


@dataclass
class Report:
    sections: list[str] = field(default_factory=list)

    def table(self, title: str, note: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        cells = [[str(cell) for cell in row] for row in rows]
        lines = [f"## {title}", "", note, "", _line(head), _line(["---"] * len(head)), *map(_line, cells), ""]
        self.sections.append("\n".join(lines))
        print(self.sections[-1], flush=True)

    def write(self, to: Path) -> None:
        when = datetime.now(UTC).strftime("%Y-%m-%d")
        where = (
            f"{os.cpu_count()} cores, on which Python {platform.python_version()} counts to a million in {_count_ms():.0f} ms; "
            f"{when}."
        )
        to.write_text("\n".join([HEAD, where, "", *self.sections]))


def _count_ms() -> float:
    """What a machine's speed is, where it is shared with others: 20 when it is fast, 90 when it is slow."""
    began_at = time.perf_counter()
    for _ in range(1_000_000):
        pass
    return (time.perf_counter() - began_at) * 1000


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def ratios(values: Sequence[float], units: Sequence[float]) -> list[float]:
    """Round by round."""
    return [value / unit for value, unit in zip(values, units, strict=True)]


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median, and least to most."""
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"
