"""`make bench`: throughput against bare aiokafka, latency added, CPU per payment. Prints tables, keeps them in docs/."""

import argparse
import random
import tempfile
from pathlib import Path

import uvloop

from sandbox.testing import Servers, choose_servers
from tests.bench import analytics, chain, doors, drain, taking_in, webhooks
from tests.bench.report import Report

PARTS = ("drain", "chain", "doors", "webhooks", "analytics")
DOCS = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"


async def measure(part: str, servers: Servers, arguments: argparse.Namespace, report: Report) -> None:
    order = random.Random(arguments.seed)
    if part == "drain":
        await drain.measure(servers, arguments.rounds, order, report)
    elif part == "doors":
        await doors.measure(servers, arguments.rounds, order, report)
    elif part == "webhooks":
        await webhooks.measure(servers, arguments.rounds, arguments.seconds, report)
    elif part == "analytics":
        await taking_in.measure(servers, arguments.rounds, order, report)
        await analytics.measure(servers, arguments.rounds, report)
    else:
        await chain.measure(servers, arguments.rounds, arguments.seconds, order, report)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each latency round")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--keep", action="store_true", help="write docs/benchmarks.md")
    arguments = parser.parse_args()
    report = Report()
    for (
        part
    ) in arguments.parts:  # on servers of its own: a service would first have to do what the other left
        with tempfile.TemporaryDirectory() as folder, choose_servers(Path(folder)) as servers:
            uvloop.run(measure(part, servers, arguments, report))
    if arguments.keep:
        report.write(DOCS)


if __name__ == "__main__":
    main()
