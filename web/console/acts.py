"""What can be done at the console, as a table: each act's command, its form, and what of a form the command says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from models import shapes
from models.fields import CANCELLATION_REASONS, REFUND_REASONS, RESOLUTIONS
from models.ports import View
from web.console.guarding import Form, Said
from web.console.rendering import minor

IN_DOUBT = frozenset({"unknown", "manual_review"})
CANCELABLE = frozenset({"authorized", "requires_action", "processing"})


@dataclass(frozen=True, slots=True)
class Act:
    """`takes_amount`: what its amount is called; None: it takes none. `offered`: whether it is for a payment that stands so;
    whether it is possible, the rules say.
    """

    name: str
    type: str
    does: str
    takes_amount: str | None
    choices: Mapping[str, tuple[str, ...]]
    offered: Callable[[View], bool]

    def said(self, form: Form, payment: View, operator: str) -> dict[str, object]:
        """The command's members. Raises Said for an amount that is none."""
        said: dict[str, object] = {name: form[name] for name in self.choices if form.get(name)}
        if self.takes_amount:
            try:
                said["amount"] = minor(form.get("amount", ""), payment["currency"])
            except ValueError:
                raise Said(
                    422, "The amount must be a number, as 12.50, with the currency's own digits."
                ) from None
        if self.type == shapes.REFUND:
            said["expected_refundable"] = _whole(form.get("expected_refundable", ""))
        if self.type == shapes.RESOLVE:
            said |= {"evidence": form["why"], "operator": operator}
            said |= {name: form[name] for name in ("refund", "payment_intent") if form.get(name)}
        return said


def _whole(text: str) -> int:
    """What could be refunded when the form was shown: of two operators who refund the same, one is told. Raises Said."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise Said(400, "This form is not whole.")
    return int(text)


def in_doubt(payment: View) -> bool:
    return any(each["status"] in IN_DOUBT for each in (payment, *payment["refunds"]))


ACTS = {
    act.name: act
    for act in (
        Act(
            "refund",
            shapes.REFUND,
            "Refund",
            "Amount to give back",
            {"reason": REFUND_REASONS},
            lambda p: p["amount_refundable"] > 0,
        ),
        Act(
            "capture",
            shapes.CAPTURE,
            "Capture",
            "Amount to capture",
            {},
            lambda p: p["amount_capturable"] > 0,
        ),
        Act(
            "cancel",
            shapes.CANCEL,
            "Cancel",
            None,
            {"reason": CANCELLATION_REASONS},
            lambda p: p["status"] in CANCELABLE,
        ),
        Act(
            "resolve",
            shapes.RESOLVE,
            "Resolve",
            "Amount, where a part was captured",
            {"resolution": RESOLUTIONS},
            in_doubt,
        ),
    )
}
