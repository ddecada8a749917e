"""The chaos campaign: `python -m tests.faults.delivery.chaos --seeds 20 --brokers 3`.

Each seed feeds commands to a payment service in miniature while processes are killed, stopped, put to sleep beyond
their session, joined by others, and brokers killed; then everything must be as if nothing had happened. The report
says what was done and what was seen. `--bug NAME` plants a bug (`planted/`) that the campaign has to notice.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.delivery import CHANGELOG_CONFIG, DEAD_LETTERS_CONFIG, changelog_topic
from tests.faults.brokers import Brokers
from tests.faults.delivery.feed import feed
from tests.faults.delivery.mayhem import Mayhem
from tests.faults.delivery.subject import PARTITIONS
from tests.faults.delivery.verdict import collect, judge
from tests.faults.delivery.workers import Workforce

QUIET_LOOKS = 2  # in a row with nothing left to do, before a run counts as settled
LOOK_S = 2.0
ROLES_AT_FIRST = ("writer", "writer", "gateway", "gateway")


@dataclass(frozen=True)
class Plan:
    """One run. What it does follows from the seed alone; what happens, from the machine as well."""

    seed: int
    keys: int = 500
    per_key: int = 10
    seconds: float = 60.0
    session_s: float = 6.0
    broker_kills: int = 2
    settle_within_s: float = 120.0
    bug: str = ""


async def run(plan: Plan, brokers: Brokers, folder: Path) -> dict[str, Any]:
    """One seed, from empty topics to the verdict; `violations` is empty when it is clean."""
    name = f"chaos-{plan.seed}-{int(time.time())}"
    await brokers.create(_topics(name), PARTITIONS)
    ledger, rnd = folder / "ledger", random.Random(plan.seed)
    env = {"RUN": name, "BOOTSTRAP": brokers.bootstrap, "LEDGER": str(ledger), "BUG": plan.bug}
    workforce = Workforce(folder, env | {"SESSION_S": str(plan.session_s)})
    mayhem = Mayhem(workforce, brokers, plan.session_s, rnd)
    for role in ROLES_AT_FIRST:
        workforce.hire(role)
    supervising = asyncio.create_task(workforce.supervise())
    feeding = asyncio.create_task(
        feed(
            brokers.bootstrap,
            f"{name}-commands",
            plan.keys,
            plan.per_key,
            plan.seconds,
            random.Random(plan.seed),
        )
    )
    await mayhem.rage(plan.seconds, plan.broker_kills)
    sent, quiet_at = await feeding, time.monotonic()
    settled = await _settled(plan, brokers, name, ledger)
    settled_s = time.monotonic() - quiet_at
    supervising.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await supervising
    await workforce.dismiss()
    evidence = await collect(brokers.bootstrap, name, PARTITIONS, ledger, plan.keys, plan.per_key)
    violations = judge(evidence) | ({} if settled else {"did not settle": 1})
    violations |= {
        f"ended with {code}": n for code, n in workforce.exits.items() if code.endswith(("HUNG", "end 71"))
    }
    return {
        "seed": plan.seed, "brokers": len(brokers.nodes), "bug": plan.bug, "violations": violations,
        "acts": dict(mayhem.acts), "exits": dict(workforce.exits), "fenced": workforce.logged("ProducerFenced"),
        "records": sent, "events": len(evidence.events), "changelog": len(evidence.changelog), "dead": len(evidence.dead),
        "provider_calls": len(evidence.ledger), "settled_s": round(settled_s, 1), "folder": str(folder),
    }  # fmt: skip


def _topics(name: str) -> dict[str, dict[str, str]]:
    plain: dict[str, dict[str, str]] = {f"{name}-{each}": {} for each in ("commands", "events", "replies")}
    changelog = changelog_topic(f"{name}-writer", "state")
    return plain | {f"{name}-dead": DEAD_LETTERS_CONFIG, changelog: CHANGELOG_CONFIG}


async def _settled(plan: Plan, brokers: Brokers, name: str, ledger: Path) -> bool:
    """Whether nothing was left to do, some looks in a row, within the time."""
    deadline, quiet = time.monotonic() + plan.settle_within_s, 0
    while time.monotonic() < deadline and quiet < QUIET_LOOKS:
        await asyncio.sleep(LOOK_S)
        found = await collect(brokers.bootstrap, name, PARTITIONS, ledger, plan.keys, plan.per_key)
        violations = judge(found)
        behind = violations.keys() & {"commands behind the writer", "events behind the gateway"}
        quiet = 0 if behind or "command without a settled event" in violations else quiet + 1
    return quiet >= QUIET_LOOKS


def told(result: dict[str, Any]) -> str:
    """One run as a paragraph that a person can read."""
    verdict = "CLEAN" if not result["violations"] else f"NOT CLEAN {result['violations']}"
    counted = (
        "acts",
        "exits",
        "fenced",
        "records",
        "events",
        "changelog",
        "dead",
        "provider_calls",
        "settled_s",
    )
    bug = f" with bug {result['bug']}" if result["bug"] else ""
    what = "\n".join(f"    {name:15} {result[name]}" for name in (*counted, "folder"))
    return f"seed {result['seed']}, {result['brokers']} broker(s){bug}: {verdict}\n{what}\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=20, help="how many, counted from --first")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--brokers", type=int, default=1, choices=(1, 3))
    parser.add_argument("--keys", type=int, default=500)
    parser.add_argument("--per-key", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--broker-kills", type=int, default=2)
    parser.add_argument("--bug", default="")
    parser.add_argument(
        "--folder", type=Path, default=None, help="for logs, data and report.txt; else a new one in /tmp"
    )
    asked = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="chaos-"))
    brokers = Brokers(folder, asked.brokers)
    brokers.start()
    results = []
    try:
        for seed in range(asked.first, asked.first + asked.seeds):
            plan = Plan(
                seed, asked.keys, asked.per_key, asked.seconds, broker_kills=asked.broker_kills, bug=asked.bug
            )
            results.append(asyncio.run(run(plan, brokers, folder / f"seed{seed}")))
            print(told(results[-1]), flush=True)
            with (folder / "results.jsonl").open("a") as lines:
                lines.write(json.dumps(results[-1]) + "\n")
    finally:
        brokers.stop()
    clean = sum(not result["violations"] for result in results)
    summary = f"{clean} of {len(results)} seeds clean"
    (folder / "report.txt").write_text("\n".join([*map(told, results), summary, ""]))
    print(f"{summary}; report: {folder / 'report.txt'}")
    sys.exit(0 if clean == len(results) else 1)


if __name__ == "__main__":
    main()
