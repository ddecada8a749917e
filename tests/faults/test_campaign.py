"""What the campaign remembers and how it counts: a violation must not get lost between a run and its report."""

from pathlib import Path

import pytest

from tests.faults.campaign import is_as_it_should_be
from tests.faults.judging import Result
from tests.faults.report import BEGIN, END, noticed, put, written
from tests.faults.results import PAGE, Planned, Results, kept_report


def ran(fault: str, seed: int = 1, bug: str = "", *words: str) -> Result:
    result = Result(fault, seed, bug, recovered_s=[1.0, 3.0])
    result.figures = {"unavailable": 0.25, "p99_s": 1.5, "duplicates": 7, "accepted": 40}
    result.found(list(words))
    return result


def test_words_are_counted_by_their_invariant_and_headings_are_none() -> None:
    result = ran(
        "F1",
        1,
        "",
        "3 found:",
        "I1 pay_1 was charged 2 times",
        "I6 pay_1: …",
        "I6 pay_2: …",
        "I5/I12 b",
        "odd",
    )
    assert result.violations == {"I1": 1, "I6": 2, "I5": 1, "I12": 1, "I14": 1}


def test_what_is_done_is_not_done_again_after_a_restart(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.add(ran("F1", 3), "one")
    results.add(Result("F6", 1, missing="nft not found"), "one")
    results.add(Result("end", 0), "one")
    results.add(ran("F1", 4), "stopped before it was judged")
    assert Results(tmp_path).done == {Planned("", "F1", 3), Planned("", "end", 0)}


def test_results_of_other_code_count_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Results(tmp_path).add(ran("F1", 1, "", "I2 lost"), "one")
    assert Results(tmp_path).all
    monkeypatch.setattr("tests.faults.results.code", lambda: {"code": "another"})
    assert Results(tmp_path).all == []


def test_a_violation_and_a_bug_nobody_noticed_are_not_as_it_should_be(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.add(ran("F1"), "one")
    results.add(ran("F1", 1, "no_fencing"), "two")
    results.add(ran("F1", 2, "no_fencing", "not within 60 s: something else"), "two")
    assert not is_as_it_should_be(results.all), "it was not noticed for what it is"
    results.add(ran("F2", 1, "no_fencing", "I5 went back"), "three")
    assert is_as_it_should_be(results.all)
    results.add(ran("F3", 1, "", "I2 lost"), "one")
    assert not is_as_it_should_be(results.all)


def test_a_failure_of_the_harness_is_neither_a_bug_that_was_noticed_nor_a_run_that_held(
    tmp_path: Path,
) -> None:
    results = Results(tmp_path)
    planted, plain = Result("F2", 1, "no_fencing"), Result("F1", 1)
    for result in (planted, plain):
        result.failed(ConnectionError("gone"))
    results.add(planted, "one")
    assert not noticed(results.all)
    results.add(plain, "two")
    assert not is_as_it_should_be([line for line in results.all if not line["bug"]])


def test_the_report_names_runs_violations_and_what_was_not_injected(tmp_path: Path) -> None:
    results = Results(tmp_path)
    for result in (ran("F1"), ran("F1", 2, "", "I2 lost"), ran("F2", 1, "no_fencing", "I5 went back")):
        results.add(result, "one")
    absent = Result("F6", 1, missing="nft not found")
    results.add(absent, "one")
    report = written(results.all)
    assert "| F1 SIGKILL of a worker at each step of its work | 2 | 0 | 1 | 0 |" in report
    assert "| 0 | – | 0 | 0 | – |" in report, "secrets and notices are judged when a system has served"
    assert "| 0 | nft not found |" in report
    assert "| F1 | 2.0 / 3.0 | 1.5 | 25.00% |" in report
    assert "| lost commands (I2, I14) | 1 |" in report
    assert "| `no_fencing` | F2 | 1 of 1 | I5 × 1 |" in report
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    put(report, page)
    assert page.read_text() == f"before\n{BEGIN}\n{report}\n{END}\nafter\n"


def test_the_page_says_what_the_lines_say_that_are_kept(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text())
    put(kept_report(), page)
    assert page.read_text() == PAGE.read_text()
