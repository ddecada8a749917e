"""SMTP as servers speak it: what each answer means for a mail, and that no password crosses a network in the clear."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from models.mailing import Away, Bounced, Leased, PutOff, Sent
from models.mails import Mail, is_address
from sandbox.ports import HOST
from streams.adapters import smtp_carrier
from streams.adapters.smtp_carrier import SmtpCarrier
from streams.adapters.smtp_carrier import SmtpServer as Server
from tests.certificates import Authority
from tests.streams.adapters.smtp_server import PASSWORD, USER, SmtpServer

SENDER = "Ann's Shop <receipts@shop.example>"
ID = "mail_" + "ab" * 16
MAIL = Mail(
    ID,
    "payment_receipt",
    "pay_1",
    "bob@mail.example",
    "Receipt: 5 €",
    "Danke für 5 €",
    "<p>Danke für 5 €</p>",
)
LEASED = Leased(MAIL, datetime(2026, 1, 31, 12, tzinfo=UTC), 1)
LOGIN = f"{USER}:{quote(PASSWORD, safe='')}@"


@pytest.fixture
async def server() -> AsyncIterator[SmtpServer]:
    async with SmtpServer().serving() as serving:
        yield serving


def carrier(port: int, scheme: str = "smtp", login: str = "", host: str = HOST) -> SmtpCarrier:
    return SmtpCarrier(Server(f"{scheme}://{login}{host}:{port}", SENDER))


async def test_a_mail_arrives_whole_and_under_its_own_message_id(server: SmtpServer) -> None:
    assert isinstance(await carrier(server.port).carry(LEASED), Sent)
    (message,) = server.taken
    assert server.recipients == [["bob@mail.example"]]
    assert message["Message-ID"] == f"<{ID}@shop.example>"
    assert message["From"] == SENDER and message["To"] == "bob@mail.example"
    assert message["Subject"] == "Receipt: 5 €"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == LEASED.created_at
    bodies = {kind: message.get_body((kind,)) for kind in ("plain", "html")}
    assert {kind: body.get_content().strip() for kind, body in bodies.items() if body} == {
        "plain": MAIL.text,
        "html": MAIL.html,
    }


@pytest.mark.parametrize(
    ("command", "says", "means"),
    [
        ("RCPT", "550 5.1.1 nobody of that name", Bounced),
        ("RCPT", "451 4.2.0 greylisted", PutOff),
        ("RCPT", "452 4.2.2 mailbox full", PutOff),
        ("DATA", "554 5.6.0 we do not like it", Bounced),
        ("DATA", "451 4.3.0 try again", PutOff),
        ("DATA", "421 4.3.2 shutting down", Away),
        ("MAIL", "550 5.7.1 you are nobody here", Away),
        ("MAIL", "451 4.3.0 not now", Away),
        ("RCPT", "530 5.7.0 authentication required", Away),
    ],
)
async def test_what_is_said_of_the_mail_is_told_from_what_is_said_of_us(
    server: SmtpServer, command: str, says: str, means: type
) -> None:
    server.says[command] = says
    carrying = carrier(server.port)
    assert await carrying.carry(LEASED) == means(says)
    server.says.clear()
    assert isinstance(await carrying.carry(LEASED), Sent), "and the next one goes"
    await carrying.close()


async def test_a_server_that_is_not_there_or_breaks_off_has_said_nothing_of_the_mail(
    server: SmtpServer,
) -> None:
    server.breaks_off = 1
    carrying = carrier(server.port)
    assert isinstance(await carrying.carry(LEASED), Away)
    assert isinstance(await carrying.carry(LEASED), Sent)
    first, second = server.taken
    assert first["Message-ID"] == second["Message-ID"], "whoever gets both knows them for one"
    assert isinstance(await carrier(1).carry(LEASED), Away)
    assert isinstance(await SmtpCarrier(None).carry(LEASED), Away)


async def test_a_connection_is_kept_for_the_next_mail_and_made_anew_when_the_server_has_ended_it() -> None:
    server = SmtpServer()
    async with server.serving():
        carrying = carrier(server.port)
        for _ in range(3):
            assert isinstance(await carrying.carry(LEASED), Sent)
        assert server.connections == 1
    assert isinstance(await carrying.carry(LEASED), Away)
    async with server.serving():
        assert isinstance(await carrying.carry(LEASED), Sent)
    await carrying.close()


async def test_nobody_smuggles_a_header_in() -> None:
    evil = Leased(
        Mail(ID, "k", "a", "bob@mail.example", "Hi\r\nBcc: eve@evil.example", "t", "h"), LEASED.created_at, 1
    )
    async with SmtpServer().serving() as server:
        assert isinstance(await carrier(server.port).carry(evil), Bounced)
        assert server.taken == []


@pytest.mark.parametrize(
    "name",
    ["=?utf-8?q?Ann=0D=0ABcc:_eve=40evil.example?=", "=?utf-8?b?QW5uDQpCY2M6IGV2ZUBldmlsLmV4YW1wbGU=?="],
)
async def test_nobody_smuggles_a_header_in_by_an_encoded_word(server: SmtpServer, name: str) -> None:
    evil = Leased(replace(MAIL, subject=f"Receipt from {name}: 5 €"), LEASED.created_at, 1)
    assert isinstance(await carrier(server.port).carry(evil), Sent)
    (message,) = server.taken
    assert message["Bcc"] is None and server.recipients == [[MAIL.recipient]]
    assert str(message["Subject"]).split() == f"Receipt from {name.replace('=?', '= ?')}: 5 €".split()


@pytest.mark.parametrize(
    "recipient", ["=?us-ascii?q?eve?=@mail.example", "=?utf-8?q?bob=40evil.example=2Ceve?=@mail.example"]
)
async def test_an_address_in_an_address_is_none(server: SmtpServer, recipient: str) -> None:
    assert not is_address(recipient)
    evil = Leased(replace(MAIL, recipient=recipient), LEASED.created_at, 1)
    assert isinstance(await carrier(server.port).carry(evil), Bounced)
    assert server.taken == []


async def test_what_the_library_cannot_write_is_not_tried_for_ever(server: SmtpServer) -> None:
    odd = Leased(replace(MAIL, text="half of \ud800 one"), LEASED.created_at, 1)
    assert await carrier(server.port).carry(odd) == Bounced("cannot be written: UnicodeEncodeError")
    assert isinstance(await carrier(server.port).carry(LEASED), Sent)


async def test_it_says_who_it_is(server: SmtpServer) -> None:
    async with SmtpServer().serving(wants_user=True) as wary:
        assert isinstance(await carrier(wary.port, login=LOGIN).carry(LEASED), Sent)
        refused = await carrier(wary.port, login=f"{USER}:wrong@").carry(LEASED)
        assert isinstance(refused, Away) and refused.answer.startswith("535"), "no mail's fault"
        assert len(wary.taken) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_it_speaks_tls_and_knows_whom_it_speaks_to(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    context = authority.issue("mail", "localhost").served()
    starttls, tls = (context, None) if scheme == "smtp" else (None, context)
    async with SmtpServer().serving(starttls, tls) as server:
        distrusting = carrier(server.port, scheme, host="localhost")
        assert isinstance(await distrusting.carry(LEASED), Away), "nobody it knows has signed that"
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        assert isinstance(await carrier(server.port, scheme, host="localhost").carry(LEASED), Sent)


async def test_no_password_crosses_a_network_in_the_clear(
    server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp_carrier, "_is_loopback", lambda host: False)
    assert isinstance(await carrier(server.port, login=LOGIN).carry(LEASED), Away)
    assert not server.asked_for_password


async def test_a_server_that_says_nothing_holds_nobody_for_longer_than_a_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smtp_carrier, "TRY_WITHIN_S", 0.2)
    async with SmtpServer().serving() as server:
        server.pace_s = 5.0
        assert isinstance(await carrier(server.port).carry(LEASED), Away)


async def test_a_try_that_swallowed_its_end_is_ended_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    async def swallowing() -> None:
        """As `asyncio.wait_for` where a cancellation meets the answer."""
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async with SmtpServer().serving() as server:
        carrying = carrier(server.port)
        assert isinstance(await carrying.carry(LEASED), Sent)
        monkeypatch.setattr(smtp_carrier, "TRY_WITHIN_S", 0.2)
        monkeypatch.setattr(carrying._idle[0], "noop", swallowing)
        server.pace_s = 5.0
        assert isinstance(await carrying.carry(LEASED), Away)
        assert carrying._idle == []


async def test_a_kept_connection_on_which_nothing_is_said_any_more_is_not_left_open(
    server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrying = carrier(server.port)
    assert isinstance(await carrying.carry(LEASED), Sent)
    monkeypatch.setattr(smtp_carrier, "TRY_WITHIN_S", 0.2)
    (kept,) = carrying._idle
    monkeypatch.setattr(kept, "noop", asyncio.Event().wait)
    assert isinstance(await carrying.carry(LEASED), Away)
    assert not kept.is_connected and carrying._idle == []
