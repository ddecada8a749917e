"""(a) Throughput without waiting for the provider: prefilled commands, one process, how fast it empties them."""

import random
from collections import defaultdict
from uuid import uuid4

from sandbox.testing import Servers
from streams.delivery import changelog_topic
from streams.topics import COMMANDS, DEAD_LETTERS, EVENTS, POLICIES
from tests.bench.report import Report, ratios, spread
from tests.bench.rounds import Drained, drained, ends, fill, make_topics, running

TOY_RECORDS, NAIVE_RECORDS, DRAIN_RECORDS = 200_000, 20_000, 30_000

PURE = "delivery alone (copy a record)"
REAL = "the writer (decode, decide, encode)"


async def measure(servers: Servers, rounds: int, order: random.Random, report: Report) -> None:
    bootstrap = servers.kafka().bootstrap
    await make_topics(bootstrap, ["toy.commands", "naive.commands", COMMANDS, EVENTS, DEAD_LETTERS, POLICIES])
    await fill(bootstrap, "toy.commands", TOY_RECORDS)
    await fill(bootstrap, "naive.commands", NAIVE_RECORDS)
    await fill(bootstrap, COMMANDS, DRAIN_RECORDS)
    seen: defaultdict[str, list[Drained]] = defaultdict(list)
    for _ in range(rounds):
        kinds = ["bare toy", "millrace toy", "naive toy", "bare drain", "millrace drain"]
        order.shuffle(kinds)
        for kind in kinds:
            seen[kind].append(await _round(bootstrap, kind))
            print(f"{kind}: {seen[kind][-1].per_s:,.0f}/s", flush=True)
    _tell(seen, report)


async def _round(bootstrap: str, kind: str) -> Drained:
    who, what = kind.split()
    prefix = f"b{uuid4().hex[:8]}"
    events, changelog, dead = f"{prefix}.events", f"{prefix}.changelog", f"{prefix}.dead"
    source = {"toy": "naive.commands" if who == "naive" else "toy.commands", "drain": COMMANDS}[what]
    environment = {
        "MILLRACE_KAFKA_BOOTSTRAP": bootstrap,
        "MILLRACE_INTERNAL_KEY": "bench",
        "MILLRACE_GROUP_PREFIX": prefix,
        "BENCH_PREFIX": prefix,
        "BENCH_COMMANDS": source,
    }
    compacted = [changelog, changelog_topic(f"{prefix}-writer", "toy" if what == "toy" else "payments")]
    names = [f"{prefix}.events", dead, *compacted, f"{prefix}-naive-toy-changelog"]
    if (who, what) == ("millrace", "drain"):
        module: tuple[str, ...] = ("agents.writer",)
        events = EVENTS
    elif who == "millrace":
        module = ("tests.bench.toy", "delivery")
    elif who == "naive":
        module = ("tests.bench.toy", "naive")
    else:
        module = ("tests.bench.bare", what)
    await make_topics(bootstrap, names, compacted)
    count = {"bare toy": TOY_RECORDS, "millrace toy": TOY_RECORDS, "naive toy": NAIVE_RECORDS}.get(
        kind, DRAIN_RECORDS
    )
    before = await ends(bootstrap, events)
    with running(module, **environment) as (process,):
        return await drained(bootstrap, before, count, process)


def _tell(seen: dict[str, list[Drained]], report: Report) -> None:
    rows = []
    for what, label in (("toy", PURE), ("drain", REAL)):
        bare, ours = seen[f"bare {what}"], seen[f"millrace {what}"]
        rows.append([f"bare aiokafka: {label}", _rate(bare), "1", _cpu(bare)])
        rows.append([f"Millrace: {label}", _rate(ours), _ratio(ours, bare), _cpu(ours)])
    rows.insert(
        2,
        [
            "naive Faust: copy a record",
            _rate(seen["naive toy"]),
            _ratio(seen["naive toy"], seen["bare toy"]),
            _cpu(seen["naive toy"]),
        ],
    )
    times = _ratio(seen["millrace toy"], seen["naive toy"], digits=0)
    report.table(
        "Throughput, no waiting for the provider",
        f"One process, prefilled commands, 4 partitions; median (least–most). Must: 0.45 of bare and 15 times naive Faust. "
        f"Here Millrace's delivery is {times} times naive Faust.",
        ["what", "records/s", "of bare", "CPU µs per record"],
        rows,
    )


def _rate(rounds: list[Drained]) -> str:
    return spread([each.per_s for each in rounds], 0)


def _cpu(rounds: list[Drained]) -> str:
    return spread([each.cpu_us for each in rounds], 0)


def _ratio(these: list[Drained], those: list[Drained], digits: int = 2) -> str:
    return spread(ratios([each.per_s for each in these], [each.per_s for each in those]), digits)
