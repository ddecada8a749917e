"""The same scenarios as at the door alone, on real servers, and through Kafka too: one set of rules, one answer each."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import grpc
import pytest
from aiokafka import AIOKafkaConsumer

from models import ids
from tests.system.history import History
from tests.system.inquest import Inquest
from tests.system.kafka_client import KafkaClient, listening, replies_on
from tests.system.simulator import SimulatorControl
from tests.system.stack import System
from tests.web.languages import scenarios
from tests.web.languages.scenarios import SCENARIOS, Step, object_id
from tests.web.languages.spoken import Ask, GraphQl, Grpc, Rest, Said, plain, readable

pytestmark = pytest.mark.real

REPLIES = "payments.replies.one-answer"
REPLIES_WITHIN_S = 20.0
COMMANDS = ("create", "capture", "cancel", "refund")
APART = frozenset({"sequence", "id", "provider", "payment", "authorized_until"})
"""What two payments do not have in common, however alike; or have only later, if a webhook came before the answer."""

OURS = (
    "a payment is captured, read, refunded in part, and the refund read",
    "an authorisation is captured in part, and what is left is released",
    "an authorisation is canceled",
    "a decline is a payment",
    "the same key and body are answered again",
    "the same key with another body is refused",
    "a refusal is remembered",
    "no more is refunded than was captured",
    "what Stripe would not take is refused by its rule",
    "a body that is not valid names its fields",
    "another merchant's objects are not there",
)


class Kafka:
    """A language of commands alone. `clients`: by whom they are sent; `bearer` of an Ask names one of them."""

    def __init__(self, clients: dict[str, KafkaClient], replies: AIOKafkaConsumer) -> None:
        self._clients, self._replies = clients, replies

    async def ask(self, asked: Ask) -> Said:
        assert asked.key is not None
        assert asked.bearer is not None
        client = self._clients[asked.bearer]
        uuid = ids.command_uuid(client.merchant, asked.key)
        body: dict[str, Any] = dict(asked.body or {})
        if asked.operation == "refund":
            body["refund"] = ids.refund_id(uuid)
        sent = await client.command(
            asked.operation, asked.key, asked.of or ids.payment_id(uuid), body, f"{REPLIES}/0"
        )
        reply = (await replies_on(self._replies, {sent.command_id}, REPLIES_WITHIN_S))[sent.command_id]
        if reply["code"] is not None:
            fields = frozenset(each["field"] for each in reply["errors"])
            return Said(reply["code"], fields, replayed=reply["replayed"])
        shown = reply["payment"]
        if asked.operation == "refund":
            shown = next(each for each in shown["refunds"] if each["id"] == reply["refund"])
        return Said(shown=plain(shown), replayed=reply["replayed"])


Speak = Callable[[Ask], Any]


@asynccontextmanager
async def languages(system: System, history: History) -> AsyncIterator[dict[str, Speak]]:
    keys = [merchant["api_key"] for merchant in system.merchants]
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        channel = grpc.aio.insecure_channel(system.service.endpoints["grpc"])
        replies = await stack.enter_async_context(listening(system.kafka, REPLIES))
        clients = {
            merchant["api_key"]: await stack.enter_async_context(
                KafkaClient(system.kafka.bootstrap, merchant["id"], history)
            )
            for merchant in system.merchants
        }
        yield {
            "rest": Rest(http, system.service.doors[0]).ask,
            "graphql": GraphQl(http, system.service.doors[-1], keys[0]).ask,
            "grpc": Grpc(await stack.enter_async_context(channel)).ask,
            "kafka": Kafka(clients, replies).ask,
        }


@pytest.mark.parametrize("scenario", OURS)
async def test_every_language_and_kafka_tell_the_same(
    scenario: str, system: System, history: History, stripe: SimulatorControl, inquest: Inquest
) -> None:
    bearers = dict(
        zip((scenarios.KEY, scenarios.OTHER_KEY), (each["api_key"] for each in system.merchants), strict=True)
    )
    told: dict[str, dict[int, Any]] = {}
    async with languages(system, history) as all_of_them:
        for name, speak in all_of_them.items():
            told[name] = {}
            for number, step in enumerate(SCENARIOS[scenario]):
                if name == "kafka" and step.operation not in COMMANDS:
                    continue
                own = _apart(step, f"{name}, {scenario}, ")
                of = object_id(own, system.merchants[0]["id"])
                assert own.by is not None
                answer = await speak(Ask(own.operation, of, own.key, own.body, own.wait_s, bearers[own.by]))
                _check(step, answer, name)
                told[name][number] = answer.code, _comparable(answer.shown)
    for name in ("graphql", "grpc"):
        assert told[name] == told["rest"], name
    assert told["kafka"] == {number: told["rest"][number] for number in told["kafka"]}
    await inquest.hold()


def _apart(step: Step, prefix: str) -> Step:
    """Under keys of its own: these payments are all the same merchant's."""
    of = None if step.of is None or step.of == scenarios.NOBODYS else prefix + step.of
    return replace(step, key=None if step.key is None else prefix + step.key, of=of or step.of)


def _check(step: Step, answer: Said, name: str) -> None:
    assert answer.code == step.code, (name, step, readable(answer))
    if step.code is None and step.operation != "payments":
        assert {each: answer.shown.get(each) for each in step.shows} == dict(step.shows), (
            name,
            readable(answer),
        )
        assert answer.replayed is step.replayed, (name, step)
    if step.fields:
        assert answer.fields == set(step.fields), (name, step)


def _comparable(shown: Any) -> Any:
    if isinstance(shown, list):
        return None  # of a merchant with other payments besides
    if isinstance(shown, dict):
        return {name: _comparable(value) for name, value in shown.items() if name not in APART}
    return shown
