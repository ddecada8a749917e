"""How many payments are in doubt, and how old the oldest doubt is."""

from agents.writer.doubts import Doubts


def test_doubts_are_counted_while_they_last_and_their_partition_is_ours() -> None:
    doubts = Doubts()
    assert (len(doubts), doubts.oldest_s(100.0)) == (0, 0.0)
    doubts.set(0, b"a", 40_000)
    doubts.set(1, b"b", 30_000)
    doubts.set(1, b"b", 35_000)
    assert (len(doubts), doubts.oldest_s(100.0)) == (2, 65.0)
    doubts.set(1, b"b", None)
    doubts.set(1, b"never", None)
    assert (len(doubts), doubts.oldest_s(100.0)) == (1, 60.0)
    doubts.forget(0)
    doubts.forget(7)
    assert len(doubts) == 0
