"""A verdict can be given again from the lines alone: what was asked, what was told, and nothing that is secret."""

import json
from pathlib import Path

from tests.system.history import OK, Attempt, History


def test_the_lines_hold_what_was_asked_and_what_was_told(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    asked = history.begin("http", "refund", "mer_1", "a-key", {"amount": 300}, "pay_1")
    asked.answer = {"id": asked.refund_id, "status": "succeeded", "amount": 300}
    asked.attempts.append(Attempt("door", 1.0, 0.5, 201))
    history.end(asked, OK)
    history.close()
    invoked, ended = map(json.loads, (tmp_path / "history.jsonl").read_text().splitlines())
    assert (invoked["what"], invoked["body"], invoked["answer"]) == ("invoke", {"amount": 300}, {})
    assert (ended["what"], ended["key"], ended["refund"]) == ("ok", "a-key", asked.refund_id)
    assert ended["answer"] == asked.answer
