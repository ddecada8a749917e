"""What the simulator does by itself later: settle, expire, turn a refund, open or judge a dispute. Due in its own time."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from . import captures, chargebacks, charging, refunds
from .call import Timing
from .change import Change, FollowUp
from .records import Charge, Dispute, Intent, Refund


class Agenda:
    """Follow-ups in the order of their time."""

    def __init__(self) -> None:
        self.heap: list[FollowUp] = []
        self.done: set[FollowUp] = set()  # only while reloading

    def add(self, follow_up: FollowUp) -> None:
        heapq.heappush(self.heap, follow_up)

    def due(self, now: float) -> FollowUp | None:
        return heapq.heappop(self.heap) if self.heap and self.heap[0].due_at <= now else None

    def next_at(self) -> float | None:
        return self.heap[0].due_at if self.heap else None

    def forget_done(self) -> None:
        """After a reload: what the journal says is done will not be done again."""
        self.heap = [follow_up for follow_up in self.heap if follow_up not in self.done]
        heapq.heapify(self.heap)
        self.done.clear()


def carry_out(change: Change, timing: Timing, follow_up: FollowUp) -> None:
    """Does it if the object is still in the state that waits for it."""
    ACTIONS[follow_up.action](change, timing, follow_up.object_id)


def _settle(change: Change, timing: Timing, object_id: str) -> None:
    intent = change.get(object_id)
    if isinstance(intent, Intent) and intent.status == "processing":
        charging.settle(change, timing, intent)


def _expire(change: Change, timing: Timing, object_id: str) -> None:
    intent = change.get(object_id)
    if isinstance(intent, Intent) and intent.status == "requires_capture":
        captures.close(change, intent, "automatic", "charge.expired")


def _turn_refund(change: Change, timing: Timing, object_id: str) -> None:
    refund = change.get(object_id)
    if isinstance(refund, Refund):
        refunds.turn(change, refund)


def _open_dispute(change: Change, timing: Timing, object_id: str) -> None:
    charge = change.get(object_id)
    if isinstance(charge, Charge):
        chargebacks.follow_charge(change, timing, charge)


def _judge_dispute(change: Change, timing: Timing, object_id: str) -> None:
    dispute = change.get(object_id)
    if isinstance(dispute, Dispute):
        chargebacks.judge(change, timing, dispute)


ACTIONS: dict[str, Callable[[Change, Timing, str], None]] = {
    "settle": _settle,
    "expire_authorization": _expire,
    "turn_refund": _turn_refund,
    "open_dispute": _open_dispute,
    "judge_dispute": _judge_dispute,
}
