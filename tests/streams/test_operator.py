"""What the operator's tables show, and that scripts go on getting what they got."""

import json
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from streams.operator import dead_letters, settings
from streams.operator.printing import show

AT = datetime(2026, 1, 31, 14, 0, 0, 123456, timezone(timedelta(hours=2)))
ROW = {"at": AT, "live": True, "gone": False, "revoked": None, "secrets": (), "note": "", "count": 0}


def test_a_table_is_written_as_people_write(capsys: pytest.CaptureFixture[str]) -> None:
    show([ROW], as_json=False)
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["AT", "LIVE", "GONE", "REVOKED", "SECRETS", "NOTE", "COUNT"]
    assert row.split() == ["2026-01-31T12:00:00Z", "yes", "no", "-", "-", "-", "0"]


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


def test_a_dead_letter_is_shown_with_its_time_and_its_size() -> None:
    record = SimpleNamespace(
        key=b"pay_x", value=b"garbage", timestamp=1_769_860_800_123, headers=[("code", None)]
    )
    row = dead_letters._row(record)
    assert row["code"] == "", "a header may hold nothing"
    assert (row["at"], row["bytes"]) == (datetime(2026, 1, 31, 12, 0, 0, 123_000, UTC), 7)
