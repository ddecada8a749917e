"""The outbox in PostgreSQL and those who send from it, to a real mail server: nothing is lost, and what is in doubt is told again
under one id.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from agents.notifications import mails as agent
from agents.notifications.mails import Mails
from models import mailing
from models.mailing import Bounced, Sent, settlement
from models.mails import DeadLetter, Mail, MailRules
from models.ports import Change
from models.representation import rfc3339
from sandbox.ports import HOST
from sandbox.testing import PostgresServer
from streams.adapters.postgres import Postgres, PostgresPaymentStore, mail_records
from streams.adapters.postgres.mails import PostgresMailOutbox
from streams.adapters.smtp_carrier import SmtpCarrier
from streams.adapters.smtp_carrier import SmtpServer as Server
from streams.background import stop
from tests.streams.adapters.payments import FIRST, START, change, view
from tests.streams.adapters.servers import eventually, run_sql
from tests.streams.adapters.smtp_server import SmtpServer

pytestmark = pytest.mark.real

NOW = START + timedelta(minutes=1)
RULES = MailRules(receipts=True, alerts_to=("ada@ops.example",))


@pytest.fixture
async def outbox(connections: Postgres) -> PostgresMailOutbox:
    return PostgresMailOutbox(connections)


@pytest.fixture
async def server() -> AsyncIterator[SmtpServer]:
    async with SmtpServer().serving() as serving:
        yield serving


def captured(number: int, **changed: Any) -> Change:
    payment = view(number, 3, **{"receipt_email": f"ann-{number}@shop.example", **changed})
    return change(payment, amount_captured_minor=1999, final=True)


def mail(number: int) -> Mail:
    return Mail(f"mail_{number:032x}", "payment_receipt", f"pay_{number}", "ann@shop.example", "s", "t", "h")


def never(_: str) -> None:
    """No crash."""


@asynccontextmanager
async def sending(outbox: PostgresMailOutbox, port: int) -> AsyncIterator[Mails]:
    carrier = SmtpCarrier(Server(f"smtp://{HOST}:{port}", "receipts@shop.example"))
    mails = Mails(outbox, carrier, RULES, never, lambda: NOW)
    running = asyncio.create_task(mails.run())
    try:
        yield mails
    finally:
        await stop(running)
        await mails.drain(5.0)
        await carrier.close()


def statuses(database: str) -> dict[str, int]:
    return dict(run_sql(database, "SELECT status, count(*) FROM mails GROUP BY 1"))  # type: ignore[arg-type]


async def test_a_payment_that_is_read_twice_is_one_mail_in_the_merchants_name(
    database: str, outbox: PostgresMailOutbox, server: SmtpServer
) -> None:
    run_sql(database, "INSERT INTO merchants (id, name) VALUES (%s, %s)", FIRST, "Ann's Shop")
    async with sending(outbox, server.port) as mails:
        await mails.take_in([captured(1), captured(1)])
        await mails.take_in([captured(1), captured(2)])
        await eventually(lambda: _are(database, sent=2))
    assert sorted(message["To"] for message in server.taken) == ["ann-1@shop.example", "ann-2@shop.example"]
    assert {message["Subject"] for message in server.taken} == {"Receipt from Ann's Shop: 19.99 USD"}


async def test_what_is_leased_is_nobody_elses_until_the_lease_ends_and_then_the_first_settles_nothing(
    outbox: PostgresMailOutbox, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await outbox.put([mail(1), mail(2)])
    first, second = await outbox.lease(), await outbox.lease()
    assert first and second and {first.mail.id, second.mail.id} == {mail(1).id, mail(2).id}
    assert await outbox.lease() is None
    run_sql(database, "UPDATE mails SET next_at = now() WHERE id = %s", first.mail.id)
    again = await outbox.lease()
    assert again and (again.mail, again.attempt) == (first.mail, 2)
    await outbox.settle(first, settlement(first, Bounced("550 late"), NOW))
    assert statuses(database) == {"waiting": 2}, "it was somebody else's by then"
    await outbox.settle(again, settlement(again, Sent("250"), NOW))
    assert statuses(database) == {"waiting": 1, "sent": 1}


async def test_many_senders_take_each_mail_once(outbox: PostgresMailOutbox) -> None:
    await outbox.put([mail(number) for number in range(60)])

    async def take() -> list[str]:
        taken = []
        while leased := await outbox.lease():
            taken.append(leased.mail.id)
        return taken

    taken = [id for each in await asyncio.gather(*(take() for _ in range(6))) for id in each]
    assert sorted(taken) == [mail(number).id for number in range(60)]


async def test_a_mail_that_no_server_takes_is_kept_as_bounced_and_keeps_nobody_waiting(
    outbox: PostgresMailOutbox, server: SmtpServer, database: str
) -> None:
    server.says["RCPT ann-1@shop.example"] = "550 5.1.1 nobody of that name"
    server.says["RCPT ann-2@shop.example"] = "451 4.2.0 greylisted"
    async with sending(outbox, server.port) as mails:
        await mails.take_in([captured(number) for number in range(1, 6)])
        await eventually(lambda: _are(database, sent=3, bounced=1, waiting=1))
        server.says.clear()
        run_sql(database, "UPDATE mails SET next_at = now() WHERE status = 'waiting'")
        await eventually(lambda: _are(database, sent=4, bounced=1))
        assert mails.results["payment_receipt", "bounced"] == 1
    answers = run_sql(database, "SELECT attempts, answer FROM mails WHERE status = 'bounced'")
    assert answers == [(1, "550 5.1.1 nobody of that name")]
    assert run_sql(database, "SELECT attempts FROM mails WHERE recipient = 'ann-2@shop.example'") == [(2,)]


async def test_while_no_server_is_there_mails_are_taken_in_and_go_when_one_is_back(
    outbox: PostgresMailOutbox, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "RETRY_FIRST_S", 0.2)
    server = SmtpServer()
    async with server.serving():
        pass  # a port on which nobody listens any more
    async with sending(outbox, server.port) as mails:
        await mails.take_in([captured(number) for number in range(20)])
        await eventually(lambda: _tried(database))
        assert statuses(database) == {"waiting": 20}
        async with server.serving():
            await eventually(lambda: _are(database, sent=20))
    assert len(server.taken) == 20


async def test_a_message_whose_answer_is_lost_comes_again_under_the_same_id(
    outbox: PostgresMailOutbox, server: SmtpServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "RETRY_FIRST_S", 0.1)
    server.breaks_off = 1
    async with sending(outbox, server.port) as mails:
        await mails.take_in([captured(1)])
        await eventually(lambda: _are(database, sent=1))
    assert len(server.taken) == 2
    assert len({message["Message-ID"] for message in server.taken}) == 1


async def test_who_is_told_to_stop_finishes_what_is_being_sent(
    outbox: PostgresMailOutbox, server: SmtpServer, database: str
) -> None:
    server.pace_s = 0.3
    async with sending(outbox, server.port) as mails:
        await mails.take_in([captured(number) for number in range(30)])
        await eventually(lambda: _tried(database))
    sent = statuses(database).get("sent", 0)
    assert 0 < sent == len(server.taken) < 30, "nothing was cut off, and nothing begun after"


async def test_mails_are_taken_in_when_postgresql_is_back(
    postgres: PostgresServer, outbox: PostgresMailOutbox, server: SmtpServer, database: str
) -> None:
    async with sending(outbox, server.port) as mails:
        await asyncio.to_thread(postgres.stop)
        try:
            taking = asyncio.create_task(mails.take_in([captured(1)]))
            await asyncio.sleep(0.5)
            assert not taking.done()
        finally:
            await asyncio.to_thread(postgres.start)
        await taking
        await eventually(lambda: _are(database, sent=1))


async def test_a_payment_unknown_for_an_hour_is_told_once_and_a_younger_one_not_yet(
    outbox: PostgresMailOutbox, database: str
) -> None:
    await _unknown(database, {1: 61, 2: 59})
    mails = Mails(outbox, SmtpCarrier(None), RULES, never, lambda: NOW)
    for _ in range(3):
        await mails.look_for_unknown()
    rows = run_sql(database, "SELECT kind, about, recipient FROM mails")
    assert rows == [("payment_unknown", view(1)["id"], "ada@ops.example")]


async def test_a_payment_that_cannot_be_told_stops_nobody(outbox: PostgresMailOutbox, database: str) -> None:
    await _unknown(database, {1: 61, 2: 61})
    run_sql(
        database, "UPDATE payments SET body = (body::jsonb - 'currency')::json WHERE id = %s", view(1)["id"]
    )
    mails = Mails(outbox, SmtpCarrier(None), RULES, never, lambda: NOW)
    await mails.look_for_unknown()
    assert run_sql(database, "SELECT about FROM mails") == [(view(2)["id"],)]


async def test_an_outage_that_leaves_many_unknown_is_not_a_mail_for_each(
    outbox: PostgresMailOutbox, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "UNKNOWN_PER_HOUR", 3)
    await _unknown(database, dict.fromkeys(range(10), 61))
    mails = Mails(outbox, SmtpCarrier(None), RULES, never, lambda: NOW)
    for _ in range(3):
        await mails.look_for_unknown()
    assert statuses(database) == {"waiting": 3}
    run_sql(database, "UPDATE mails SET created_at = created_at - interval '61 minutes'")
    await mails.look_for_unknown()
    assert statuses(database) == {"waiting": 6}, "the next three, an hour later"


async def test_dead_letters_that_are_read_again_are_told_once(
    outbox: PostgresMailOutbox, database: str
) -> None:
    mails = Mails(outbox, SmtpCarrier(None), RULES, never, lambda: NOW)
    letters = [DeadLetter(f"1/{n}", NOW, "key_invalid", "no \0 key\r\nBcc: eve", "t/1/2") for n in range(50)]
    for _ in range(2):
        await mails.take_in_letters(letters)
    ((subject, text),) = run_sql(database, "SELECT subject, text FROM mails")
    assert subject == "Dead letter: key_invalid"
    assert "\nBcc" not in str(text)


async def test_what_was_settled_is_forgotten_after_a_while_but_not_that_it_was(
    outbox: PostgresMailOutbox, database: str
) -> None:
    await outbox.put([mail(1), mail(2)])
    leased = await outbox.lease()
    assert leased
    await outbox.settle(leased, settlement(leased, Sent("250"), NOW))
    run_sql(database, "UPDATE mails SET ended_at = ended_at - interval '31 days'")
    await outbox.forget((await _now(database)) - agent.KEPT)
    assert sorted(run_sql(database, "SELECT status, recipient, text FROM mails")) == [
        ("sent", "", ""),
        ("waiting", "ann@shop.example", "t"),
    ]
    await outbox.put([leased.mail])
    assert statuses(database) == {"sent": 1, "waiting": 1}, "nor is it sent again"
    assert mail_records.make_due(database, leased.mail.id, actor="ada") is None


async def test_an_operator_sees_what_became_of_a_mail_and_sends_it_again(
    outbox: PostgresMailOutbox, server: SmtpServer, database: str
) -> None:
    server.says["RCPT"] = "550 5.1.1 nobody of that name"
    async with sending(outbox, server.port) as mails:
        await mails.take_in([captured(1)])
        await eventually(lambda: _are(database, bounced=1))
        (record,) = mail_records.newest(database, "bounced", None, 10)
        assert (record.about, record.answer) == (view(1)["id"], "550 5.1.1 nobody of that name")
        server.says.clear()
        made = mail_records.make_due(database, record.id, actor="ada")
        assert made and made.status == "waiting"
        await eventually(lambda: _are(database, sent=1))
    whole = mail_records.whole(database, record.id)
    assert whole and "19.99 USD" in whole[1].text
    acts = run_sql(database, "SELECT actor, action, subject FROM audit WHERE subject = %s", record.id)
    assert acts == [("ada", "mail.resent", record.id)]
    assert mail_records.newest(database, None, "pay_other", 10) == []


async def test_one_mail_that_cannot_be_kept_stops_no_other(
    outbox: PostgresMailOutbox, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused by the database itself."""
    run_sql(database, "ALTER TABLE mails ADD CONSTRAINT refused CHECK (recipient <> 'ann-2@shop.example')")
    try:
        mails = Mails(outbox, SmtpCarrier(None), RULES, never, lambda: NOW)
        odd = change(view(9, receipt_email="ann@shop.example"))
        await mails.take_in([odd, *(captured(number) for number in range(4))])
        assert statuses(database) == {"waiting": 3}
    finally:
        run_sql(database, "ALTER TABLE mails DROP CONSTRAINT refused")


async def _unknown(database: str, minutes: dict[int, int]) -> None:
    """Payments, by their numbers, that have been unknown for so long."""
    store = PostgresPaymentStore(database)
    for number, long in minutes.items():
        payment = view(number, status="unknown", unknown_since=rfc3339(NOW - timedelta(minutes=long)))
        await store.apply([change(payment, "payment.outcome_unknown.v1")])
    await store.close()


async def _are(database: str, **wanted: int) -> bool:
    return statuses(database) == wanted


async def _tried(database: str) -> bool:
    return bool(run_sql(database, "SELECT 1 FROM mails WHERE attempts > 0"))


async def _now(database: str) -> Any:
    return run_sql(database, "SELECT now()")[0][0]
