"""One table of scenarios through REST, GraphQL and gRPC: the same rules, ids, codes and answers, member by member."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import pytest

from models import ids
from models.codes import Code
from tests.web import service
from tests.web.fakes import PAYMENT, open_door
from tests.web.grpc.door import open_grpc
from tests.web.languages import scenarios
from tests.web.languages.scenarios import SCENARIOS, Step, create, object_id
from tests.web.languages.spoken import Ask, GraphQl, Grpc, Language, Rest, Said, readable
from tests.web.service import Service

BEARERS = {
    scenarios.KEY: service.KEY,
    scenarios.OTHER_KEY: service.OTHER_KEY,
    scenarios.READ_ONLY_KEY: service.READ_ONLY_KEY,
    scenarios.LIVE_KEY: service.LIVE_KEY,
}
NAMES = ("rest", "graphql", "grpc")


@asynccontextmanager
async def speaking(name: str, behind: Service) -> AsyncIterator[Language]:
    async with AsyncExitStack() as stack:
        if name == "grpc":
            door = await stack.enter_async_context(open_grpc(behind))
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{door.serving.port}")
            yield Grpc(await stack.enter_async_context(channel))
        else:
            http = await stack.enter_async_context(open_door(behind))
            url = f"http://127.0.0.1:{http.serving.port}"
            yield Rest(http.http, url) if name == "rest" else GraphQl(http.http, url, service.KEY)


async def said(language: Language, step: Step) -> Said:
    bearer = None if step.by is None else BEARERS[step.by]
    of = object_id(step, service.ALICE)
    return await language.ask(Ask(step.operation, of, step.key, step.body, step.wait_s, bearer))


def check(step: Step, answer: Said) -> None:
    assert answer.code == step.code, (step, readable(answer))
    assert answer.replayed is step.replayed, step
    if step.fields:
        assert answer.fields == set(step.fields), step
    if step.operation == "payments" and step.code is None:
        wanted = [ids.payment_id(ids.command_uuid(service.ALICE, key)) for key in step.shows.get("", ())]
        assert [each["id"] for each in answer.shown] == wanted
    elif step.code is None:
        assert answer.settled is step.settled, step
        assert {name: answer.shown.get(name) for name in step.shows} == dict(step.shows), readable(answer)


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_every_language_tells_the_same(scenario: str) -> None:
    told: dict[str, list[Any]] = {}
    for name in NAMES:
        async with speaking(name, Service()) as language:
            told[name] = [await said(language, step) for step in SCENARIOS[scenario]]
        for step, answer in zip(SCENARIOS[scenario], told[name], strict=True):
            check(step, answer)
    shown = {name: [(each.code, each.shown) for each in answers] for name, answers in told.items()}
    assert shown["graphql"] == shown["rest"]
    assert shown["grpc"] == shown["rest"]


@pytest.mark.parametrize("name", NAMES)
async def test_what_is_away_is_unavailable_in_every_language(name: str) -> None:
    service = Service()
    async with speaking(name, service) as language:
        service.log_is_away = True
        assert (await said(language, create())).code == Code.UNAVAILABLE
        service.log_is_away, service.keys_are_away = False, True
        assert (await said(language, create())).code == Code.UNAVAILABLE
        service.keys_are_away, service.reader_is_away = False, True
        assert (await said(language, Step("payments"))).code == Code.UNAVAILABLE
        service.reader_is_away, service.breaks = False, True
        assert (await said(language, Step("payments"))).code == Code.INTERNAL_ERROR


async def test_one_request_through_three_languages_is_one_payment() -> None:
    service, told = Service(), []
    for name in NAMES:
        async with speaking(name, service) as language:
            told.append(await said(language, create()))
            told.append(await said(language, create(body=PAYMENT | {"amount": 5})))
    assert [each.code for each in told] == [None, "idempotency_key_reused"] * 3
    assert [each.replayed for each in told[::2]] == [False, True, True]
    for each in told[::2]:
        each.shown.pop("sequence")  # a refusal between them is an event
    assert told[0].shown == told[2].shown == told[4].shown
    assert len(service.transactions) == 1
