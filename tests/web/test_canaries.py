"""Secrets and card numbers go in through every opening, and come out of none: not in an answer, not in a log line."""

import io
import json
import logging

import pytest

from tests.web.fakes import PAYMENT, Door
from tests.web.service import KEY, TOKEN

CARD, CARD_WITH_GAPS = "4000056655665556", "4000-0566-5566-5556"
SECRET_KEY = "mr_test_canary00secret"
SECRET_TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJjYW5hcnkiOiJ0b2tlbiJ9.c2lnbmVkLWNhbmFyeQ"
CANARIES = (CARD, CARD_WITH_GAPS, SECRET_KEY, KEY, "sk_test_canary000", TOKEN, *SECRET_TOKEN.split("."))


@pytest.mark.parametrize("card", [CARD, CARD_WITH_GAPS])
async def test_no_opening_lets_a_secret_out(door: Door, lines: io.StringIO, card: str) -> None:
    told = [
        await door.post("/v1/payments", PAYMENT | {"description": card}),
        await door.post("/v1/payments", PAYMENT | {"metadata": {card: card}}),
        await door.post("/v1/payments", PAYMENT | {card: card}),
        await door.post("/v1/payments", PAYMENT | {"amount": card}),
        await door.post("/v1/payments", f'{{"amount": {CARD}, "x": {CARD}'.encode()),
        await door.post("/v1/payments", PAYMENT, f'"{card}" trailing'),
        await door.post(f"/v1/payments/{card}/capture", {"reason": card}),
        await door.post("/v1/payments", PAYMENT, card, Prefer=f"wait={CARD}"),
        await door.post("/v1/payments", PAYMENT | {"amount": int(CARD)}, "n"),
        await door.post(
            "/v1/payments", PAYMENT, "t", traceparent=card, User_Agent=card, Referer=f"https://x/{card}"
        ),
        await door.post(f"/v1/payments?card={card}", PAYMENT, "q"),
        await door.post(
            "/v1/payments", PAYMENT, "c", Content_Type=f"text/{card}", X_Card=card, Accept=card, Cookie=card
        ),
        await door.get(
            f"/v1/payments?limit={card}&starting_after={card}&customer=%ff{card}", If_None_Match=f'"{card}"'
        ),
        await door.ask("OPTIONS", f"/v1/payments/{card}", Origin=f"https://{CARD}.example"),
        await door.ask(f"PAY{CARD}", f"/{card}"),
        await door.get(f"/{card}?{card}={card}"),
        await door.get(f"/v1/payments?customer={card}&{card}=1&metadata[{card}]=1"),
        await door.get("/v1/payments", key=SECRET_KEY),
        await door.get("/v1/payments", key="sk_test_canary000"),
        await door.get("/v1/payments", key=SECRET_TOKEN),
        await door.get(f"/v1/payments/{SECRET_TOKEN}?{SECRET_TOKEN}=1", key=TOKEN),
        await door.post("/v1/payments", PAYMENT | {SECRET_TOKEN: 1}, SECRET_TOKEN, key=TOKEN),
        await door.ask("POST", "/webhooks/stripe", card.encode(), Stripe_Signature=card),
    ]
    door.service.breaks = True
    told.append(await door.get(f"/v1/payments/pay_{'0' * 32}"))
    assert told[-1].status == 500
    told.append(await door.get("/metrics"))
    for each in told:
        for canary in CANARIES:
            assert canary not in each.raw.decode(), each.status
            assert canary not in str(each.headers)
    assert lines.getvalue().count("\n") >= 2
    for canary in (*CANARIES, "4242 4242 4242 4242"):
        assert canary not in lines.getvalue()


async def test_what_fails_is_logged_with_its_request(door: Door, lines: io.StringIO) -> None:
    door.service.breaks = True
    told = await door.get(f"/v1/payments/pay_{'0' * 32}")
    [line] = [line for line in lines.getvalue().splitlines() if '"level":"ERROR"' in line]
    assert told.headers["Request-Id"] in line
    assert "RuntimeError" in line
    assert KEY not in line


async def test_a_clients_own_id_of_a_request_is_taken_down_if_it_is_one_and_never_believed(
    door: Door, lines: io.StringIO
) -> None:
    door.service.breaks = True
    address, trace = f"/v1/payments/pay_{'0' * 32}", f"00-{'a' * 32}-{'b' * 16}-01"
    for theirs, taken in (
        ("order-6735", "order-6735"),
        ("no id\t", None),
        ("x" * 65, None),
        (CARD, "[card number]"),
    ):
        told = await door.get(address, X_Request_Id=theirs, traceparent=trace)
        line = json.loads([each for each in lines.getvalue().splitlines() if '"level":"ERROR"' in each][-1])
        assert line.get("client_request_id") == taken
        assert line["request_id"] == told.headers["Request-Id"] != theirs
        assert theirs.strip() not in str(told.headers) + told.raw.decode()
        assert line["trace_id"] == "a" * 32


async def test_a_token_in_a_log_line_is_blotted_out(lines: io.StringIO) -> None:
    logging.getLogger("millrace.web").warning(
        "somebody sent Bearer %s, twice: %s", SECRET_TOKEN, SECRET_TOKEN
    )
    assert not any(part in lines.getvalue() for part in SECRET_TOKEN.split("."))
    assert "somebody sent" in lines.getvalue()


async def test_an_ordinary_request_is_not_logged_at_info(door: Door, lines: io.StringIO) -> None:
    logging.getLogger("millrace").setLevel(logging.INFO)
    assert (await door.post("/v1/payments", PAYMENT)).status == 201
    assert [line for line in lines.getvalue().splitlines() if '"logger":"millrace' in line] == []
