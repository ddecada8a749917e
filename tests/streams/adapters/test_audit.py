"""What operators did is told by the transaction that did it, and stays as it is."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest

from sandbox.testing import KafkaServer
from streams import topics
from streams.adapters.postgres import audit, issuing, merchants
from streams.adapters.postgres.audit import Act, acts
from streams.operator import audit as listing
from streams.operator import policies
from streams.settings import Settings
from tests.streams.adapters.servers import run_sql

pytestmark = pytest.mark.real

LONG_AGO, LATER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def told(dsn: str, subject: str | None) -> list[Act]:
    return acts(dsn, subject, None, None, 100)


def test_every_act_is_told_with_who_did_it_and_to_what(database: str) -> None:
    merchant = merchants.create_merchant(database, "Ann's Apples", actor="ada")
    api_key, key = issuing.create_key(
        database, merchant.id, scopes=["payments:read"], name="shop", actor="bob"
    )
    new, successor = issuing.rotate_key(database, key.prefix, timedelta(hours=1), actor="cy")
    issuing.revoke_key(database, key.prefix, actor="dan")
    found = told(database, merchant.id)
    assert [(act.actor, act.action, act.subject) for act in found] == [
        ("ada", "merchant.created", merchant.id),
        ("bob", "key.created", key.prefix),
        ("cy", "key.rotated", successor.prefix),
        ("dan", "key.revoked", key.prefix),
    ]
    assert found[0].detail == {"name": "Ann's Apples"}
    assert found[1].detail == {
        "merchant": merchant.id,
        "name": "shop",
        "scopes": ["payments:read"],
        "livemode": False,
    }
    assert found[2].detail["replaces"] == key.prefix
    assert told(database, key.prefix) == found[1:], "the rotation is the old key's as well"
    assert not any(secret in str(found) for secret in (api_key, new))


def test_what_changes_nothing_is_not_told_again(database: str) -> None:
    demo, operator_key = {"mer_audit": "mr_test_audit_demo"}, "mr_oper_audit_demo"
    for _ in range(2):
        merchants.ensure_demo_merchants(database, demo, operator_key)
    assert [act.action for act in told(database, "mer_audit")] == ["merchant.created", "key.created"]
    prefix = issuing.keys(database, "mer_audit")[0].prefix
    for _ in range(2):
        issuing.revoke_key(database, prefix, actor="ada")
    assert [act.action for act in told(database, prefix)] == ["key.created", "key.revoked"]


def test_neither_is_there_without_the_other(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = merchants.create_merchant(database, "x", actor="ada").id
    _, key = issuing.create_key(database, merchant, actor="ada")

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(audit, "note", fail)
    there, before = merchants.merchants(database), issuing.keys(database)
    for act in (
        lambda: merchants.create_merchant(database, "y", actor="ada"),
        lambda: issuing.create_key(database, merchant, actor="ada"),
        lambda: issuing.rotate_key(database, key.prefix, timedelta(0), actor="ada"),
        lambda: issuing.revoke_key(database, key.prefix, actor="ada"),
    ):
        with pytest.raises(RuntimeError):
            act()
    assert (merchants.merchants(database), issuing.keys(database)) == (there, before)


def test_nobody_acts_without_a_name(database: str) -> None:
    with pytest.raises(psycopg2.errors.CheckViolation):
        merchants.create_merchant(database, "x", actor="")
    assert merchants.merchants(database) == []


@pytest.mark.parametrize(
    "undoing",
    [
        "UPDATE audit SET actor = 'eve'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "DELETE FROM audit WHERE false",
    ],
)
def test_what_is_told_stays(database: str, undoing: str) -> None:
    merchant = merchants.create_merchant(database, "x", actor="ada").id
    before = told(database, None)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        run_sql(database, undoing)
    assert told(database, None) == before
    assert told(database, merchant)


def test_it_is_listed_by_time_and_the_newest_of_many(database: str) -> None:
    made = [merchants.create_merchant(database, name, actor="ada").id for name in "abc"]
    assert [act.subject for act in acts(database, None, None, None, 2)] == made[1:]
    assert acts(database, made[0], LONG_AGO, LATER, 9) == told(database, made[0])
    assert acts(database, made[0], LATER, None, 9) == acts(database, made[0], None, LONG_AGO, 9) == []
    (first,) = told(database, made[0])
    assert acts(database, made[0], first.at, None, 9) == [first]
    assert acts(database, made[0], None, first.at, 9) == []


def test_the_command_line_puts_together_what_is_told_in_postgresql_and_on_kafka(
    database: str, kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(kafka_bootstrap=kafka.bootstrap, group_prefix="audit")
    asyncio.run(topics.create(settings))
    merchant = merchants.create_merchant(database, "x", actor="ada").id
    asyncio.run(policies.say(settings, merchant, b'{"refund_window_days": 3}', "bob"))
    prefix = issuing.create_key(database, merchant, actor="cy")[1].prefix
    monkeypatch.setenv("MILLRACE_POSTGRES_DSN", database)
    monkeypatch.setenv("MILLRACE_KAFKA_BOOTSTRAP", kafka.bootstrap)
    listing.list_newest(listing.Wanted(merchant, None, None, 9), as_json=True)
    told = [(act["actor"], act["action"], act["subject"]) for act in json.loads(capsys.readouterr().out)]
    assert told == [
        ("ada", "merchant.created", merchant),
        ("bob", "policy.set", merchant),
        ("cy", "key.created", prefix),
    ]
    listing.list_newest(listing.Wanted(merchant, None, None, 2), as_json=False)
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["AT", "ACTOR", "ACTION", "SUBJECT", "DETAIL"]
    assert [row.split()[1] for row in rows] == ["bob", "cy"]
    assert 'policy={"refund_window_days":3}' in rows[0]
