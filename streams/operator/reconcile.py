"""`millrace reconcile`: holds the truths against each other and tells what differs, on the terminal and on a topic. What is
compared, and when it counts, is `streams.reconciling`'s.
"""

import asyncio
import sys
import traceback
from collections.abc import Collection
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from models.errors import Unavailable
from streams import topics
from streams.accounts import accounts
from streams.adapters.kafka_log import KafkaLog, partitions_of
from streams.adapters.postgres.kept import PostgresKept
from streams.adapters.stripe_books import StripeBooks
from streams.adapters.stripe_transport import StripeTransport
from streams.delivery import changelog_topic, partition_of
from streams.kafka_clients import client_settings, reaching
from streams.logs import blotted
from streams.operator.printing import show, write_json
from streams.operator.progress import Steps
from streams.operator.withholding import told
from streams.reconciling.comparing import EVENTS, POSTGRES, STRIPE, TABLE, Difference
from streams.reconciling.reconciler import Findings, Reconciler, Scope, Truths
from streams.settings import Settings, SettingsRefused, load
from streams.wire import differences

AGREED, DIFFER, UNDONE = 0, 1, 2
"""Exit codes."""
SHOWN_MAX = 200  # differences on a terminal; `--json` and the topic have them all


@dataclass(frozen=True)
class Wanted:
    """What was asked for on the command line."""

    stripe: bool
    reads_per_s: int
    scope: Scope
    as_json: bool


def reconcile(wanted: Wanted) -> int:
    """The exit code."""
    try:
        settings = load()
        run, at = str(uuid4()), datetime.now(UTC)
        findings = asyncio.run(_reconciled(settings, wanted, run, at))
    except (Unavailable, SettingsRefused) as failed:
        print(f"millrace reconcile: could not be done: {failed}", file=sys.stderr)
        return UNDONE
    except Exception:  # a bug must not look like a difference
        traceback.print_exc()
        return UNDONE
    if wanted.as_json:
        _write_json(findings, run)
    else:
        _show(findings)
    if findings.unnamed:
        names = ", ".join(sorted(findings.unnamed))
        print(
            f"millrace reconcile: payments are in Stripe accounts that no setting names, and were not compared: {names}; "
            "see MILLRACE_STRIPE_ACCOUNTS_FILE",
            file=sys.stderr,
        )
        return UNDONE
    return DIFFER if findings.differences else AGREED


async def _reconciled(settings: Settings, wanted: Wanted, run: str, at: datetime) -> Findings:
    clients = client_settings(settings)
    changelog = changelog_topic(topics.writer_group(settings), topics.WRITER_TABLE)
    progress = Steps()
    with reaching(settings):
        async with AsyncExitStack() as stack:
            events = await stack.enter_async_context(KafkaLog(clients, topics.EVENTS))
            table = await stack.enter_async_context(KafkaLog(clients, changelog))
            # only so that, where there is no such topic, it is said before the work and not after it
            await stack.enter_async_context(KafkaLog(clients, topics.DIFFERENCES))
            postgres = PostgresKept(settings.postgres_dsn)
            stack.push_async_callback(postgres.close)
            truths = Truths(events, postgres, table, _books(settings, wanted, stack))
            findings = await Reconciler(truths, wanted.scope, progress.tell).run()
        progress.end()
        withheld = [told(each) for each in findings.differences]
        findings.differences = withheld
        await _publish(clients, withheld, run, at)
    return findings


def _books(settings: Settings, wanted: Wanted, stack: AsyncExitStack) -> list[StripeBooks]:
    """Of every account, whichever merchant is asked about: a payment stays in the one it was made in."""
    if not wanted.stripe:
        return []
    known = accounts(settings)
    books = [
        StripeBooks(
            StripeTransport(known.api_key(account), settings.stripe_api_base, account.connected),
            wanted.reads_per_s,
            account.name,
        )
        for account in known.all()
    ]
    for each in books:
        stack.push_async_callback(each.close)
    return books


async def _publish(clients: dict[str, Any], found: list[Difference], run: str, at: datetime) -> None:
    if not found:
        return
    producer = AIOKafkaProducer(acks="all", enable_idempotence=True, **clients)
    await producer.start()
    try:
        partitions = len(await partitions_of(producer.client, topics.DIFFERENCES))
        for each in found:
            record = differences.write(run, at, each.payment, each.merchant or None, each.field, each.values)
            key = each.payment.encode()
            await producer.send(
                record.topic,
                record.value,
                key,
                partition=partition_of(key, partitions),
                headers=list(record.headers),
            )
        await producer.flush()
    finally:
        await producer.stop()


def _write_json(findings: Findings, run: str) -> None:
    document = {
        "run": run,
        "payments": findings.payments,
        "unreadable": findings.unreadable,
        "pairs": _pairs(findings),
        "open": findings.open,
        "differences": [asdict(each) for each in findings.differences],
    }
    write_json(document)


def _show(findings: Findings) -> None:
    counted = ("compared", "differ")
    pairs = [
        {"truths": f"{EVENTS} = {pair['with']}"} | {name: f"{pair[name]:,}" for name in counted}
        for pair in _pairs(findings)
    ]
    show(pairs, as_json=False)
    if STRIPE in findings.compared:
        print("What was refused before Stripe was asked is not there to be compared.")
    if findings.unreadable:
        print(f"\n{findings.unreadable} records of the log are no events: see `millrace dead-letters`")
    if findings.open:
        print(f"\n{len(findings.open)} open: in flight or in doubt, not compared with Stripe")
        rows = [{"payment": id, "because": reason} for id, reason in findings.open.items()]
        show(rows[:SHOWN_MAX], as_json=False)
    print(f"\n{len(findings.differences)} differences")
    if findings.differences:
        show([_row(each, findings.compared) for each in findings.differences[:SHOWN_MAX]], as_json=False)
    if len(findings.differences) > SHOWN_MAX:
        print(f"… and {len(findings.differences) - SHOWN_MAX} more: see --json, or {topics.DIFFERENCES}")


def _pairs(findings: Findings) -> list[dict[str, Any]]:
    """The log beside each of the others: payments held against each other, and those that differ."""
    return [
        {
            "with": truth,
            "compared": findings.compared[truth],
            "differ": len({each.payment for each in findings.differences if truth in each.values}),
        }
        for truth in (TABLE, POSTGRES, STRIPE)
        if truth in findings.compared
    ]


def _row(difference: Difference, asked: Collection[str]) -> dict[str, Any]:
    """`=`: says the same as the log; empty: was not asked."""
    values = {
        truth: _said(difference.values[truth])
        if truth in difference.values
        else "="
        if truth in asked
        else ""
        for truth in (EVENTS, TABLE, POSTGRES, STRIPE)
    }
    return {"payment": difference.payment, "field": difference.field, **values}


def _said(value: object) -> str:
    return "nothing" if value is None else blotted(str(value))
