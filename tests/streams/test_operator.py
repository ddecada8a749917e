"""What the operator's tables show, and that scripts go on getting what they got."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from models.policy import DEFAULT, AmountLimits, Policy, Velocity
from streams.operator import Refused, resolving, settings, unknown
from streams.operator.dead_letters import audit, listing, settling
from streams.operator.dead_letters.letters import letter, readable
from streams.operator.dead_letters.listing import _row
from streams.operator.printing import show
from streams.wire import policies
from streams.wire.policies import PolicyRefused

AT = datetime(2026, 1, 31, 14, 0, 0, 123456, timezone(timedelta(hours=2)))
ROW = {"at": AT, "live": True, "gone": False, "revoked": None, "secrets": (), "note": "", "count": 0}


def test_a_table_is_written_as_people_write(capsys: pytest.CaptureFixture[str]) -> None:
    show([ROW], as_json=False)
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["AT", "LIVE", "GONE", "REVOKED", "SECRETS", "NOTE", "COUNT"]
    assert row.split() == ["2026-01-31T12:00:00Z", "yes", "no", "-", "-", "-", "0"]


HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202e\x9b1m\r\n"


def test_nothing_that_is_shown_can_write_elsewhere_on_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    show([{"note": HOSTILE + "café"}], as_json=False)
    (_, row) = capsys.readouterr().out.splitlines()
    assert row == "\\x1b[2J\\x1b]0;owned\\x07\\u202e\\x9b1m\\r\\ncafé"
    record = lying(
        (HOSTILE, HOSTILE.encode()), ("source", HOSTILE.encode()), value=HOSTILE.encode() + b"{\n\t}"
    )

    async def found(settings: object, name: str) -> object:
        return letter(record)

    async def nothing(settings: object) -> object:
        return {}

    monkeypatch.setattr(listing, "find", found)
    monkeypatch.setattr(listing, "settlements", nothing)
    listing.show_one("2/7", as_json=False)
    shown = capsys.readouterr().out
    assert all(each.isprintable() or each in "\n\t" for each in shown)
    assert shown.endswith("{\n\t}\n"), "a value keeps its lines"


def test_a_table_of_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    show([], as_json=False)
    assert capsys.readouterr().out == "none\n"


def test_json_keeps_what_a_table_rounds(capsys: pytest.CaptureFixture[str]) -> None:
    show([ROW], as_json=True)
    (told,) = json.loads(capsys.readouterr().out)
    assert told == {**ROW, "at": "2026-01-31T14:00:00.123456+02:00", "secrets": []}


def test_defaults_are_words_in_the_table_and_stay_as_they_are_in_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings.list_all(as_json=True)
    defaults = {each["setting"]: each["default"] for each in json.loads(capsys.readouterr().out)}
    assert (defaults["MILLRACE_LIVEMODE"], defaults["MILLRACE_STRIPE_WEBHOOK_SECRETS"]) == ("False", "()")
    settings.list_all(as_json=False)
    table = capsys.readouterr().out
    assert "False" not in table and "()" not in table


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3_600, "1 h 0 min"), (90_061, "1 d 1 h"), (-5, "0 s")],
)
def test_an_age_is_told_in_its_two_largest_units(seconds: int, said: str) -> None:
    assert unknown._age(seconds) == said


def test_what_is_no_finding_is_refused_before_it_is_sent() -> None:
    finding = resolving.Finding("perhaps", "", "ada", refund="re_1")
    with pytest.raises(Refused) as refused:
        resolving._command("pay_" + "ab" * 16, "mer_1", finding)
    assert {word.split()[0] for word in str(refused.value).split("; ")} == {
        "resolution",
        "evidence",
        "refund",
    }


@pytest.mark.parametrize(
    ("document", "wrong"),
    [
        (b"", "policy"),
        (b"[]", "policy"),
        (b'{"currencies": ["xxx"]}', "currencies.0"),
        (b'{"currencies": []}', "currencies"),
        (b'{"amounts": {"usd": {"most": 1}}}', "amounts.usd.most"),
        (b'{"velocity": {"payments_per_hour": 0}}', "velocity.payments_per_hour"),
        (b'{"refund_window_days": "90"}', "refund_window_days"),
        (b'{"abandon_after_s": 0}', "abandon_after_s"),
        (b'{"surprise": 1}', "surprise"),
    ],
)
def test_a_document_that_is_no_policy_names_what_is_wrong(document: bytes, wrong: str) -> None:
    with pytest.raises(PolicyRefused) as refused:
        policies.read(document)
    assert str(refused.value).startswith(f"{wrong}: ")
    assert len(str(refused.value)) < 200, "for people"


def test_a_policy_is_read_as_it_was_said_and_without_a_document_nothing_holds() -> None:
    document = json.dumps(
        {
            "currencies": ["eur"],
            "payment_method_types": ["card"],
            "amounts": {"eur": {"minimum": 100, "maximum": 5000}},
            "velocity": {"payments_per_hour": 3, "amount_per_hour": {"eur": 9000}},
            "refund_window_days": 90,
            "abandon_after_s": 60,
        }
    ).encode()
    assert policies.read(document) == Policy(
        ("eur",), ("card",), {"eur": AmountLimits(100, 5000)}, Velocity(3, {"eur": 9000}), 90, 60
    )
    assert json.loads(policies.normal(document)) == json.loads(document)
    assert policies.read(None) == policies.read(b"{}") == DEFAULT


def lying(*headers: tuple[str, bytes | None], value: bytes = b"garbage") -> SimpleNamespace:
    """A record of the dead letters, as it is fetched."""
    return SimpleNamespace(
        partition=2, offset=7, key=b"pay_x", value=value, timestamp=1_769_860_800_123, headers=headers
    )


def test_a_dead_letter_is_shown_with_its_name_its_time_and_its_size() -> None:
    row = _row(letter(lying(("source", b"payments.commands.v1/2/9"), ("code", None))), None, False)
    assert row["code"] == "", "a header may hold nothing"
    assert (row["letter"], row["source"]) == ("2/7", "payments.commands.v1/2/9")
    assert (row["at"], row["bytes"]) == (datetime(2026, 1, 31, 12, 0, 0, 123_000, UTC), 7)


def test_what_we_wrote_on_a_letter_is_told_apart_from_headers_of_the_same_name() -> None:
    theirs = [("source", b"theirs"), ("code", b"theirs"), ("ce_id", b"1")]
    found = letter(lying(*theirs, ("source", b"payments.commands.v1/2/9"), ("reason", b"r"), ("code", b"c")))
    assert found.headers == theirs
    assert found.why == {"source": "payments.commands.v1/2/9", "reason": "r", "code": "c"}


def test_what_is_no_text_is_shown_in_escapes_and_no_card_number_is_shown_at_all() -> None:
    assert readable(b"\xff 4242 4242 4242 4242") == "\\xff " + (readable(b"4242 4242 4242 4242") or "")
    assert "4242 4242" not in (readable(b"4242 4242 4242 4242") or "")
    assert readable(None) is None


def test_what_is_put_back_is_as_old_as_it_was_however_often() -> None:
    ours = ("source", b"payments.commands.v1/2/9"), ("appended_ms", b"1700000000000")
    once = settling._again(letter(lying(("ce_id", b"1"), *ours)))
    assert once.headers == [("ce_id", b"1"), ("millrace-appended-ms", b"1700000000000")]
    later = ("source", b"payments.commands.v1/2/99"), ("appended_ms", b"1700000099999")
    assert settling._again(letter(lying(*once.headers, *later))).headers == once.headers
    from_before = settling._again(letter(lying(("source", b"payments.commands.v1/2/9"))))
    assert from_before.headers == [("millrace-appended-ms", b"1769860800123")]


@pytest.mark.parametrize("claimed", [b"99999999999999", b"soon", b"", None, b"9" * 16])
def test_no_claim_of_its_sender_makes_what_is_put_back_younger(claimed: bytes | None) -> None:
    ours = ("source", b"payments.commands.v1/2/9"), ("appended_ms", b"1700000000000")
    forged = ("millrace-appended-ms", claimed), ("ce_id", b"1"), ("millrace-appended-ms", claimed)
    once = settling._again(letter(lying(*forged, *ours)))
    assert once.headers == [("ce_id", b"1"), ("millrace-appended-ms", b"1700000000000")]


def written(value: bytes | None, key: bytes = b"2/7") -> SimpleNamespace:
    return SimpleNamespace(key=key, value=value)


def test_a_letter_is_settled_by_the_first_word_on_it_and_what_is_no_word_is_passed_over() -> None:
    settled = audit.Settled(
        "2/7", audit.DROPPED, "ada", "a test", "payments.commands.v1/2/9", "undecodable", AT
    )
    word = audit.item(settled)
    odd = [
        None,
        b"",
        b"no JSON",
        b"[]",
        b"7",
        b'{"letter": "2/7"}',
        (word.value or b"").replace(b"dropped", b"burnt"),
    ]
    later = audit.item(replace(settled, fate=audit.REDRIVEN, operator="eve"))
    records = [written(value) for value in odd]
    records += [written(later.value, b"2/8"), written(word.value), written(later.value)]
    (found,) = audit.first_words(records).values()
    assert (found.fate, found.operator, found.at) == ("dropped", "ada", AT.replace(microsecond=123_000))


def test_a_letter_at_the_place_of_a_settled_one_of_before_the_topic_was_made_anew_is_open() -> None:
    before = audit.Settled(
        "2/7", audit.DROPPED, "ada", "a test", "payments.commands.v1/2/9", "undecodable", AT
    )
    later = replace(before, source="payments.commands.v1/2/900", operator="bob")
    words = audit.first_words([written(audit.item(each).value) for each in (before, later)])
    assert {source: settled.operator for (_, source), settled in words.items()} == {
        before.source: "ada",
        later.source: "bob",
    }
    lies_there = letter(lying(("source", b"payments.commands.v1/2/9000")))
    assert (lies_there.name, lies_there.source) not in words
