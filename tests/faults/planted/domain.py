"""Safeguards of the rules, switched off: what is decided, remembered, asked again and believed."""

from dataclasses import replace as changed
from datetime import timedelta
from typing import Any

from tests.faults.planted.registry import bug, replace

WRITER = ("writer",)


@bug("models.deciding", WRITER, ("F3", "F13"), ("I3", "I7"))
def forgets_commands(deciding: Any) -> None:
    """No command is remembered. (The delivery's subject looks for this name itself, and forgets its own: `subject.py`.)"""
    replace(deciding, "remembered", lambda *_: None)


@bug("models.commands", ("writer", "web"), ("F13",), ("I7",))
def any_body_is_the_same(commands: Any) -> None:
    """Fingerprints are not compared: another body under the same key is the same command."""
    replace(commands, "fingerprint", lambda command: "the same")


@bug("models.deciding", WRITER, ("F12", "F13"), ("I10",))
def strangers_may_act(deciding: Any) -> None:
    """Whose payment it is nobody asks before a command is carried out."""
    said = deciding._said

    def of_everybody(known: Any, command: Any, *more: Any) -> Any:
        if isinstance(command, deciding.PublicCommand) and known.merchant:
            known = changed(known, merchant=command.origin.merchant)
        return said(known, command, *more)

    replace(deciding, "_said", of_everybody)


@bug("models.transaction", WRITER, ("F13",), ("I4",))
def refunds_reserve_nothing(transaction: Any) -> None:
    """Refunds that are under way leave the money to others."""
    replace(transaction.Transaction, "amount_refund_pending_minor", 0)


@bug("models.refund", WRITER, ("F12",), ("I6",))
def late_failures_change_nothing(refund: Any) -> None:
    """A refund that succeeded stays so, though it fails weeks later and the money comes back."""
    del refund.TRANSITIONS[refund.RefundStatus.SUCCEEDED, refund.RefundMove.FAILED]


@bug("models.rules", WRITER, ("F11",), ("I15",))
def stale_creates_pass(rules: Any) -> None:
    """A create is carried out however long it has waited: its key may be older than the provider's memory."""
    kept = tuple(rule for rule in rules.CREATE if rule.__name__ != "not_too_old_to_create")
    assert len(kept) == len(rules.CREATE) - 1
    replace(rules, "CREATE", kept)


@bug("models.recheck", ("writer", "gateway"), ("F11",), ("I15",))
def keys_never_age(recheck: Any) -> None:
    """A call is sent again under its key after the provider may have forgotten it."""
    replace(recheck, "KEY_AGE_MAX_S", timedelta(days=9).total_seconds())


@bug("models.waiting", WRITER, ("F9",), ("I6",))
def unknown_is_declined(waiting: Any) -> None:
    """A create without an answer is declined, and a refund without one has failed."""
    usual = waiting.in_doubt

    def in_doubt(known: Any, call: Any, reason: str, origin: Any) -> Any:
        from models.events import PaymentDeclined, RefundFailed
        from models.provider import CreateIntent, Decline

        match call.call.ask:
            case waiting.RefundIntent(refund_id=refund_id):
                return waiting.Said(RefundFailed(refund_id, None, reason), settles=call.command)
            case CreateIntent():
                decline = Decline("payment_failed", None, None, reason)
                return waiting.Said(PaymentDeclined(decline, None), settles=call.command)
        return usual(known, call, reason, origin)

    replace(waiting, "in_doubt", in_doubt)


@bug("models.settling", WRITER, ("F12",), ("I6", "I8"))
def other_accounts_are_believed(settling: Any) -> None:
    """A notice counts in whosever account's name it was told."""
    replace(settling, "is_of_another_account", lambda *_: False)


@bug("models.evidence", WRITER, ("F12",), ("I6", "I9"))
def the_old_is_news(evidence: Any) -> None:
    """What a notice shows counts, though later things are known, or the same notice came before."""
    replace(evidence, "_is_news", lambda *_: True)
