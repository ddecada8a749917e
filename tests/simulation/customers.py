"""Merchants and their customers: payments are asked for through the door and over Kafka, until there is an answer.

What each asked and was told is in the history, for the verdict. Impossible answers are told at once.
"""

import asyncio
from typing import Any

from models.commands import CreatePayment, Origin
from models.ids import command_uuid, payment_id
from models.money import Money
from models.terms import CaptureMethod, PaymentTerms
from streams.wire.commands import CommandCodec
from tests.simulation.clock import BEGINS
from tests.simulation.composition import SETTINGS
from tests.simulation.room import Room
from tests.simulation.stand_ins import Producer
from tests.system.history import FAIL, INFO, OK, Attempt, History, Operation
from web.payments import Answer, Asked
from web.problems import Problem

MERCHANT, STRANGER = "mer_owner", "mer_stranger"
AMOUNTS_MINOR = (1000, 2500, 5000)
METHODS = (
    *("pm_card_visa",) * 6,
    "pm_card_chargeDeclined",
    "pm_card_authenticationRequired",
    "pm_card_pendingRefund",
    "pm_card_refundFail",
    "pm_usBankAccount",
)
ARRIVE_S = 10.0
TRIES_MAX = 80
WAITS_S = (0.0, 2.0, 5.0)
ANSWER_S = 8.0
"""A client's own patience, longer than any wait it asks for."""
AGAIN_MOST_S = 1.5
AUTHENTICATES, BY_HAND = 0.4, 0.03
"""At each look of theirs."""
LATER, NOT_YET = {429, 503}, 202


class Merchants:
    def __init__(self, room: Room, history: History) -> None:
        self._room, self._draw, self._history = room, room.draw, history
        self._codec = CommandCodec(SETTINGS.partitions, SETTINGS.internal_secret)
        self._producer = Producer(room.broker)

    async def sell(self, number: int) -> None:
        """One payment, and what becomes of it."""
        draw = self._draw
        await asyncio.sleep(draw.uniform(0.0, ARRIVE_S))
        body = {
            "amount": draw.choice(AMOUNTS_MINOR),
            "currency": "usd",
            "payment_method": draw.choice(METHODS),
            "capture_method": draw.choice(("automatic", "manual")),
        }
        if body["payment_method"] == "pm_usBankAccount":
            body["capture_method"] = "automatic"
        key = f"payment-{number}"
        if draw.random() < 0.2:
            payment = await self._over_kafka(key, body)
        else:
            payment = (await self._ask("create", key, body)).payment_id
        async with asyncio.TaskGroup() as steps:
            for step in range(draw.choice((0, 1, 2, 3, 4))):
                steps.create_task(self._go_on(payment, f"{key}-{step}", key, body))

    async def _go_on(self, payment: str, key: str, first_key: str, first: dict[str, Any]) -> None:
        draw, amount = self._draw, int(first["amount"])
        await asyncio.sleep(draw.choice((0.0, 0.5, 3.0, 6.0, 15.0)) * draw.random())
        manual = first["capture_method"] == "manual"
        wanted = ["refund", "refund", "refund", "again", "reuse", "stranger", "cancel"] + [
            "capture",
            "capture",
        ] * manual
        match draw.choice(wanted):
            case "capture":
                await self._ask("capture", key, draw.choice(({}, {"amount": amount // 2})), payment)
                if draw.random() < 0.5:
                    await self._ask("refund", f"{key}-back", {"amount": amount // 4}, payment)
            case "cancel":
                await self._ask("cancel", key, {}, payment)
            case "refund":
                part = draw.choice((None, amount // 2, amount * 3 // 4))
                done = await self._ask("refund", key, {"amount": part} if part else {}, payment)
                if draw.random() < 0.3:
                    again = await self._ask("refund", key, done.body, payment)
                    self._same(done, again)
            case "again":
                self._same(*[await self._ask("create", first_key, first) for _ in range(2)])
            case "reuse":
                await self._reuse(first_key, first)
            case "stranger":
                other = await self._ask("capture", key, {}, payment, STRANGER)
                if other.answer.get("merchant") == MERCHANT:
                    self._room.findings.append(f"I10 a stranger was shown {payment}")

    async def _reuse(self, key: str, first: dict[str, Any]) -> None:
        if (await self._ask("create", key, first)).outcome == FAIL:
            return  # refused, and so another body may be as well, for its own reasons
        other = await self._ask("create", key, first | {"amount": 777})
        if other.status == 201:
            self._room.findings.append(f"I7 {other.identity} was accepted with two bodies under one key")

    def _same(self, one: Operation, other: Operation) -> None:
        """Where both were told the end: 202 only says that it was taken."""
        told = [self._end(each) for each in (one, other) if each.status != NOT_YET]
        if len(set(told)) > 1:
            self._room.findings.append(f"I7 {one.identity} was answered {told[0]}, then {told[1]}")

    def _end(self, operation: Operation) -> tuple[int | None, str]:
        last = operation.attempts[-1]
        return last.status, last.note or str(operation.answer["id"])

    async def _ask(
        self, type: str, key: str, body: dict[str, Any], payment: str | None = None, by: str = MERCHANT
    ) -> Operation:
        operation = self._history.begin("http", type, by, key, body, payment)
        wait_s = self._draw.choice(WAITS_S)

        async def given() -> dict[str, Any]:
            return body

        asked = Asked(by, [key], given, wait_s)
        for _ in range(TRIES_MAX):
            outcome = await self._try(operation, asked, payment)
            if outcome:
                self._history.end(operation, outcome)
                return operation
            await asyncio.sleep(self._draw.uniform(0.05, AGAIN_MOST_S))
        self._history.end(operation, INFO)
        return operation

    async def _try(self, operation: Operation, asked: Asked, payment: str | None) -> str | None:
        """OK or FAIL; None: it must be asked again."""
        began = self._room.loop.time()
        status, note, outcome = None, "", None
        try:
            answer = await self._room.call(
                lambda door: _carried_out(door.payments, operation.type, asked, payment), ANSWER_S
            )
        except Problem as problem:
            status, note = problem.status, problem.code.value
            outcome = None if status in LATER else FAIL
            operation.answer = {"code": note}
        except (OSError, TimeoutError) as lost:
            note = type(lost).__name__
        else:
            status, outcome, operation.answer = 201 if answer.settled else NOT_YET, OK, answer.view
        took_s = self._room.loop.time() - began
        operation.attempts.append(Attempt("door", began, took_s, status, note))
        what = (
            f"{operation.type} {operation.payment_id[:12]} under {asked.idempotency_key[0]} {operation.body}"
        )
        self._room.story.note(operation.merchant, f"{what} -> {status or ''} {note}")
        return outcome

    async def _over_kafka(self, key: str, body: dict[str, Any]) -> str:
        """Whoever may produce, and is not sure whether it was taken: twice the same command."""
        uuid = command_uuid(MERCHANT, key)
        id = payment_id(uuid)
        operation = self._history.begin("kafka", "create", MERCHANT, key, body)
        method = CaptureMethod(body["capture_method"])
        terms = PaymentTerms(Money(body["amount"], "usd"), body["payment_method"], method)
        written = self._codec.write(CreatePayment(Origin(str(uuid), id, MERCHANT, BEGINS), terms))
        for _ in range(self._draw.choice((1, 2, 3))):
            assert written.partition is not None
            try:
                async with asyncio.timeout(5):
                    await (
                        await self._producer.send(
                            written.topic, written.value, written.key, written.partition, written.headers
                        )
                    )
            except TimeoutError:
                continue
            self._history.end(operation, OK)
        self._room.story.note(MERCHANT, f"create {id[:12]} over Kafka {body}")
        return id


async def _carried_out(payments: Any, type: str, asked: Asked, payment: str | None) -> Answer:
    operation = getattr(payments, type)
    return await (operation(asked) if payment is None else operation(asked, payment))  # type: ignore[no-any-return]


class Others:
    """Who moves money at Stripe past us: customers, who authenticate, or fail to, or leave; and somebody at Stripe's
    own pages.
    """

    def __init__(self, room: Room) -> None:
        self._room = room

    async def act(self) -> None:
        draw, stripe = self._room.draw, self._room.stripe
        while True:
            await asyncio.sleep(draw.uniform(0.5, 4.0))
            for row in (await stripe.lever("GET", "payments"))["payments"]:
                intent = row["payment_intent"]
                if row["status"] == "requires_action" and draw.random() < AUTHENTICATES:
                    outcome = draw.choice(("succeed", "succeed", "fail"))
                    await stripe.lever("POST", f"authenticate/{intent}", outcome=outcome)
                    self._room.story.note("customer", f"{outcome}s to authenticate {row['payment'][:12]}")
                elif self._is_held(row) and draw.random() < BY_HAND:
                    what = draw.choice(("capture", "cancel"))
                    await stripe.request(
                        "POST", f"/v1/payment_intents/{intent}/{what}", {}, f"by-hand-{what}-{intent}", 5.0
                    )

    def _is_held(self, row: dict[str, Any]) -> bool:
        """Here as well as there: what nobody has heard of yet, nobody does anything with."""
        view = self._room.postgres.payments._views.get(row["payment"], {})
        return row["status"] == "requires_capture" and view.get("status") == "authorized"
