"""Turns that gather: at once when the turn before is some milliseconds old, else when it will be.

A request costs the sender and the broker far more than the records in it. A fixed linger of 5 ms added 15 ms to p50;
without any gathering each record cost a request. So the gap between two turns is short while what is sent in them is
answered quickly, and grows with the time that it spends in queues: then the machines are busy, and fewer, larger turns
are what relieves them. With a fixed gap of 4 ms, 300 payments/s took 10 ms of CPU each where they take 6 now, and 64
HTTP clients were served half as fast. What is gathered, and for whom, is not known here.
"""

import asyncio
import time

MOST_GAP_S = 0.025  # however busy: four times as much saved nothing more
SMOOTHED = 8  # answers


class Pace:
    def __init__(self, least_gap_s: float) -> None:
        """`least_gap_s`: the time between the beginnings of two turns when nothing is busy."""
        self.least_gap_s = least_gap_s
        self.gap_s = least_gap_s
        self.at = float("-inf")  # on the monotonic clock: when the turn now or next begins
        self.quickest_s = float("inf")
        self.usual_s = 0.0

    async def turn(self) -> None:
        """Returns when it is the caller's turn. All who call between two turns have the same: who reads what they send is
        woken once for them."""
        now = time.monotonic()
        if now > self.at:
            self.at = max(now, self.at + self.gap_s)
        await asyncio.sleep(self.at - now)

    def took(self, seconds: float) -> None:
        """What was sent in a turn is answered. What that took longer than the quickest ever, it spent in queues."""
        self.quickest_s = min(self.quickest_s, seconds)
        self.usual_s += (seconds - self.usual_s) / SMOOTHED
        self.gap_s = min(max(self.usual_s - self.quickest_s, self.least_gap_s), MOST_GAP_S)
