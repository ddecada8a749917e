"""The fault plan: which request or webhook is to go wrong, how, how often. Seeded, so that a run can be repeated.

Only choosing is here; each fault is acted out where it belongs (`door`, `connection`, `webhooks`). A plan lives as long
as the process. Faults strike at one of these stages:

    door       before the idempotency layer: nothing is executed, nothing is stored, the key stays fresh
    execution  in place of or around the endpoint, only when it would really execute (not on a replay)
    answer     on the way out, also of a replay: executed, stored, but not well received
    webhook    on the way to the webhook endpoint (event: when the Event is made)
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

RULES_MAX = 1_000
STAGES = {
    "rate_limit": "door",  # 429 rate_limit
    "unauthorized": "door",  # 401
    "forbidden": "door",  # 403
    "error_503": "door",  # 503, not executed, not stored
    "reset": "door",  # the connection is reset before execution
    "crash_before": "door",  # the simulator kills itself with SIGKILL before execution
    "lock_timeout": "execution",  # 429 lock_timeout, not stored
    "conflict": "execution",  # 409 idempotency_key_in_use, not stored
    "stored_500": "execution",  # 500, stored; executed or not
    "delay_before": "execution",  # the key is held for `ms`, then it executes
    "delay": "answer",  # executed and stored at once, the answer comes after `ms`
    "lost_answer": "answer",  # the connection is closed without an answer
    "cut_body": "answer",  # half the body, then the connection is closed
    "bad_json": "answer",  # status and headers as they should be, the body is no JSON
    "crash_after": "answer",  # executed and journalled, then SIGKILL before the answer
    "webhook_drop": "webhook",  # never delivered; shows up under delivery_success=false
    "webhook_duplicate": "webhook",  # delivered `n` times
    "webhook_delay": "webhook",  # delivered `seconds` (simulator time) later
    "webhook_shuffle": "webhook",  # delivered at a random time within `seconds`
    "webhook_twin": "event",  # a second Event object for the same change
}
ADDITIVE = ("delay", "delay_before", "webhook_delay", "webhook_shuffle", "webhook_duplicate")


class BadPlan(ValueError):
    """A rule that cannot be understood."""


@dataclass(slots=True)
class Facts:
    """What a rule can look at."""

    endpoint: str  # the route's name, or an event's type
    account: str
    payment: str | None = None
    key: str | None = None


@dataclass(slots=True)
class Rule:
    """Patterns are shell patterns; one left out matches everything. `count` None: without end."""

    kind: str
    endpoint: str | None = None
    payment: str | None = None
    key: str | None = None
    account: str | None = None
    probability: float = 1.0
    count: int | None = None
    skip: int = 0  # matches to let pass first
    executed: bool = True  # stored_500
    ms: int = 0  # delay, delay_before
    n: int = 2  # webhook_duplicate
    seconds: float = 0.0  # webhook_delay, webhook_shuffle
    id: str = ""
    hits: int = 0

    def fits(self, facts: Facts) -> bool:
        return (
            _like(facts.endpoint, self.endpoint)
            and _like(facts.payment, self.payment)
            and _like(facts.key, self.key)
            and _like(facts.account, self.account)
        )


@dataclass(slots=True)
class Faults:
    """The plan, and the fixed latency that every request has."""

    rules: list[Rule] = field(default_factory=list)
    latency_s: float = 0.0
    jitter_s: float = 0.0
    number: int = 0
    random: random.Random = field(default_factory=lambda: random.Random(0))

    def add(self, plan: dict[str, Any]) -> Rule | None:
        """One rule, or the latency of everything."""
        if plan.get("kind") == "latency":
            self.latency_s = float(plan.get("ms", 0)) / 1000
            self.jitter_s = float(plan.get("jitter_ms", 0)) / 1000
            return None
        rule = read_rule(plan)
        if len(self.rules) >= RULES_MAX:
            raise BadPlan(f"at most {RULES_MAX} rules")
        self.number += 1
        rule.id = f"fault_{self.number}"
        self.rules.append(rule)
        return rule

    def clear(self, rule_id: str | None = None) -> None:
        self.rules = [rule for rule in self.rules if rule_id not in (None, rule.id)]
        if rule_id is None:
            self.latency_s = self.jitter_s = 0.0

    def take(self, stage: str, facts: Facts) -> list[Rule]:
        """The rules that strike now: any that only delay or add, and at most one that decides the outcome."""
        struck = []
        for rule in self._matching(stage, facts):
            struck.append(rule)
            if rule.kind not in ADDITIVE:
                break
        return struck

    def _matching(self, stage: str, facts: Facts) -> Iterator[Rule]:
        for rule in self.rules:
            if STAGES[rule.kind] != stage or rule.count == 0 or not rule.fits(facts):
                continue
            if rule.probability < 1.0 and self.random.random() >= rule.probability:
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            if rule.count is not None:
                rule.count -= 1
            rule.hits += 1
            yield rule

    def half_latency_s(self) -> float:
        """One way; the way back takes as long again."""
        return (self.latency_s + self.random.uniform(0, self.jitter_s)) / 2


def read_rule(plan: dict[str, Any]) -> Rule:
    if plan.get("kind") not in STAGES:
        raise BadPlan(f"kind must be one of: latency, {', '.join(STAGES)}")
    unknown = set(plan) - {item.name for item in fields(Rule)} | set(plan) & {"id", "hits"}
    if unknown:
        raise BadPlan(f"unknown members: {', '.join(sorted(unknown))}")
    rule = Rule(**plan)
    if not 0 <= rule.probability <= 1:
        raise BadPlan("probability is between 0 and 1")
    return rule


def _like(value: str | None, pattern: str | None) -> bool:
    return pattern is None or (value is not None and fnmatchcase(value, pattern))
