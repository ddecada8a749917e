"""`expand[]`: ids in an answer replaced by the objects they name.

Source: docs.stripe.com/expand (up to four levels, `data.` in lists).
"""

from __future__ import annotations

from .errors import StripeError, invalid
from .records import JSON, Charge, Intent
from .render import Renderer, page

DEPTH_MAX = 4
EXPANDABLE = {
    "payment_intent": {"latest_charge", "payment_method", "customer"},
    "charge": {"payment_intent", "refunds", "customer", "balance_transaction"},
    "refund": {"charge", "payment_intent", "balance_transaction", "failure_balance_transaction"},
    "dispute": {"charge", "payment_intent"},
    "payment_method": {"customer"},
    "balance_transaction": {"source"},
}


def expand(answer: JSON, paths: list[str], renderer: Renderer) -> None:
    for path in paths:
        parts = path.split(".")
        if len(parts) > DEPTH_MAX:
            raise invalid(f"You can only expand up to {DEPTH_MAX} levels of a property.", "expand")
        _walk(answer, parts, renderer, path)


def _walk(node: JSON, parts: list[str], renderer: Renderer, path: str) -> None:
    name, rest = parts[0], parts[1:]
    if node.get("object") == "list" and name == "data":
        for item in node["data"]:
            _walk(item, rest, renderer, path) if rest else None
        return
    if name not in EXPANDABLE.get(str(node.get("object")), ()):
        raise _cannot(path)
    found = _look_up(node, name, renderer)
    if found is None:
        return
    node[name] = found
    if rest:
        _walk(found, rest, renderer, path)


def _look_up(node: JSON, name: str, renderer: Renderer) -> JSON | None:
    value = node.get(name)
    if isinstance(value, dict):
        return value
    if name == "refunds":
        return _refunds_of(str(node["id"]), renderer)
    if not isinstance(value, str):
        return None
    record = renderer.get(value)
    if record is None and name == "customer":
        return {"id": value, "object": "customer"}
    if record is None and name == "payment_method":
        intent = renderer.get(str(node["id"]))
        return renderer.method_of(intent) if isinstance(intent, Intent) else None
    return renderer.show(record) if record else None


def _refunds_of(charge_id: str, renderer: Renderer) -> JSON:
    charge = renderer.get(charge_id)
    ids = reversed(charge.refunds) if isinstance(charge, Charge) else ()
    shown = [renderer.show(record) for refund_id in ids if (record := renderer.get(refund_id))]
    return page(f"/v1/charges/{charge_id}/refunds", shown, False)


def _cannot(path: str) -> StripeError:
    return invalid(f"This property cannot be expanded ({path}).", "expand")
