"""All that a client does, as flows of steps: ask, ask again with the same key, wait for an end.

No I/O here: the two clients perform the steps.
."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from millrace_client import errors
from millrace_client.asking import Call
from millrace_client.errors import MillraceError, NotFound, NotUnderstood, StillUnsettled
from millrace_client.http import Answer, Flow, Lost, Pause, Send
from millrace_client.objects import ACCEPTED, Http, Page, Payment, PaymentEvent, ProblemDocument, Refund
from millrace_client.reading import Unreadable, json_object, read
from millrace_client.retrying import Retries, retry_after_s

TRY_S = 30.0
"""For one try, beside what it was told to wait: above the 20 s for which the service waits by itself."""

TRY_LEAST_S = 0.1
LOOK_FIRST_S, LOOK_MAX_S, LOOK_FACTOR = 0.2, 5.0, 1.5
"""Pauses between two looks at a payment that is not settled: most are within two seconds."""

UNSEEN_S = 10.0
"""How long a payment that was accepted may not be there to be read: it is through Kafka first."""

ASK_AGAIN_S = 1.0
"""After a 202 that does not say when to ask again."""

_BY_STATUS = {408: "request_timeout", 429: "rate_limited"}

T = TypeVar("T")
P = TypeVar("P", Payment, Refund)


@dataclass(frozen=True, slots=True)
class Flows:
    """`headers`: of every request, the API key among them. `clock` is for lengths of time, `now` for the time of day."""

    headers: Mapping[str, str] = field(repr=False)
    retries: Retries = field(default_factory=Retries)
    try_s: float = TRY_S
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    draw: Callable[[], float] = random.random

    def one(self, kind: type[T], call: Call) -> Flow[T]:
        """One thing, read, or done where it is no command. Raises MillraceError."""
        answer = yield from self._answer(call, self.retries.deadline_s)
        return _shown(kind, answer, call)

    def command(self, kind: type[T], call: Call) -> Flow[T]:
        """Carried out, once. With `wait_s` the same request is made again until its end is known or that time is over: the door
        may have had to let go of it earlier. Raises MillraceError.
        """
        ends_at = self.clock() + (call.wait_s or 0.0)
        while True:
            answer = yield from self._answer(call, self.retries.deadline_s + call.prefer_s)
            pause_s = self._asked_for_s(answer) or ASK_AGAIN_S
            left_s = ends_at - self.clock() - pause_s
            if answer.status != ACCEPTED or left_s <= 0:
                return _shown(kind, answer, call)
            yield Pause(pause_s)
            call = replace(call, wait_s=left_s)

    def settled(self, kind: type[P], call: Call, timeout_s: float) -> Flow[P]:
        """Looks until the payment or refund does not move on by itself. Raises StillUnsettled, or another MillraceError."""
        began, pause_s = self.clock(), LOOK_FIRST_S
        last: P | None = None
        while True:
            left_s = began + timeout_s - self.clock()
            try:
                answer = yield from self._answer(call, min(self.retries.deadline_s, max(left_s, TRY_LEAST_S)))
            except NotFound:
                if last is not None or self.clock() - began >= min(UNSEEN_S, timeout_s):
                    raise
            else:
                last = last if answer.status == 304 and last else _shown(kind, answer, call)
                call = replace(call, etag=answer.headers.get("etag"))
                if last.settled:
                    return last
            if self.clock() - began + pause_s >= timeout_s:
                raise _still_unsettled(last, timeout_s)
            yield Pause(pause_s * (0.5 + self.draw() / 2))
            pause_s = min(LOOK_MAX_S, pause_s * LOOK_FACTOR)

    def page(self, kind: type[T], call: Call) -> Flow[Page[T]]:
        """Raises MillraceError."""
        answer = yield from self._answer(call, self.retries.deadline_s)
        try:
            document = json_object(answer.body)
            data, has_more = document["data"], document["has_more"]
            return Page(tuple(read(kind, each) for each in data), bool(has_more))
        except (Unreadable, LookupError, TypeError) as wrong:
            raise _not_understood(answer, str(wrong), None) from None

    def _answer(self, call: Call, within_s: float) -> Flow[Answer]:
        """The answer, asked for until there is one that the same request would not get otherwise. Raises MillraceError."""
        ends_at, request = self.clock() + within_s, call.request(self.headers)
        for tries in range(1, self.retries.tries_max + 1):
            left_s = max(ends_at - self.clock(), TRY_LEAST_S)
            told = yield Send(request, min(left_s, self.try_s + call.prefer_s))
            if isinstance(told, Answer) and told.status < 400:
                return told
            failed = _failure(told, call.key)
            pause_s = self.retries.pause_s(tries, self._asked_for_s(told), self.draw)
            if not failed.retryable or self.clock() + pause_s >= ends_at:
                raise failed
            if tries < self.retries.tries_max:
                yield Pause(pause_s)
        raise failed

    def _asked_for_s(self, told: Answer | Lost | None) -> float:
        return retry_after_s(told.headers.get("retry-after"), self.now) if isinstance(told, Answer) else 0.0


def following(call: Call, page: Page[Any]) -> Call | None:
    """The call for the page behind `page`; None where that was the last."""
    if not page.has_more or not page.data:
        return None
    last = page.data[-1]
    if isinstance(last, PaymentEvent):
        return replace(call, query={**call.query, "after_sequence": str(last.sequence)})
    return replace(call, query={**call.query, "starting_after": last.id})


def _shown(kind: type[T], answer: Answer, call: Call) -> T:
    headers = answer.headers
    http = Http(
        answer.status,
        headers.get("request-id"),
        headers.get("idempotent-replayed", "").lower() == "true",
        call.key,
        headers.get("etag"),
    )
    try:
        return read(kind, json_object(answer.body), http=http)
    except Unreadable as wrong:
        raise _not_understood(answer, str(wrong), call.key) from None


def _failure(told: Answer | Lost | None, key: str | None) -> MillraceError:
    if not isinstance(told, Answer):
        why, retryable = (told.why, told.retryable) if told else ("nothing came back", True)
        return errors.ConnectionFailed(errors.own(errors.CONNECTION_FAILED, why, retryable), key)
    try:
        problem = read(ProblemDocument, json_object(told.body))
    except Unreadable:
        problem = ProblemDocument()
    if not problem.code:
        problem = _unspoken(told)
    return errors.of(replace(problem, status=told.status), key)


def _unspoken(answer: Answer) -> ProblemDocument:
    """An answer that is no problem of the service's: something in between gave it."""
    code = _BY_STATUS.get(answer.status, "unavailable" if answer.status >= 500 else errors.NOT_UNDERSTOOD)
    retryable = answer.status in errors.RETRYABLE_STATUS
    return errors.own(code, f"HTTP {answer.status}, without a word of the service's", retryable)


def _not_understood(answer: Answer, why: str, key: str | None) -> NotUnderstood:
    problem = errors.own(
        errors.NOT_UNDERSTOOD, f"the answer (HTTP {answer.status}) is {why}", status=answer.status
    )
    return NotUnderstood(problem, key)


def _still_unsettled(last: Payment | Refund | None, timeout_s: float) -> StillUnsettled:
    told = f"it is {last.status}" if last else "it was not seen"
    return StillUnsettled(errors.own(errors.STILL_UNSETTLED, f"{told} after {timeout_s:g} s"), None, last)
