"""What is told of a replay: every difference in a row of one shape, and nobody's secret among them."""

import json

import pytest

from streams.adapters.postgres.differing import OTHERWISE, Count, Noted, Sample
from streams.adapters.postgres.rebuild_session import Switched
from streams.operator import replay_report
from streams.operator.cache_upkeep import Put
from streams.operator.replay import Replayed
from streams.operator.replay_report import _document, _tell
from streams.reconciling.comparing import EVENTS, POSTGRES, Difference
from streams.reconciling.reconciler import Findings

SECRET = "pi_1_secret_xyz"
LEFT = [
    Difference("pay_1", "mer_1", "sequence", {EVENTS: "event 3 after 1"}),
    Difference("pay_1", "mer_1", "client_secret", {EVENTS: SECRET, POSTGRES: None}),
    Difference("pay_2", "mer_1", "next_action.redirect_to_url.url", {EVENTS: None, POSTGRES: SECRET}),
]
SAMPLES = [
    Sample("payments", "pay_1", "pay_1", OTHERWISE, {"body": (was, json.dumps({"client_secret": SECRET}))})
    for was in ("null", "[]", r'{"half": "\ud800"}', json.dumps({"client_secret": SECRET + "2"}))
]
DONE = Replayed(
    events=3,
    differences=Noted(4, [Count("payments", OTHERWISE, "body", 4)], SAMPLES),
    switched=Switched(1.0, 1.0),
    verified=Findings(differences=LEFT),
    cache=Put(),
)


def test_what_is_left_is_told_whichever_truths_it_is_about_and_without_secrets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _tell(DONE, dry_run=False)
    table = capsys.readouterr().out
    assert "event 3 after 1" in table and "(withheld)" in table and "_secret_" not in table
    document = json.dumps(_document(DONE))
    assert "(withheld)" in document and "_secret_" not in document
    assert len(json.loads(document)["left"]) == len(LEFT) <= replay_report.SHOWN_MAX
