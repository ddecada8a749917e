"""What an endpoint found, as the answer's body: records, pages, events and errors alike, with what is to be expanded."""

from __future__ import annotations

from . import expand
from .answers import Answer, of_error, of_json
from .change import Change
from .errors import StripeError
from .records import JSON, Event, Intent
from .render import page
from .routes import Listing
from .simulator import Simulator


def answer(
    simulator: Simulator, change: Change, result: object, expansions: list[str], request_id: str
) -> Answer:
    """Sees what this change is about to write."""
    renderer = simulator.renderer
    renderer.get = change.get
    try:
        if isinstance(result, StripeError):
            _embed(simulator, result)
            return of_error(result, request_id)
        body = _body(simulator, result)
        if expansions:
            expand.expand(body, expansions, renderer)
        return of_json(body)
    finally:
        renderer.get = simulator.books.get


def _body(simulator: Simulator, result: object) -> JSON:
    if isinstance(result, Listing):
        shown = [_body(simulator, item) for item in result.items]
        return page(result.url, shown, result.has_more, result.object)
    if isinstance(result, Event):
        waiting = int(not simulator.webhooks.delivered(result.id))
        return simulator.renderer.event(result, waiting)
    return result if isinstance(result, dict) else simulator.renderer.show(result)  # type: ignore[arg-type]


def _embed(simulator: Simulator, error: StripeError) -> None:
    intent = error.extra.get("payment_intent")
    if isinstance(intent, Intent):
        error.extra["payment_intent"] = simulator.renderer.intent(intent)
        if error.type == "card_error":
            error.extra["payment_method"] = simulator.renderer.method_of(intent)
