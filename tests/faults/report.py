"""What a campaign found, as tables that a sceptic can read: fault × invariant, recovery, what clients felt, planted bugs."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.faults.catalogue import FAULTS
from tests.faults.catalogue.processes import DOOR_POINTS, WORKER_POINTS
from tests.faults.planted import CAMPAIGN
from tests.faults.world import role_of

Line = dict[str, Any]
POINTS = (*WORKER_POINTS, *DOOR_POINTS)
INVARIANTS = [f"I{number}" for number in range(1, 17)]
JUDGED_AT_THE_END = ("I13", "I16")
DECEIVED = ("F11", "F17")
"""The log's own clock is wrong there: how long something waited cannot be read from it."""
END_OF_SYSTEM = "end"
BEGIN, END = "<!-- campaign -->", "<!-- end of campaign -->"


def written(lines: list[Line], soaks: list[Line] | None = None, simulated: list[Line] | None = None) -> str:
    """Markdown. `soaks`, `simulated`: what these have kept (soak.py; tests.simulation --into), the last of each counts."""
    sound = [line for line in lines if not line["bug"]]
    planted = [line for line in lines if line["bug"]]
    parts = [
        _code([*lines, *(soaks or [])[-1:], *(simulated or [])]),
        _matrix(sound),
        _felt(sound),
        _killed(sound),
        _figures(sound),
        _bugs(planted),
    ]
    parts += [_soak(soaks or []), _simulation(simulated or [])]
    return "\n".join(line for part in filter(None, parts) for line in [*part, ""])


def _code(lines: list[Line]) -> list[str]:
    of = {line["code"]: line["revision"] for line in reversed(lines)}
    named = ", ".join(f"`{code}` (revision `{revision}`)" for code, revision in sorted(of.items()))
    return [f"Production code: {named}."] if of else []


def shows(line: Line) -> bool:
    """Whether a planted bug was noticed in this run: by an invariant that it breaks, and by no accident."""
    return bool(set(line["violations"]) & set(CAMPAIGN[line["bug"]].breaks))


def noticed(lines: Iterable[Line]) -> set[str]:
    """The planted bugs that some run has shown."""
    return {line["bug"] for line in lines if line["bug"] and shows(line)}


def put(report: str, page: Path) -> None:
    """Between the marks of that page."""
    before, _, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n{report}\n{END}{after}")


def _matrix(lines: list[Line]) -> list[str]:
    """Runs in which an invariant was violated, of each fault; a dash where it is judged when the system has served."""
    rows = [f"| fault | runs | {' | '.join(INVARIANTS)} |", f"|---|---|{'---|' * len(INVARIANTS)}"]
    for id, what, runs, why in _by_fault(lines):
        hit = [
            sum(name in line["violations"] for line in runs)
            if id == END_OF_SYSTEM or name not in JUDGED_AT_THE_END
            else "–"
            for name in INVARIANTS
        ]
        cells = " | ".join(map(str, hit)) if runs else f"{why} |{' |' * (len(INVARIANTS) - 2)}"
        rows.append(f"| {id} {what} | {len(runs)} | {cells} |")
    return rows


def _felt(lines: list[Line]) -> list[str]:
    rows = [
        "| fault | recovery p50 / max, s | p99, s | 5xx or no answer | longest until settled, s | duplicates absorbed |",
        "|---|---|---|---|---|---|",
    ]
    for id, _, runs, _ in _by_fault(lines):
        if runs and id != END_OF_SYSTEM:
            rows.append(
                f"| {id} | {_recovery(runs)} | {max(line['figures']['p99_s'] for line in runs):.1f} |"
                f" {_mean(runs, 'unavailable'):.2%} | {_oldest(runs)} |"
                f" {_sum(runs, 'duplicates'):.0f} |"
            )
    return rows


def _killed(lines: list[Line]) -> list[str]:
    """Recovery by who was killed without warning, where nothing else was done: F1, F3, F5, F20."""
    took = defaultdict[str, list[float]](list)
    for line in lines:
        for victim, seconds in zip(_victims(line), line["recovered_s"], strict=False):
            took[victim].append(seconds)
    everybody = [each for some in took.values() for each in some]
    rows = [
        f"| {victim} | {len(some)} | {statistics.median(some):.1f} | {max(some):.1f} |"
        for victim, some in [*sorted(took.items()), ("any of them", everybody)]
        if some
    ]
    header = "| killed | times | p50, s | max, s: until new commands settled on every partition |"
    return [header, "|---|---|---|---|", *rows] if rows else []


def _victims(line: Line) -> list[str]:
    """In the order of the strikes."""
    notes = line["notes"]
    match line["fault"]:
        case "F1":
            return [role_of(name) for name in [*notes.get("died there", ()), *notes.get("SIGKILL", ())[-1:]]]
        case "F3":
            return [role_of(name) for name in notes.get("died there", ())]
        case "F5":
            return ["broker" if len(numbers) == 1 else "two brokers" for numbers in notes["brokers killed"]]
        case "F20":
            return ["all writers"]
    return []


def _by_fault(lines: list[Line]) -> Iterator[tuple[str, str, list[Line], str]]:
    """Each fault with its runs; why there are none."""
    whats = {id: fault.what for id, fault in FAULTS.items()}
    for id, what in {**whats, END_OF_SYSTEM: "of each system"}.items():
        mine = [line for line in lines if line["fault"] == id]
        absent = "; ".join(sorted({line["missing"] for line in mine if line["missing"]}))
        yield id, what, [line for line in mine if not line["missing"]], absent or "not run"


def _soak(lines: list[Line]) -> list[str]:
    if not lines:
        return []
    last = lines[-1]
    said = (
        f"Soak of {last['minutes']:g} minutes at 60 % of {last['capacity_per_s']:g} payments/s, {len(last['faults'])} faults"
        f" ({', '.join(last['faults'])}): {last['payments']} payments, {sum(last['violations'].values())} violations,"
        f" lag {last['lag']:g} at the end, recovered within {max(last['recovered_s'], default=0):.1f} s."
    )
    rows = [
        f"| {one['process']} | {one['lived_min']} | {one['mb']} | {one['mb_per_min']:+.2f} | {one['fds']} |"
        for one in last["processes"]
    ]
    header = "| process that lived for ten minutes or more | min | MB | MB per min, second half | descriptors, at most |"
    at_rest = ", ".join(f"{role} {more:+d}" for role, more in sorted(last["fds_grown_at_rest"].items()))
    said += f" Descriptors at rest, afterwards against before: {at_rest}."
    return [said, "", header, "|---|---|---|---|---|", *rows]


def _simulation(lines: list[Line]) -> list[str]:
    told = [
        f"Simulation: {line['seeds']} seeds, {line['wrong']} with a violation, {line['a_minute']} a minute"
        f" on {line['processes']} cores."
        for line in lines
        if "seeds" in line
    ]
    planted = {line["plant"]: line for line in lines if "plant" in line}
    rows = [
        f"| `{name}` | {line['noticed']} of {line['of']} | {str(line['by']).partition(' ')[0]} |"
        for name, line in sorted(planted.items())
    ]
    header = "| planted in the simulation | noticed in seeds | by |"
    return [*told[-1:], *(["", header, "|---|---|---|", *rows] if rows else [])]


def _violations(lines: Iterable[Line]) -> str:
    found = Counter[str]()
    for line in lines:
        found.update(line["violations"])
    return ", ".join(f"{name} × {times}" for name, times in sorted(found.items())) or "0"


def _recovery(lines: Iterable[Line]) -> str:
    took = [each for line in lines for each in line["recovered_s"]]
    return f"{statistics.median(took):.1f} / {max(took):.1f}" if took else ""


def _oldest(lines: Iterable[Line]) -> str:
    waited = [line["oldest_s"] for line in lines if not set(_faults(line)) & set(DECEIVED)]
    return f"{max(waited):.1f}" if waited else ""


def _faults(line: Line) -> list[str]:
    """Of a pair both."""
    return [line["fault"], *(each for pair in line["notes"].get("pair", ()) for each in pair.split("+"))]


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
        ("runs", len([line for line in lines if line["fault"] != END_OF_SYSTEM and not line["missing"]])),
        ("accepted by a door, as clients saw it (the same again counts again)", _sum(lines, "accepted")),
        ("commands settled, each once, in the log", _sum(lines, "settled")),
        ("outcomes unknown for a while", _sum(lines, "unknown")),
        ("manual review", _sum(lines, "review")),
        ("double charges (I1)", violated["I1"]),
        ("lost commands (I2, I14)", violated["I2"] + violated["I14"]),
        ("ghosts (I8)", violated["I8"]),
        ("differences between the four truths (I6)", violated["I6"]),
        ("all other violations", violated.total() - sum(violated[f"I{n}"] for n in (1, 2, 6, 8, 14))),
        ("duplicates absorbed", _sum(lines, "duplicates")),
        ("dead letters, each of poison", _sum(lines, "dead_letters")),
        (f"crash points struck, of {len(POINTS)}", len(points)),
    ]
    return ["| figure | |", "|---|---|", *(f"| {name} | {value:g} |" for name, value in rows)]


def _bugs(lines: list[Line]) -> list[str]:
    by_bug = defaultdict[str, list[Line]](list)
    for line in lines:
        by_bug[line["bug"]].append(line)
    rows = []
    for bug, found in sorted(by_bug.items()):
        runs = [line["fault"] for line in found if line["fault"] != END_OF_SYSTEM]
        noticed = sum(map(shows, found))
        rows.append(
            f"| `{bug}` | {'+'.join(dict.fromkeys(runs))} | {noticed} of {len(runs)} | {_violations(found)} |"
        )
    header = "| planted bug | faults | noticed in runs, mostly up to the first | by (of each run 15 at most are counted) |"
    return [header, "|---|---|---|---|", *rows] if rows else []
