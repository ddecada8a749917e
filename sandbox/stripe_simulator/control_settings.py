"""`/_sim/` faults, limits, clock, timing and webhook: the levers that change how the simulator behaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields, replace
from typing import Any

from . import limits
from .call import Timing
from .errors import invalid, no_such
from .records import JSON
from .simulator import Simulator
from .webhooks import Settings

COPIES_MAX = 100


class Levers:
    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    def faults(self, _: str, __: JSON) -> JSON:
        """The plan of faults."""
        plan = self.simulator.faults
        return {
            "rules": [asdict(rule) for rule in plan.rules],
            "latency": {"ms": plan.latency_s * 1000, "jitter_ms": plan.jitter_s * 1000},
        }

    def plan_faults(self, _: str, asked: JSON) -> JSON:
        """One rule, or `{"rules": […], "seed": 7, "replace": true}`."""
        if not asked.keys() & {"kind", "rules", "replace", "seed"}:
            raise invalid('give {"kind": …} or {"rules": [{"kind": …}]} as application/json')
        plan = self.simulator.faults
        if asked.get("replace"):
            plan.clear()
        if "seed" in asked:
            plan.random.seed(asked["seed"])
        added = [plan.add(rule) for rule in asked.get("rules", [asked] if "kind" in asked else [])]
        return {"added": [rule.id for rule in added if rule], **self.faults("", {})}

    def clear_faults(self, rule_id: str, _: JSON) -> JSON:
        """All of them, or /_sim/faults/{id}."""
        self.simulator.faults.clear(rule_id or None)
        return self.faults("", {})

    def limits(self, _: str, __: JSON) -> JSON:
        """The rate limits."""
        found = self.simulator.limits
        rates = {"account_per_s": found.account_per_s, "endpoint_per_s": found.endpoint_per_s}
        return {"enabled": found.enabled, **rates}

    def set_limits(self, _: str, asked: JSON) -> JSON:
        """{"account_per_s": 100, "endpoint_per_s": 25} (these are the defaults); null: no such limit."""
        unknown = set(asked) - {"account_per_s", "endpoint_per_s"}
        if unknown:
            raise invalid(f"unknown members: {', '.join(sorted(unknown))}")
        self.simulator.limits.set(
            limits.read_rate(asked, "account_per_s", limits.ACCOUNT_PER_S),
            limits.read_rate(asked, "endpoint_per_s", limits.ENDPOINT_PER_S),
        )
        return self.limits("", {})

    def lift_limits(self, _: str, __: JSON) -> JSON:
        """No rate limits any more."""
        self.simulator.limits.set(None, None)
        return self.limits("", {})

    def clock(self, _: str, __: JSON) -> JSON:
        """The simulator's time."""
        return {"now": self.simulator.clock.now(), "offset_s": self.simulator.clock.offset_s}

    def move_clock(self, _: str, asked: JSON) -> JSON:
        """{"advance_s": …} or {"now": …}. What falls due by the move has happened when this answers."""
        if "advance_s" in asked:
            self.simulator.clock.advance(float(asked["advance_s"]))
        elif "now" in asked:
            self.simulator.clock.set(float(asked["now"]))
        else:
            raise invalid("give advance_s or now")
        self.simulator.move_clock()
        return self.clock("", {})

    def timing(self, _: str, __: JSON) -> JSON:
        """How long what happens by itself takes."""
        return asdict(self.simulator.timing)

    def set_timing(self, _: str, asked: JSON) -> JSON:
        """Any member of it, in seconds."""
        self.simulator.timing = replace(self.simulator.timing, **_known(Timing, asked, float))
        return self.timing("", {})

    def webhook(self, _: str, __: JSON) -> JSON:
        """Where notices go, and how many wait."""
        return {**asdict(self.simulator.webhooks.settings), "pending": len(self.simulator.webhooks.pending)}

    def set_webhook(self, _: str, asked: JSON) -> JSON:
        """Any member of it: {"url", "secrets", "enabled_events", …}."""
        asked.pop("pending", None)
        given = {
            name: value for name, value in asked.items() if name in {item.name for item in fields(Settings)}
        }
        if len(given) != len(asked):
            raise invalid(f"unknown members: {', '.join(sorted(set(asked) - set(given)))}")
        self.simulator.set_webhook(replace(self.simulator.webhooks.settings, **given))
        return self.webhook("", {})

    def resend(self, rest: str, asked: JSON) -> JSON:
        """/{id}/resend {"copies": 1}: the notice once more."""
        event_id, _, verb = rest.partition("/")
        event = self.simulator.books.events.get(event_id)
        if event is None or verb != "resend":
            raise no_such("event", event_id)
        self.simulator.webhooks.resend(event, min(int(asked.get("copies", 1)), COPIES_MAX))
        return {"id": event_id}


def _known(cls: type[Any], asked: JSON, convert: Callable[[Any], Any]) -> JSON:
    unknown = set(asked) - {item.name for item in fields(cls)}
    if unknown:
        raise invalid(f"unknown members: {', '.join(sorted(unknown))}")
    return {name: convert(value) for name, value in asked.items()}
