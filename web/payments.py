"""The operations, one function each, for every door: authenticate, validate, derive ids, append, wait, answer.

No HTTP here: a door hands over an `Asked` and turns an `Answer`, or the `Problem` that was raised, into its own words.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from models import ids, shapes
from models.card_numbers import without_card_numbers
from models.codes import Code
from models.commands import CreateRefund, InvalidCommand, Origin, PublicCommand
from models.errors import Unavailable
from models.ports import Reply, View
from web import bodies, idempotency
from web.callers import Callers
from web.metrics import DoorMetrics
from web.operations import CANCEL_PAYMENT, CAPTURE_PAYMENT, CREATE_PAYMENT, CREATE_REFUND, Operation
from web.patience import Patience
from web.ports import Ports
from web.problems import STATUS, Problem, invalid, unavailable
from web.rooms import REQUESTS_MAX, Shares

OPEN_OF_ONE_MAX = REQUESTS_MAX // 2
"""Commands of one merchant being sent and waited for, through all doors of a process: where the provider is slow for one, the
others find places."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a command. `body` is read only once the caller is known. `wait_s` may be 0."""

    authorization: str | None
    idempotency_key: list[str]
    body: Callable[[], Awaitable[dict[str, Any]]]
    wait_s: float
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """`view`: the payment, or the refund that was made. Not `settled`: accepted for good, but the end is not known yet."""

    view: View
    settled: bool = True
    replayed: bool = False


class Payments:
    """`open_of_one_max`: commands of one merchant's under way at once."""

    def __init__(
        self, ports: Ports, callers: Callers, patience: Patience, metrics: DoorMetrics, open_of_one_max: int
    ) -> None:
        self._ports, self._callers, self._patience, self._metrics = ports, callers, patience, metrics
        self._shares = Shares(open_of_one_max)

    async def create(self, asked: Asked) -> Answer:
        return await self._carry_out(shapes.CREATE, CREATE_PAYMENT, asked)

    async def capture(self, asked: Asked, payment_id: str) -> Answer:
        return await self._carry_out(shapes.CAPTURE, CAPTURE_PAYMENT, asked, payment_id)

    async def cancel(self, asked: Asked, payment_id: str) -> Answer:
        return await self._carry_out(shapes.CANCEL, CANCEL_PAYMENT, asked, payment_id)

    async def refund(self, asked: Asked, payment_id: str) -> Answer:
        return await self._carry_out(shapes.REFUND, CREATE_REFUND, asked, payment_id)

    async def _carry_out(
        self, type: str, operation: Operation, asked: Asked, payment_id: str | None = None
    ) -> Answer:
        caller = await self._callers.still(asked.authorization, operation)
        # before anything is counted or read for one who has no place
        with self._shares.taken(caller.merchant):
            await self._callers.count(caller, operation)
            return await self._admitted(type, asked, caller.merchant, payment_id)

    async def _admitted(self, type: str, asked: Asked, merchant: str, payment_id: str | None) -> Answer:
        if payment_id is not None and not ids.PAYMENT_ID.fullmatch(payment_id):
            raise no_such_payment()
        key = idempotency.key(asked.idempotency_key)
        value = await asked.body()
        uuid = ids.command_uuid(merchant, key)
        origin = Origin(str(uuid), payment_id or ids.payment_id(uuid), merchant, datetime.now(UTC))
        refund_id = ids.refund_id(uuid) if type == shapes.REFUND else None
        command = shapes.parse(type, value, origin, refund_id)
        if errors := bodies.faults(
            type, value, command.errors if isinstance(command, InvalidCommand) else ()
        ):
            raise invalid(errors)
        reply = await self._send(type, command, asked)
        if reply is None:
            return await self._not_yet(command)
        return await self._answered(reply, origin, refund_id)

    async def _send(self, type: str, command: PublicCommand, asked: Asked) -> Reply | None:
        """The reply; None when there was none in time. From here on the command is durable, or Unavailable."""
        log = self._ports.commands
        try:
            if asked.wait_s <= 0:
                await log.append(command, None, asked.trace)
                self._metrics.commands.labels(type).inc()
                return None
            with self._ports.replies.expect(command) as answer:
                await log.append(command, self._ports.replies.address, asked.trace)
                self._metrics.commands.labels(type).inc()
                reply = await self._patience.wait(answer, asked.wait_s)
        except Unavailable:
            self._metrics.unsent.labels(type).inc()
            detail = "Not accepted, as far as is known. Repeat the request with the same Idempotency-Key."
            raise unavailable(detail) from None
        if reply is None:
            self._metrics.replies_late.labels(type).inc()
        elif reply.replayed:
            self._metrics.replayed.labels(type).inc()
        return reply

    async def _answered(self, reply: Reply, origin: Origin, refund_id: str | None) -> Answer:
        if reply.code is not None:
            raise _refusal(reply)
        if reply.payment is None or reply.payment["merchant"] != origin.merchant:
            raise no_such_payment()
        await self._ports.reader.remember(reply.payment)
        if refund_id is None:
            return Answer(reply.payment, replayed=reply.replayed)
        refund = refund_of(reply.payment, reply.refund_id or refund_id)
        return Answer(
            refund or pending_refund(refund_id, origin.payment_id), refund is not None, reply.replayed
        )

    async def _not_yet(self, command: PublicCommand) -> Answer:
        """How far it has come, and never the end: the reply may have died with its process, but whether what the state shows was
        asked for by this body, or by another one under the same key, is the writer's alone to tell.
        """
        origin = command.origin
        try:
            payment = await self._ports.reader.payment(origin.merchant, origin.payment_id)
        except Unavailable:
            payment = None
        if payment is not None:
            await self._ports.reader.remember(payment)
        if isinstance(command, CreateRefund):
            refund = refund_of(payment, command.refund_id)
            return Answer(refund or pending_refund(command.refund_id, origin.payment_id), settled=False)
        unread = {"id": origin.payment_id, "object": "payment", "status": "processing"}
        return Answer(payment or unread, settled=False)


def refund_of(payment: View | None, refund_id: str) -> View | None:
    return next((refund for refund in refunds_of(payment) if refund["id"] == refund_id), None)


def refunds_of(payment: View | None) -> list[View]:
    """Each with its payment's id, as a refund is shown by itself. None of a payment that was only just accepted."""
    return [refund | {"payment": payment["id"]} for refund in payment.get("refunds", ())] if payment else []


def pending_refund(refund_id: str, payment_id: str) -> View:
    return {"id": refund_id, "object": "refund", "payment": payment_id, "status": "pending"}


def no_such_payment() -> Problem:
    return Problem(Code.NOT_FOUND, "There is no such payment.")


def _refusal(reply: Reply) -> Problem:
    code = Code(reply.code or "")
    assert code in STATUS, code
    detail = without_card_numbers(reply.message or "The command was refused.")
    more = {"rule": reply.rule} if reply.rule else {}
    return Problem(code, detail, errors=reply.errors, replayed=reply.replayed, more=more)
