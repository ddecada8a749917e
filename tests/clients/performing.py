"""A client's flows performed in a test: the answers are made up, and time passes by pauses and tries alone. No sockets."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from millrace_client import Retries
from millrace_client.flows import Flows
from millrace_client.http import Answer, Flow, Lost, Pause, Request, Send

T = TypeVar("T")
ID = "pay_" + "0" * 32


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return Answer(status, named, json.dumps(body).encode() if body is not None else b"")


def payment(status: str = "captured", http: int = 201, **headers: str) -> Answer:
    return answer(http, {"id": ID, "object": "payment", "status": status}, **headers)


def problem(status: int, code: str, retryable: bool, **headers: str) -> Answer:
    body = {"status": status, "code": code, "detail": "A sentence.", "retryable": retryable, "errors": []}
    return answer(status, body | {"request_id": "req_1"}, **headers)


@dataclass
class Performance:
    """`draw`: what the dice show. Each `Send` takes `try_takes_s`."""

    retries: Retries = field(default_factory=Retries)
    draw: float = 1.0
    try_takes_s: float = 0.0
    at_s: float = 1000.0
    requests: list[Request] = field(default_factory=list)
    timeouts_s: list[float] = field(default_factory=list)
    pauses_s: list[float] = field(default_factory=list)

    def flows(self) -> Flows:
        return Flows({}, self.retries, 30.0, lambda: self.at_s, lambda: self.at_s, lambda: self.draw)

    def of(self, flow: Flow[T], answers: Iterable[Answer | Lost]) -> T:
        """What the flow returns, or raises; it must not ask for more than there is."""
        told: Answer | Lost | None = None
        coming = iter(answers)
        try:
            while True:
                step = flow.send(told)
                told = None
                if isinstance(step, Pause):
                    self.pauses_s.append(step.seconds)
                    self.at_s += step.seconds
                elif isinstance(step, Send):
                    self.requests.append(step.request)
                    self.timeouts_s.append(step.timeout_s)
                    self.at_s += self.try_takes_s
                    told = next(coming)
        except StopIteration as ended:
            result: T = ended.value
            return result
