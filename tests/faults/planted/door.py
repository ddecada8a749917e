"""Safeguards where something comes in, switched off: who says it, to whom it is answered, and when it counts as taken."""

import asyncio
import contextlib
import re
from typing import Any

from tests.faults.planted.registry import bug, replace

WEB, WRITER = ("web",), ("writer",)


@bug("streams.adapters.stripe_notices", WEB, ("F12",), ("I6", "I8"))
def forged_notices_are_believed(stripe_notices: Any) -> None:
    """A webhook counts whoever signed it."""
    verify = stripe_notices.StripeNotices._verify

    def unverified(self: Any, body: bytes, header: str, now: Any) -> Any:
        with contextlib.suppress(stripe_notices.SignatureInvalid):
            return verify(self, body, header, now)
        return None  # the default account, as most are

    replace(stripe_notices.StripeNotices, "_verify", unverified)


@bug("streams.adapters.stripe_notices", WEB, ("F12",), ("I8",))
def notices_of_any_age_are_believed(stripe_notices: Any) -> None:
    """A webhook counts however old its signature is, or how far ahead: who has seen one can send it again for ever."""
    verify = stripe_notices.StripeNotices._verify

    def of_any_age(self: Any, body: bytes, header: str, now: Any) -> Any:
        self._tolerance_s = float("inf")
        return verify(self, body, header, now)

    replace(stripe_notices.StripeNotices, "_verify", of_any_age)


@bug("streams.wire.commands", WRITER, ("F14",), ("I8", "I11"))
def unsigned_commands_are_believed(commands: Any) -> None:
    """Anybody's outcome of a call, check or notice counts as one of Millrace's own."""
    replace(commands.CommandCodec, "_verify", lambda *_: None)


@bug("streams.wire.commands", WRITER, ("F14",), ("I5", "I11", "I12", "I14"))
def any_partition_will_do(commands: Any) -> None:
    """A command is carried out wherever it lies: a payment may have two writers."""
    replace(commands.CommandCodec, "is_misplaced", lambda *_: False)


@bug("streams.wire.commands", WRITER, ("F14",), ("I11",))
def answers_go_anywhere(commands: Any) -> None:
    """An answer goes to whatever topic its command names."""
    replace(commands, "_TOPIC", re.compile(".+"))


@bug("streams.adapters.kafka_replies", WEB, ("F13",), ("I7",))
def any_answer_is_ones_own(kafka_replies: Any) -> None:
    """Who waits takes any answer under the command's id, also one to another content."""
    replace(kafka_replies.KafkaWaiting, "is_answered_by", lambda *_: True)


@bug("streams.adapters.kafka_command_log", WEB, ("F5", "F6"), ("I2",))
def accepted_before_it_is_durable(kafka_command_log: Any) -> None:
    """The door says that it has taken a command when it has begun to send it."""
    send = kafka_command_log.KafkaCommandLog._send
    under_way: set[asyncio.Task[None]] = set()

    async def unheard(self: Any, out: Any) -> None:
        with contextlib.suppress(kafka_command_log.Unavailable):
            await send(self, out)

    async def begun(self: Any, out: Any) -> None:
        task = asyncio.create_task(unheard(self, out))
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    replace(kafka_command_log.KafkaCommandLog, "_send", begun)


@bug("streams.payment_reads", WEB, ("F12", "F13"), ("I10",))
def strangers_may_look(payment_reads: Any) -> None:
    """A payment in the cache is shown to whoever knows its id."""
    replace(payment_reads, "_of", lambda merchant, view: view)
