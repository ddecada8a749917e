"""A file of events is whole or not there; what it cannot be written to, or in, is said in a line."""

import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.adapters.kafka_log import ms_before
from streams.operator import Refused
from streams.operator.exporting import Wanted
from streams.operator.exporting.files import GROUP_ROWS, Row, writing
from streams.operator.secrets import without_secrets

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
ROW = Row("e1", "payment.captured.v1", "pay_1", "mer_1", 3, AT, "c1", {"final": True})
FORMATS = ["jsonl", "parquet"]


def needed(format: str) -> None:
    if format == "parquet":
        pytest.importorskip("pyarrow", reason="an extra; requirements/dev.txt has it")


def test_a_json_line_is_an_event(tmp_path: Path) -> None:
    with writing(str(tmp_path / "events"), "jsonl") as write:
        write(ROW)
        write(replace(ROW, sequence=4))
    first, second = map(json.loads, (tmp_path / "events").read_text().splitlines())
    assert first == {
        "id": "e1",
        "type": "payment.captured.v1",
        "payment": "pay_1",
        "merchant": "mer_1",
        "sequence": 3,
        "at": "2026-01-31T12:00:00.000Z",
        "causation": "c1",
        "body": {"final": True},
    }
    assert second["sequence"] == 4


@pytest.mark.parametrize("rows", [0, 1, GROUP_ROWS + 1])
def test_a_parquet_file_has_a_column_for_each_member(tmp_path: Path, rows: int) -> None:
    needed("parquet")
    from pyarrow import parquet

    with writing(str(tmp_path / "events"), "parquet") as write:
        for number in range(rows):
            write(replace(ROW, sequence=number))
    table = parquet.read_table(tmp_path / "events")
    assert table.column_names == ["id", "type", "payment", "merchant", "sequence", "at", "causation", "body"]
    assert table["sequence"].to_pylist() == list(range(rows))
    if rows:
        assert (table["at"][0].as_py(), json.loads(table["body"][0].as_py())) == (AT, {"final": True})


@pytest.mark.parametrize("format", FORMATS)
def test_what_breaks_off_leaves_the_file_of_before_and_nothing_else(tmp_path: Path, format: str) -> None:
    needed(format)
    (tmp_path / "events").write_text("before")
    with pytest.raises(KeyboardInterrupt), writing(str(tmp_path / "events"), format) as write:
        write(ROW)
        raise KeyboardInterrupt
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("events", "before")]


def test_a_place_where_nothing_can_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be written"), writing(str(tmp_path / "no" / "where"), "jsonl"):
        pass


def test_what_is_no_file_is_not_replaced_by_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for to in (tmp_path / "pipe", tmp_path):
        with pytest.raises(Refused, match="is no file"), writing(str(to), "jsonl"):
            pass
    assert (tmp_path / "pipe").is_fifo()


def test_two_that_write_one_file_at_once_leave_the_whole_of_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = writing(str(tmp_path / "events"), "jsonl"), writing(str(tmp_path / "events"), "jsonl")
    write = first.__enter__()
    write(ROW)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    write = second.__enter__()
    write(replace(ROW, sequence=4))
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    (only,) = tmp_path.iterdir()
    assert [json.loads(line)["sequence"] for line in only.read_text().splitlines()] == [4]


@pytest.mark.parametrize("at", [datetime(1, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)])
def test_kafkas_time_begins_in_1970(at: datetime) -> None:
    assert ms_before(at, 3600) == 0
    assert ms_before(AT, 1) == int(AT.timestamp() - 1) * 1000


def test_parquet_goes_into_no_pipe() -> None:
    with pytest.raises(Refused, match="to a file"), writing("-", "parquet"):
        pass


def test_without_pyarrow_it_says_how_to_get_it_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Refused, match="pip install"), writing(str(tmp_path / "events"), "parquet"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_until_is_not_included_and_since_is() -> None:
    later = AT + timedelta(milliseconds=1)
    assert Wanted(since=AT).holds(ROW) and not Wanted(since=later).holds(ROW)
    assert Wanted(until=later).holds(ROW) and not Wanted(until=AT).holds(ROW)
    assert Wanted(merchant="mer_1").holds(ROW) and not Wanted(merchant="mer_2").holds(ROW)


def test_secrets_are_left_out_however_deep_they_lie() -> None:
    body = {"payment": {"id": 1, "client_secret": "x"}, "list": [{"next_action": {}, "kept": None}], "n": 1}
    assert without_secrets(body) == {"payment": {"id": 1}, "list": [{"kept": None}], "n": 1}
