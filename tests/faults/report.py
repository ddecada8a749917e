"""What a campaign found, as tables that a sceptic can read: fault × invariant, recovery, what clients felt, planted bugs."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.faults.catalogue import FAULTS

Line = dict[str, Any]
BEGIN, END = "<!-- campaign -->", "<!-- end of campaign -->"


def written(lines: list[Line]) -> str:
    """Markdown."""
    sound = [line for line in lines if not line["bug"]]
    return "\n".join([*_matrix(sound), "", *_figures(sound), "", *_bugs([x for x in lines if x["bug"]])])


def keep(report: str, page: Path) -> None:
    """Between the marks of that page."""
    before, _, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n{report}\n{END}{after}")


def _matrix(lines: list[Line]) -> list[str]:
    head = [
        "| fault | runs | violations | recovery p50 / max, s | 5xx or no answer | p99, s | duplicates absorbed |",
        "|---|---|---|---|---|---|---|",
    ]
    by_fault = defaultdict[str, list[Line]](list)
    for line in lines:
        by_fault[line["fault"]].append(line)
    rows = []
    for id, fault in sorted(FAULTS.items(), key=lambda item: int(item[0][1:])):
        runs = [line for line in by_fault[id] if not line["missing"]]
        absent = {line["missing"] for line in by_fault[id] if line["missing"]}
        if not runs:
            why = "; ".join(sorted(absent)) or "not run"
            rows.append(f"| {id} {fault.what} | 0 | {why} | | | | |")
            continue
        rows.append(
            f"| {id} {fault.what} | {len(runs)} | {_violations(runs)} | {_recovery(runs)} |"
            f" {_mean(runs, 'unavailable'):.2%} | {max(line['figures'].get('p99_s', 0) for line in runs):.1f} |"
            f" {_sum(runs, 'duplicates'):.0f} |"
        )
    ends = by_fault["end"]
    if ends:
        rows.append(f"| at the end of each system: I13 I15 I16 | {len(ends)} | {_violations(ends)} | | | | |")
    return head + rows


def _violations(lines: Iterable[Line]) -> str:
    found = Counter[str]()
    for line in lines:
        found.update(line["violations"])
    return ", ".join(f"{name} × {times}" for name, times in sorted(found.items())) or "0"


def _recovery(lines: Iterable[Line]) -> str:
    took = [each for line in lines for each in line["recovered_s"]]
    return f"{statistics.median(took):.1f} / {max(took):.1f}" if took else ""


def _mean(lines: list[Line], name: str) -> float:
    return float(statistics.mean(line["figures"].get(name, 0.0) for line in lines))


def _sum(lines: Iterable[Line], name: str) -> float:
    return float(sum(line["figures"].get(name, 0) for line in lines))


def _figures(lines: list[Line]) -> list[str]:
    violated = Counter[str]()
    for line in lines:
        violated.update(line["violations"])
    points = {point for line in lines for point in line["notes"].get("points", ())}
    rows = [
        ("runs", len([line for line in lines if line["fault"] != "end"])),
        ("commands accepted", _sum(lines, "accepted")),
        ("commands settled", _sum(lines, "settled")),
        ("outcomes unknown, then resolved", _sum(lines, "unknown")),
        ("manual review", _sum(lines, "review")),
        ("double charges (I1)", violated["I1"]),
        ("lost commands (I2, I14)", violated["I2"] + violated["I14"]),
        ("ghosts (I8)", violated["I8"]),
        ("differences between the four truths (I6)", violated["I6"]),
        ("all other violations", sum(violated.values()) - sum(violated[f"I{n}"] for n in (1, 2, 6, 8, 14))),
        ("duplicates absorbed", _sum(lines, "duplicates")),
        ("dead letters, each of poison", _sum(lines, "dead_letters")),
        ("crash points struck", len(points)),
    ]
    return ["| figure | |", "|---|---|", *(f"| {name} | {value:g} |" for name, value in rows)]


def _bugs(lines: list[Line]) -> list[str]:
    by_bug = defaultdict[str, list[Line]](list)
    for line in lines:
        by_bug[line["bug"]].append(line)
    rows = []
    for bug, runs in sorted(by_bug.items()):
        noticed = sum(bool(line["violations"]) for line in runs)
        faults = "+".join(dict.fromkeys(line["fault"] for line in runs if line["fault"] != "end"))
        rows.append(f"| `{bug}` | {faults} | {noticed} of {len(runs)} | {_violations(runs)} |")
    return ["| planted bug | faults | noticed in runs | by |", "|---|---|---|---|", *rows] if rows else []
