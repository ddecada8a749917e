"""The journal as a file: what an older one leaves out, and what a kill cuts off."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sandbox.stripe_simulator.journal import Journal
from sandbox.stripe_simulator.records import Charge, Dispute
from sandbox.stripe_simulator.simulator import Simulator


def test_a_journal_from_before_a_field_was_added_still_loads(tmp_path: Path) -> None:
    charge: list[Any] = [
        "ch_3a",
        "acct_1",
        1,
        1,
        False,
        "pi_3a",
        700,
        "usd",
        "succeeded",
        "pm_card_visa",
        "pm_1a",
    ]
    charge += [True, 700, 0, None, True, False, None, []]
    dispute: list[Any] = [
        "du_1a",
        "acct_1",
        2,
        1,
        False,
        "ch_3a",
        "pi_3a",
        700,
        "usd",
        "needs_response",
        "fraudulent",
        9,
    ]
    path = tmp_path / "journal"
    journal = Journal(path)
    records = [["c", *charge], ["d", *dispute, {}, {}]]
    journal.append({"a": "acct_1", "v": False, "t": 1.0, "q": [None, None], "r": records})
    journal.close()
    books = Simulator(path).books
    assert books.get("ch_3a") == Charge(*charge) and books.get("du_1a") == Dispute(*dispute)


def test_a_line_cut_short_by_a_kill_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.append({"n": 1}, b'{"a":1}')
    offset = journal.append({"n": 2}, b'{"b":2}')
    journal.close()
    whole = path.read_bytes()
    for cut in range(1, len(whole) // 2):
        path.write_bytes(whole[:-cut])
        journal = Journal(path)
        assert [line for line, _, _ in journal.reload()] == [{"n": 1}]
        journal.append({"n": 3})
        assert [line for line, _, _ in journal.reload()] == [{"n": 1}, {"n": 3}]
        journal.close()
    path.write_bytes(whole)
    journal = Journal(path)
    assert [journal.read_body(at, length) for _, at, length in journal.reload()] == [b'{"a":1}', b'{"b":2}']
    assert offset == whole.index(b'{"b":2}')
    os.close(journal.fd)
