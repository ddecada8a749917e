"""Stripe's list of events: those that no webhook has delivered yet. What they lead to is not here.

Source: Stripe, list all events, `delivery_success`: false for events that are still pending or have failed all attempts; kept
for 30 days.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

from models.commands import RecordNotice
from models.errors import Unavailable
from models.ports import Unaddressed
from streams.adapters.stripe_answers import Meaning, meaning_of, reason_of
from streams.adapters.stripe_line import NO_SEAT, StripeLine, Turn
from streams.adapters.stripe_notices import heard_of
from streams.adapters.stripe_transport import Answer
from streams.budget.room import Urgency

EVENTS_PER_PAGE = 100
"""Source: Stripe, pagination, the largest `limit`."""
READ_TIMEOUT_S = 10.0


class StripeEvents:
    """Fulfils NoticeFeed, for one account. `name`: its own, None for the default one. The line is somebody else's to close."""

    def __init__(self, line: StripeLine, name: str | None = None) -> None:
        self._line, self._name = line, name

    async def undelivered(self, since: datetime) -> AsyncIterator[list[RecordNotice | Unaddressed]]:
        """What concerns payments of ours: pages that begin with the newest, in each the oldest first. Raises Unavailable."""
        parameters: dict[str, Any] = {
            "delivery_success": "false",
            "created": {"gte": int(since.timestamp())},
            "limit": EVENTS_PER_PAGE,
        }
        while True:
            now = datetime.now(UTC)
            with self._line.turn(Urgency.READ, now) as turn:
                if turn is None:
                    raise Unavailable(NO_SEAT)
                page, behind = await _page(turn, parameters)
            heard = [heard_of(event, turn.livemode, now, self._name) for event in reversed(page)]
            yield [notice for notice in heard if notice is not None]
            if behind is None:
                return
            parameters["starting_after"] = behind


async def _page(turn: Turn, parameters: dict[str, Any]) -> tuple[list[Mapping[str, Any]], str | None]:
    """And the id behind which there is more. The same page would come for ever where the last event had none."""
    heard = await turn.get("/v1/events", parameters, READ_TIMEOUT_S)
    if not isinstance(heard, Answer) or meaning_of(heard) is not Meaning.DONE or heard.body is None:
        raise Unavailable(f"Stripe's events cannot be read: {reason_of(heard)}")
    data = heard.body.get("data")
    events = [event for event in data if isinstance(event, Mapping)] if isinstance(data, list) else []
    return events, events[-1].get("id") if events and heard.body.get("has_more") is True else None
