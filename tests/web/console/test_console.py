"""Who gets into the console, what is possible there and for whom, and that nothing in a page is anybody else's words for it."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import expect

from models.errors import Refused, Unavailable
from models.ports import PaymentFilter
from tests.browsing import browser, needs_a_browser
from tests.web.console.desk import FakeDesk, FakeSessions
from tests.web.fakes import PAYMENT, Door, open_door
from tests.web.service import KEY, LIVE_KEY, OPERATOR_KEY, PRINCIPALS, TOKEN, Service
from tests.web.test_upkeep import never
from web.console.acts import ACTS
from web.console.guarding import CONFINED, SIGN_INS_OF_ONE
from web.console.pages import NAVIGATION
from web.console.ports import Console
from web.console.rendering import minor, money
from web.console.sessions import LASTS_S

NOW = datetime.now(UTC)
PAGES = [path for path, _ in NAVIGATION]
SCRIPT = "<script>alert(1)</script>"


@dataclass
class Operator:
    """Ada's browser. `ask` follows nothing: what an answer says is what is looked at."""

    door: Door
    desk: FakeDesk
    sessions: FakeSessions
    cookies: dict[str, str] = field(default_factory=dict)

    async def ask(
        self, method: str, path: str, form: dict[str, str] | None = None, **headers: str
    ) -> aiohttp.ClientResponse:
        url = f"http://127.0.0.1:{self.door.serving.port}{path}"
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        async with self.door.http.request(
            method, url, data=form, headers=sent, allow_redirects=False
        ) as answer:
            await answer.read()
            self.cookies |= {name: morsel.value for name, morsel in answer.cookies.items()}
            return answer

    async def sign_in(
        self, key: str = OPERATOR_KEY, name: str = "Ada", **headers: str
    ) -> aiohttp.ClientResponse:
        return await self.ask("POST", "/console/sign-in", {"name": name, "key": key}, **headers)

    async def csrf(self) -> str:
        found = re.search(
            r'name="csrf" value="([0-9a-f]{64})"', await (await self.ask("GET", "/console")).text()
        )
        assert found
        return found[1]

    async def made(self, **more: object) -> str:
        told = await self.door.post("/v1/payments", {**PAYMENT, **more})
        assert told.status == 201
        return str(told.body["id"])

    async def form(self, path: str) -> dict[str, str]:
        """As the page has it filled in, with a reason."""
        page = await (await self.ask("GET", path)).text()
        hidden = dict(
            re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.partition("<main")[2])
        )
        return {**hidden, "why": "she asked for it", "sure": "yes"}


@pytest_asyncio.fixture
async def ada() -> AsyncIterator[Operator]:
    service = Service()
    desk, sessions = FakeDesk(service), FakeSessions()
    async with open_door(service, console=Console(desk, sessions)) as door:
        yield Operator(door, desk, sessions)


async def test_without_a_session_there_is_only_the_way_in(ada: Operator) -> None:
    payment = f"/console/payments/{await ada.made()}"
    for path in [*PAGES, payment, f"{payment}/refund", "/console/live"]:
        answer = await ada.ask("GET", path)
        assert (answer.status, answer.headers["Location"]) == (303, "/console/sign-in"), path
    for act in ACTS:
        answer = await ada.ask("POST", f"{payment}/{act}", {"why": "no", "sure": "yes", "csrf": "0" * 64})
        assert answer.status == 401
    assert ada.desk.audited == []


@pytest.mark.parametrize("key", [KEY, LIVE_KEY, TOKEN, "mr_oper_nobody0000", "", "x" * 10_000])
async def test_only_an_operators_key_opens_it(ada: Operator, key: str) -> None:
    answer = await ada.sign_in(key)
    assert answer.status == 401
    assert ada.cookies == {} and ada.sessions.contents == {}
    assert not key or key not in await answer.text()


async def test_a_key_in_a_header_opens_nothing_here(ada: Operator) -> None:
    answer = await ada.ask("GET", "/console", Authorization=f"Bearer {OPERATOR_KEY}")
    assert answer.status == 303


async def test_the_session_is_a_cookie_that_no_script_and_no_other_site_sees(ada: Operator) -> None:
    answer = await ada.sign_in()
    assert (answer.status, answer.headers["Location"]) == (303, "/console")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/console" in cookie
    assert "Secure" not in cookie, "there is no TLS here: a browser would not send it back"
    assert "Secure" in (await ada.sign_in(X_Forwarded_Proto="https")).headers["Set-Cookie"]
    assert len(ada.cookies["millrace_console"]) >= 43, "256 bits"


async def test_what_is_kept_is_neither_the_cookie_nor_the_key_and_has_an_end(ada: Operator) -> None:
    await ada.sign_in()
    kept = repr(ada.sessions.contents)
    assert ada.cookies["millrace_console"] not in kept and OPERATOR_KEY not in kept
    assert OPERATOR_KEY.encode().hex() not in kept
    assert set(ada.sessions.ends_s.values()) == {LASTS_S}


async def test_a_key_that_is_revoked_ends_its_session(ada: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    await ada.sign_in()
    assert (await ada.ask("GET", "/console")).status == 200
    monkeypatch.delitem(PRINCIPALS, OPERATOR_KEY)
    assert (await ada.ask("GET", "/console")).status == 303


async def test_who_signs_out_is_out_everywhere(ada: Operator) -> None:
    await ada.sign_in()
    stolen = dict(ada.cookies)
    assert (await ada.ask("POST", "/console/sign-out", {"csrf": await ada.csrf()})).status == 303
    ada.cookies = stolen
    assert (await ada.ask("GET", "/console")).status == 303


async def test_tries_to_sign_in_are_bounded(ada: Operator) -> None:
    tries = [(await ada.sign_in("mr_oper_guess0000")).status for _ in range(SIGN_INS_OF_ONE[2] + 5)]
    assert tries[0] == 401 and tries[-1] == 429
    assert (await ada.sign_in()).status == 303, "whoever guesses, an operator gets in"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
    ],
)
async def test_a_form_of_another_site_does_nothing(ada: Operator, headers: dict[str, str]) -> None:
    assert (await ada.sign_in(**headers)).status == 403
    await ada.sign_in()
    path = f"/console/payments/{await ada.made()}/refund"
    answer = await ada.ask("POST", path, await ada.form(path), **headers)
    assert answer.status == 403
    assert ada.desk.audited == []


@pytest.mark.parametrize("csrf", ["", "0" * 64, "ä"])
async def test_a_form_without_the_sessions_own_token_does_nothing(ada: Operator, csrf: str) -> None:
    await ada.sign_in()
    path = f"/console/payments/{await ada.made()}/refund"
    answer = await ada.ask("POST", path, {**await ada.form(path), "csrf": csrf})
    assert answer.status == 403
    assert ada.desk.audited == []


async def test_another_sessions_token_is_none(ada: Operator) -> None:
    await ada.sign_in()
    others = await ada.csrf()
    await ada.sign_in(name="Bob")
    assert await ada.csrf() != others
    path = f"/console/payments/{await ada.made()}/refund"
    assert (await ada.ask("POST", path, {**await ada.form(path), "csrf": others})).status == 403


async def test_no_act_is_a_get(ada: Operator) -> None:
    await ada.sign_in()
    id = await ada.made()
    for act in ACTS:
        await ada.ask("GET", f"/console/payments/{id}/{act}?why=x&sure=yes&csrf={await ada.csrf()}")
    assert (await ada.ask("GET", "/console/dead-letters/0/1/redrive")).status == 405
    assert (await ada.ask("GET", "/console/sign-out")).status == 405
    assert ada.desk.audited == []


async def test_a_refund_is_made_once_and_told_with_who_and_why(ada: Operator) -> None:
    await ada.sign_in()
    id = await ada.made()
    path = f"/console/payments/{id}/refund"
    form = {**await ada.form(path), "amount": "5.00", "reason": "duplicate"}
    answers = [await ada.ask("POST", path, form) for _ in range(2)]
    assert [answer.headers.get("Location") for answer in answers] == [f"/console/payments/{id}"] * 2
    (view,) = await ada.desk.payments(None, PaymentFilter(), 9)
    assert [(refund["amount"], refund["reason"]) for refund in view["refunds"]] == [(500, "duplicate")]
    assert set(ada.desk.audited) == {("refund.create.v1", id, "Ada (mr_oper_ada)", "she asked for it")}


async def test_what_the_rules_refuse_is_said_and_the_form_stays_filled_in(ada: Operator) -> None:
    await ada.sign_in()
    path = f"/console/payments/{await ada.made()}/refund"
    form = {**await ada.form(path), "amount": "50.00"}
    answer = await ada.ask("POST", path, form)
    page = await answer.text()
    assert answer.status == 409 and "refund_exceeds_refundable" in page
    assert 'value="50.00"' in page and "she asked for it" in page
    assert form["id"] not in page, "what was refused under that id is refused for ever"


def hidden(page: str) -> dict[str, str]:
    """What its form says beside what is filled in."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.partition("<main")[2]))


@pytest.mark.parametrize("left_out", ["why", "sure", "id"])
async def test_nothing_is_done_without_a_reason_or_a_confirmation(ada: Operator, left_out: str) -> None:
    await ada.sign_in()
    path = f"/console/payments/{await ada.made()}/refund"
    form = await ada.form(path)
    del form[left_out]
    assert (await ada.ask("POST", path, form)).status in (400, 422)
    assert ada.desk.audited == []


@pytest.mark.parametrize("fails", [Refused("another began"), Unavailable("it may have been done")])
async def test_what_may_have_been_done_is_the_same_command_when_its_form_is_sent_again(
    ada: Operator, fails: Exception
) -> None:
    """A double click, of which the second is told of the first; an answer that is late."""
    await ada.sign_in()
    id = await ada.made()
    path = f"/console/payments/{id}/refund"
    form = {**await ada.form(path), "amount": "5.00"}
    ada.desk.fails = fails
    answer = await ada.ask("POST", path, form)
    assert answer.status in (409, 503)
    ada.desk.fails = None
    assert (await ada.ask("POST", path, form)).status == 303, "it was done, after all"
    shown = await answer.text()
    again = {**hidden(shown), "amount": "5.00", "why": form["why"], "sure": "yes"}
    assert (await ada.ask("POST", path, again)).status == 303
    (view,) = await ada.desk.payments(None, PaymentFilter(), 9)
    assert [refund["amount"] for refund in view["refunds"]] == [500]


@pytest.mark.parametrize("other", [{"reason": "duplicate"}, {"amount": "6.00"}, {"amount": "0"}])
async def test_a_form_that_was_changed_after_a_late_answer_does_nothing_more(
    ada: Operator, other: dict[str, str]
) -> None:
    """Pressed again and again: what it first asked for may have been done, and its page must not forget that."""
    await ada.sign_in()
    path = f"/console/payments/{await ada.made()}/refund"
    form = {**await ada.form(path), "amount": "5.00"}
    assert (await ada.ask("POST", path, form)).status == 303, "of which the operator was not told"
    for _ in range(2):
        form |= other
        answer = await ada.ask("POST", path, form)
        assert answer.status in (409, 422)
        form |= hidden(await answer.text())
    (view,) = await ada.desk.payments(None, PaymentFilter(), 9)
    assert [refund["amount"] for refund in view["refunds"]] == [500]


async def test_a_refund_that_does_not_say_what_was_left_is_no_form_of_ours(ada: Operator) -> None:
    await ada.sign_in()
    path = f"/console/payments/{await ada.made()}/refund"
    form = {**await ada.form(path), "amount": "5.00", "expected_refundable": ""}
    assert (await ada.ask("POST", path, form)).status == 400
    assert ada.desk.audited == []


@pytest.mark.parametrize(("why", "status"), [("a\0b", 422), ("a\x1b[2J", 422), ("a\r\n\tb", 303)])
async def test_a_reason_can_be_read(ada: Operator, why: str, status: int) -> None:
    await ada.sign_in()
    path = f"/console/payments/{await ada.made()}/refund"
    form = {**await ada.form(path), "amount": "5.00", "why": why}
    assert (await ada.ask("POST", path, form)).status == status


async def test_two_who_refund_the_same_do_not_refund_it_twice(ada: Operator) -> None:
    await ada.sign_in()
    path = f"/console/payments/{await ada.made()}/refund"
    forms = [{**await ada.form(path), "amount": "5.00"} for _ in range(2)]
    assert [(await ada.ask("POST", path, form)).status for form in forms] == [303, 409]


async def test_what_merchants_write_is_text_in_every_page(ada: Operator) -> None:
    await ada.sign_in(name=f"Ada {SCRIPT}")
    id = await ada.made(
        metadata={"note": SCRIPT, f"{SCRIPT[:30]}": "x"}, description=SCRIPT, customer=f'"{SCRIPT}'
    )
    ada.desk.lying["0/1"] = {
        **dict.fromkeys(("code", "source", "type", "key", "reason", "value"), SCRIPT),
        "letter": "0/1",
        "at": "2026-01-31T12:00:00Z",
        "bytes": 3,
        "settled": None,
        "headers": [{"name": SCRIPT, "value": SCRIPT}],
    }
    ada.desk.endpoints["we_1"] = endpoint(url=SCRIPT, description=SCRIPT, disabled_why=SCRIPT)
    ada.desk.sent["msg_1"] = delivery(type=SCRIPT, answer=SCRIPT)
    search = "/console/payments?customer=%22%3Cscript%3Ealert(1)%3C%2Fscript%3E"
    for path in [
        *PAGES,
        search,
        f"/console/payments/{id}",
        f"/console/payments/{id}/refund",
        "/console/dead-letters/0/1",
        "/console/webhooks/we_1",
        "/console/webhooks/we_1/msg_1",
    ]:
        answer = await ada.ask("GET", path)
        page = await answer.text()
        assert answer.status == 200, path
        assert "<script>" not in page and "<b>about" not in page, path
        assert "&lt;script&gt;" in page, path
        assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:", page), path


async def test_every_answer_is_confined_and_kept_by_nobody(ada: Operator) -> None:
    answers = [
        await ada.ask("GET", "/console"),
        await ada.ask("GET", "/console/sign-in"),
        await ada.sign_in(),
    ]
    answers += [await ada.ask("GET", path) for path in [*PAGES, "/console/payments/pay_none"]]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in CONFINED} == CONFINED, answer.url
    told = dict(each.strip().split(" ", 1) for each in CONFINED["Content-Security-Policy"].split(";"))
    assert "unsafe" not in CONFINED["Content-Security-Policy"]
    assert (told["default-src"], told["frame-ancestors"], told["base-uri"]) == ("'none'",) * 3


async def test_the_search_finds_by_each_of_its_fields(ada: Operator) -> None:
    await ada.sign_in()
    id = await ada.made(customer="cus_7", metadata={"order": "A-1"}, amount=12345)
    found = [
        "customer=cus_7",
        "amount=123.45&currency=USD",
        "metadata_name=order&metadata_value=A-1",
        "status=captured",
        "merchant=mer_alice",
    ]
    lost = [
        "customer=cus_8",
        "amount=123.46&currency=usd",
        "amount=12345&currency=jpy",
        "amount=123.45",
        "metadata_name=order&metadata_value=A-2",
        "status=declined",
        "merchant=mer_bob",
    ]
    for query in found:
        assert id in await (await ada.ask("GET", f"/console/payments?{query}")).text(), query
    for query in lost:
        assert id not in await (await ada.ask("GET", f"/console/payments?{query}")).text(), query
    assert (await ada.ask("GET", f"/console/payments?id={id}")).headers[
        "Location"
    ] == f"/console/payments/{id}"
    for query in ("amount=1e9", "id=pay_1", "status=<b>"):
        assert (await ada.ask("GET", f"/console/payments?{query}")).status == 422, query


async def test_what_is_away_is_said_and_not_made_up(ada: Operator) -> None:
    await ada.sign_in()
    health = await (await ada.ask("GET", "/console/health")).text()
    assert "no brokers" in health and "20 %" in health
    ada.desk.away = True
    answer = await ada.ask("GET", "/console")
    assert answer.status == 503 and "no database" in await answer.text()


async def test_a_stranger_is_not_told_what_is_away(ada: Operator) -> None:
    ada.door.service.keys_are_away = True
    answer = await ada.sign_in()
    assert answer.status == 503
    assert "no database" not in await answer.text()


async def test_a_stream_says_that_there_is_news_and_ends_with_its_session(
    ada: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ada.sign_in()
    url = f"http://127.0.0.1:{ada.door.serving.port}/console/live"
    cookie = {"Cookie": f"millrace_console={ada.cookies['millrace_console']}"}
    async with ada.door.http.get(url, headers=cookie) as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        assert b"event: here" in await stream.content.readuntil(b"\n\n")
        await ada.made()
        assert re.fullmatch(rb"data: 1\n\n", await stream.content.readuntil(b"\n\n"))
        monkeypatch.delitem(PRINCIPALS, OPERATOR_KEY)
        rest = await stream.content.read()
        assert rest.endswith(b"event: ended\ndata:\n\n")


async def test_without_a_console_there_is_nothing_at_its_address(door: Door) -> None:
    assert (await door.get("/console")).status == 404


@pytest.mark.parametrize(
    ("typed", "currency", "amount"),
    [
        ("19.99", "usd", 1999),
        ("5", "usd", 500),
        ("1,000.5", "eur", 100050),
        ("1,000,000", "jpy", 1000000),
        ("12,500.000", "bhd", 12500000),
        ("70", "jpy", 70),
        ("1.234", "bhd", 1234),
        ("", "usd", None),
    ],
)
def test_money_is_read_as_people_type_it(typed: str, currency: str, amount: int | None) -> None:
    assert minor(typed, currency) == amount


@pytest.mark.parametrize(
    ("typed", "currency"),
    [
        ("1.999", "usd"),
        ("7.5", "jpy"),
        ("-5", "usd"),
        ("1e3", "usd"),
        (".5", "usd"),
        ("12,50", "usd"),
        ("1,2,3", "usd"),
        ("1,0000", "usd"),
        ("12,500", "bhd"),
        ("٣", "usd"),
        ("1.٣", "usd"),
        ("9" * 13, "usd"),
    ],
)
def test_what_is_no_amount_is_refused(typed: str, currency: str) -> None:
    with pytest.raises(ValueError):
        minor(typed, currency)


def test_money_is_written_by_its_own_digits() -> None:
    assert [money(1999, "usd"), money(7000, "jpy"), money(1234, "bhd")] == [
        "19.99 USD",
        "7,000 JPY",
        "1.234 BHD",
    ]


def endpoint(**more: object) -> dict[str, object]:
    made = dict.fromkeys(("failing_since", "disabled_at", "disabled_why"))
    known = {
        "id": "we_1",
        "merchant": "mer_1",
        "url": "https://shop.example/hook",
        "event_types": ["payment.*"],
    }
    return {**made, **known, "ordered": False, "description": "", "created_at": NOW, **more}


def delivery(type: str = "payment.captured.v1", answer: str = "no") -> dict[str, object]:
    attempt = {
        "number": 1,
        "at": "2026-01-31T12:00:00+00:00",
        "took_ms": 12,
        "status": 500,
        "answer": answer,
        "error": "",
    }
    about = {
        "id": "msg_1",
        "endpoint": "we_1",
        "event": "evt_1",
        "payment": f"pay_{'0' * 32}",
        "sequence": 2,
        "made": 1,
    }
    times = {"next_at": NOW, "created_at": NOW, "ended_at": None}
    return {**about, **times, "type": type, "state": "pending", "attempts": [attempt]}


async def test_an_endpoint_is_switched_and_a_webhook_sent_again_with_a_reason_and_by_a_form_alone(
    ada: Operator,
) -> None:
    await ada.sign_in()
    ada.desk.endpoints["we_1"], ada.desk.sent["msg_1"] = endpoint(), delivery()
    here = "/console/webhooks/we_1"
    for act in (f"{here}/disable", f"{here}/enable", f"{here}/msg_1/send-again"):
        assert (await ada.ask("GET", act)).status in (404, 405), act
        assert (await ada.ask("POST", act, {"why": "w", "sure": "yes", "csrf": "0" * 64})).status == 403
        assert (await ada.ask("POST", act, {"csrf": await ada.csrf(), "sure": "yes"})).status == 422
    assert ada.desk.audited == []
    assert (await ada.ask("POST", f"{here}/disable", await ada.form(here))).status == 303
    again = await ada.ask("POST", f"{here}/msg_1/send-again", await ada.form(f"{here}/msg_1"))
    assert (again.status, again.headers["Location"]) == (303, f"{here}/msg_1")
    done = [(what, of, why) for what, of, _, why in ada.desk.audited]
    assert done == [("disabled", "we_1", "she asked for it"), ("sent_again", "msg_1", "she asked for it")]
    assert all(who.startswith("Ada (") for _, _, who, _ in ada.desk.audited)


async def test_what_is_not_there_is_404_and_a_delivery_is_of_its_endpoint(ada: Operator) -> None:
    await ada.sign_in()
    ada.desk.endpoints["we_1"], ada.desk.sent["msg_1"] = endpoint(), delivery()
    for path in ("we_2", "we_1/msg_2", "we_2/msg_1"):
        assert (await ada.ask("GET", f"/console/webhooks/{path}")).status == 404, path
    told = await ada.ask("POST", "/console/webhooks/we_2/enable", await ada.form("/console/webhooks/we_1"))
    assert told.status == 409


@pytest.mark.real
@needs_a_browser
async def test_a_page_that_was_refused_its_stream_comes_again_for_it(ada: Operator) -> None:
    ada.desk.deaf = True
    async with browser() as opened:
        page = await opened.new_page()
        await page.goto(f"http://127.0.0.1:{ada.door.serving.port}/console")
        await page.get_by_label("Your name").fill("Ada")
        await page.get_by_label("Operator key").fill(OPERATOR_KEY)
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Not live: trying again.")).to_be_visible()
        ada.desk.deaf = False
        await expect(page.get_by_text("Live.", exact=True)).to_be_visible(timeout=15_000)


@pytest.mark.parametrize(
    "parameters",
    ["a=" + '"' * 16_300, "a*" + "1" * 4_400 + "=b", "(" * 3_000, "charset=latin-1"],
    ids=["quotes", "digits", "brackets", "another charset"],
)
async def test_whatever_a_stranger_calls_a_form_is_answered_at_once(ada: Operator, parameters: str) -> None:
    """Each took aiohttp's own look at it seconds, or failed it."""
    began = time.process_time()
    said = {"Content_Type": f"application/x-www-form-urlencoded;{parameters}"}
    assert (await ada.sign_in(**said)).status == 415
    assert time.process_time() - began < 1.0


async def test_those_who_sign_in_and_say_nothing_do_not_take_the_merchants_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("web.console.doing.ENTERING_MAX", 2)
    monkeypatch.setattr("web.console.guarding.FORM_READ_MAX_S", 1.0)
    service = Service()
    console = Console(FakeDesk(service), FakeSessions())
    async with open_door(service, console=console, requests_max=3) as door:
        url = f"http://127.0.0.1:{door.serving.port}/console/sign-in"
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        silent = [
            asyncio.ensure_future(door.http.post(url, data=never(), headers=form, allow_redirects=False))
            for _ in range(5)
        ]
        turned_away, pending = await asyncio.wait(silent, timeout=0.5)
        assert [each.result().status for each in turned_away] == [503] * 3
        assert (await door.post("/v1/payments", PAYMENT)).status == 201
        too_late, _ = await asyncio.wait(pending, timeout=5.0)
        assert [each.result().status for each in too_late] == [408] * 2
