"""Secrets and card numbers go in through every opening of GraphQL, and come out of none: not in an answer, not in a log line."""

import io
import json
from typing import Any

import pytest

from tests.web.fakes import Door
from tests.web.graphql.client import CREATE, LIST, PAYMENT, ask, codes
from tests.web.test_canaries import CANARIES


@pytest.mark.parametrize("card", [CANARIES[0], CANARIES[1]])
async def test_no_opening_lets_a_secret_out(door: Door, lines: io.StringIO, card: str) -> None:
    quoted = json.dumps(card)
    digits = card.replace("-", "")
    told = [
        await ask(door, CREATE, {"input": PAYMENT | {"description": card, "idempotencyKey": "k"}}),
        await ask(door, CREATE, {"input": PAYMENT | {card: card}}),
        await ask(door, CREATE, {"input": card, card: card}),
        await ask(door, CREATE, {"input": PAYMENT | {"amount": card, "idempotencyKey": card}}),
        await ask(door, CREATE, {"input": PAYMENT | {"captureMethod": card, "waitSeconds": card}}),
        await ask(door, CREATE, {"input": PAYMENT | {"metadata": {card: card}, "idempotencyKey": "k"}}),
        await ask(
            door,
            f"mutation {{ createPayment(input: {{amount: {quoted}, x{digits}: {quoted}}}) {{ settled }} }}",
        ),
        await ask(door, f"{{ payment(id: {quoted}) {{ id }} }}"),
        await ask(door, f"{{ x{digits}: payment(id: 1) {{ id }} }}"),
        await ask(
            door,
            f"query x{digits}($x{digits}: x{digits} = {quoted}) {{ x{digits}(x{digits}: {quoted}) }} # {card}",
        ),
        await ask(
            door,
            f"{{ payments(metadata: {quoted}, createdAfter: {quoted}, after: {quoted}) {{ edges {{ cursor }} }} }}",
        ),
        await ask(door, f"{{ {card} }}"),
        await ask(door, quoted),
        await ask(door, LIST, {card: card}),
        await door.ask("POST", "/graphql", {"query": LIST, card: card, "operationName": card}),
        await door.ask("POST", "/graphql", {"query": LIST, "operationName": card}),
        await door.get(f"/graphql?query={card}&{card}={card}"),
    ]
    door.service.breaks = True
    told.append(await ask(door, f"{LIST} # {card}"))
    assert codes(told[-1]) == ["internal_error"]
    for each in told:
        for canary in (*CANARIES, digits):
            assert canary not in each.raw.decode()
    assert lines.getvalue().count("\n") >= 1
    for canary in (*CANARIES, digits, "4242 4242 4242 4242"):
        assert canary not in lines.getvalue()


SECRET = "whsec_canary_0_in_a_value"
OPENINGS = (
    "{{ payment(id: {{a: {0}}}) {{ id }} }}", "{{ payments(first: {0}) {{ edges {{ cursor }} }} }}",
    "{{ payments(status: {0}) }}",
    "mutation {{ createPayment(input: {{x: {0}}}) {{ settled }} }}", "mutation {{ createPayment(input: {0}) {{ settled }} }}",
    "mutation {{ createPayment(input: {{statuss: {0}, status: {{a: {0}}}}}) {{ settled }} }}",
    "mutation {{ createPayment(input: {{waitSeconds: {0}, metadata: [{0}]}}) {{ settled }} }}",
    "mutation {{ cancelPayment(input: [{{reason: {0}}}]) {{ settled }} }}",
    "{{ payments @skip(if: {0}) {{ edges {{ cursor }} }} }}",
    "query($a: Int = {0}, $b: PaymentFilter = {{a: {0}}}) {{ payments(first: $a) {{ edges {{ cursor }} }} }}", "{{ a(b: {0}) }}",
    "query($a: CreatePaymentInput = {{a: {0}}}) {{ payments {{ edges {{ cursor }} }} }}", "{{ payments({0}) }}", "{0} {{ a }}",
    "{{ payment(id: 1) {{ id }} payment(id: {0}) {{ id }} }}", "{{ payments(first: $a, first: {0}) {{ edges {{ cursor }} }} }}",
)  # fmt: skip


async def test_no_value_in_a_query_comes_back(door: Door) -> None:
    for opening in OPENINGS:
        for value in (f'"{SECRET}"', f'"""{SECRET}"""', f'[["{SECRET}"]]', f'{{a: "{SECRET}"}}'):
            told = await ask(door, opening.format(value))
            assert told.body["errors"]
            assert SECRET not in told.raw.decode(), opening


async def test_no_value_of_a_variable_comes_back(door: Door) -> None:
    values: list[Any] = [SECRET, [SECRET], {"a": SECRET}, {SECRET + "-": 1}]
    for kind in ("CreatePaymentInput!", "Int", "ID!", "[String]", "PaymentStatus", "Metadata", "Nonsense"):
        query = f"query($a: {kind}) {{ payments(first: $a) {{ edges {{ cursor }} }} }}"
        told = [await ask(door, query, {"a": value}) for value in values]
        for value in values:
            inputs = value, PAYMENT | {"waitSeconds": value}, {"reason": value, "currency": value}
            told += [await ask(door, CREATE, {"input": each}) for each in inputs]
        for each in told:
            assert each.body["errors"]
            assert SECRET not in each.raw.decode(), kind
