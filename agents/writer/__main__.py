"""`python -m agents.writer`: the single writer over Kafka. The only place where its rules meet their pipes."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from agents.writer import Applied, apply
from agents.writer.doubts import Doubts
from agents.writer.due import DueIndex
from models.codes import Code
from models.commands import CheckPayment, Command, Origin, RecordNotice
from models.errors import InvariantBroken
from models.ids import internal_command_id
from models.policy import Policy
from models.ports import ReplyAddress
from models.row import Row
from models.settling import is_of_another_account
from streams.accounts import accounts
from streams.adapters.kafka_policies import KafkaPolicies
from streams.delivery import App, Out, Outgoing, Poison, Record, Table
from streams.kafka_clients import client_settings
from streams.process import Process, run
from streams.settings import Settings
from streams.topics import COMMANDS, WRITER_TABLE
from streams.tracing import Span, on_kafka
from streams.wire import cloudevents, events, replies, rows
from streams.wire.causes import cause_of
from streams.wire.commands import CommandCodec

log = logging.getLogger("millrace.writer")

TAKE_IN = f"process {COMMANDS}"
"""What the span over a command is called."""

TIMER_S = 0.5
"""How often due work is looked for; a retry waits two seconds at least, so half a second more is not felt."""

DUE_PER_TURN = 500
"""Checks sent per turn: a thousand a second keeps up with thousands due at once, without a stall."""

CHECK_AGAIN_MS = 30_000
"""A check that led to nothing (it was lost, or clocks differ) is sent again after this."""

CLOCKS_NEAR_MS = 200
"""So much later than due it is sent: by the broker's clock, which counts, it would be too early where ours is a little ahead."""


class TakingIn:
    """A command as a step of the writer: what is decided, kept, told and answered. `policy_of`: a merchant's."""

    def __init__(self, process: Process, codec: CommandCodec, policy_of: Callable[[str], Policy]) -> None:
        self._tracing, self._crashpoint = process.tracing, process.crashpoint
        self._livemode, self._codec, self._policy_of = process.settings.livemode, codec, policy_of

    def step(self, record: Record, table: Table, out: Out) -> None:
        with self._tracing.span(TAKE_IN, "consumer", cloudevents.trace(record.headers), {}) as span:
            self._take(record, table, out, span)

    def _take(self, record: Record, table: Table, out: Out, span: Span) -> None:
        command, reply_to = self._codec.read(record)
        if span.is_recorded:  # else nothing is put together: most records are in no trace
            type = cloudevents.required(record.headers, "ce_type")
            span.note({**on_kafka("process", COMMANDS, record.key), "millrace.command": type})
        key, trace = record.key or b"", span.traceparent
        kept = table.get(key)
        if kept is None and self._codec.is_misplaced(record):
            raise Poison("this key's partition is another one: partition by murmur2", Code.KEY_INVALID)
        applied, written, happened = self._applied(kept, command, reply_to, trace)
        self._crashpoint("writer.decided")
        if written and written != kept:  # a check that came too early must not be due again at once
            table.set(key, written)
        for event in happened:
            out.emit(event)
        origin = command.origin
        for answer in applied.answers:
            out.answer(replies.write(origin.payment_id, answer.address, answer.reply, origin.at, trace))

    def _applied(
        self, kept: bytes | None, command: Command, reply_to: ReplyAddress | None, trace: str | None
    ) -> tuple[Applied, bytes | None, list[Outgoing]]:
        """What `command` leads to, and its row and events as they are written. Raises Poison for a lie, or a bug of ours."""
        try:
            row = rows.read(kept) if kept else None
            owner = row.transaction.merchant if row else None  # None: only refused so far, and nobody's
            policy = self._policy_of(owner or command.origin.merchant)
            _tell_of_a_stranger(row, command)
            applied = apply(row, command, reply_to, self._livemode, policy, rows.is_full(kept))
            written = rows.write(applied.row) if applied.row else None
            cause = cause_of(command)
            said = [events.write(each.event, each.payment, cause, trace) for each in applied.events]
            return applied, written, said
        except InvariantBroken as broken:
            raise Poison(str(broken), Code.INVARIANT_BROKEN) from broken
        # of this one record: if it ended the process, it would stop its partition for good
        except Exception as bug:
            log.critical("a command of %s could not be applied", command.origin.payment_id, exc_info=bug)
            raise Poison(f"a bug of ours: {type(bug).__name__}", Code.INVARIANT_BROKEN) from bug


class Reminding:
    """What the rows of this process' partitions wait for, sent as commands once it is due; and what is in doubt."""

    def __init__(self, app: App, codec: CommandCodec) -> None:
        self._app, self._codec = app, codec
        self._due, self.doubts = DueIndex(), Doubts()

    def on_state(self, partition: int, key: bytes, value: bytes | None) -> None:
        self._due.set(partition, key, rows.next_check_ms(value) if value else None)
        self.doubts.set(partition, key, rows.in_doubt_ms(value) if value else None)

    def on_lost(self, partition: int) -> None:
        self._due.forget(partition)
        self.doubts.forget(partition)

    async def send_checks(self) -> None:
        now_ms = int(time.time() * 1000)
        due = self._due.pop(now_ms - CLOCKS_NEAR_MS, DUE_PER_TURN, now_ms + CHECK_AGAIN_MS)
        if checks := [self._check(key, at_ms) for key, at_ms in due]:
            await self._app.send(checks)

    def _check(self, key: bytes, at_ms: int) -> Outgoing:
        payment_id = key.decode()
        id = internal_command_id(payment_id, f"check\n{at_ms}")
        return self._codec.write(CheckPayment(Origin(id, payment_id, "millrace", datetime.now(UTC))))


async def compose(settings: Settings) -> None:
    process = Process("writer", settings)
    codec = CommandCodec(settings.partitions, settings.internal_secret)
    policies = KafkaPolicies(client_settings(settings))
    account_of = accounts(settings).name_of

    def policy_of(merchant: str) -> Policy:
        policy, account = policies.of(merchant), account_of(merchant)
        return policy if account is None else replace(policy, account=account)

    taking, reminding = TakingIn(process, codec, policy_of), Reminding(process.app, codec)
    _gauges(reminding.doubts, process)
    process.app.writer(
        COMMANDS, WRITER_TABLE, taking.step, on_state=reminding.on_state, on_lost=reminding.on_lost
    )
    process.app.every(TIMER_S, reminding.send_checks)
    process.app.first(policies.start)
    try:
        await process.serve()
    finally:
        await policies.stop()


def _tell_of_a_stranger(row: Row | None, command: Command) -> None:
    if row and isinstance(command, RecordNotice) and is_of_another_account(row.transaction, command):
        said = "%s: notice %s is of the account %s, and the payment is in %s: it says nothing"
        payment = row.transaction.payment
        told = (each or "default" for each in (command.account, payment and payment.account))
        log.warning(said, command.origin.payment_id, command.notice_id, *told)


def _gauges(doubts: Doubts, process: Process) -> None:
    process.gauge(
        "millrace_in_doubt", "Payments whose end, or a refund's, nobody knows.", lambda: len(doubts)
    )
    oldest = "For how long nobody has known the oldest of them."
    process.gauge("millrace_in_doubt_oldest_seconds", oldest, lambda: doubts.oldest_s(time.time()))


if __name__ == "__main__":
    run("writer", compose)
