"""Safeguards of the rules, each taken away on demand: what stories about payments must notice, or their laws prove nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from models import (
    asking,
    calls,
    deciding,
    dispute,
    dispute_evidence,
    evidence,
    recheck,
    refund,
    settling,
    transaction,
    waiting,
)
from models.asking import Said
from models.events import PaymentDeclined, RefundFailed
from models.provider import CaptureIntent, DisputeStatus, RefundIntent, RefundStatus
from models.refund import RefundMove

Patch = pytest.MonkeyPatch
Bug = Callable[[Patch], None]


def forgets_commands(patch: Patch) -> None:
    patch.setattr(deciding, "remembered", lambda *_: None)


def uses_one_key_for_all(patch: Patch) -> None:
    usual = asking.asked

    def asked(known: transaction.Transaction, *rest: Any) -> Any:
        return usual(replace(known, attempts={}), *rest)

    for module in (settling, deciding, waiting):
        patch.setattr(module, "asked", asked)


def outlives_its_keys(patch: Patch) -> None:
    """The domain and the gateway look at one number: here, that the provider forgets."""
    patch.setattr(recheck, "KEY_AGE_MAX_S", timedelta(days=9).total_seconds())


def takes_an_unknown_refund_for_failed(patch: Patch) -> None:
    usual = waiting.in_doubt

    def in_doubt(known: Any, call: Any, reason: str, origin: Any) -> Said:
        ask = call.call.ask
        if isinstance(ask, RefundIntent):
            return Said(RefundFailed(ask.refund_id, None, reason), settles=call.command)
        return usual(known, call, reason, origin)

    patch.setattr(settling, "in_doubt", in_doubt)


def takes_an_unknown_payment_for_declined(patch: Patch) -> None:
    patch.setattr(settling, "in_doubt", lambda known, call, reason, origin: Said(
        PaymentDeclined(evidence._UNEXPLAINED, None), settles=call.command
    ))  # fmt: skip


def leaves_the_declined_open(patch: Patch) -> None:
    patch.setattr(settling, "_with_consequences", lambda known, data, *_: data)


def gives_up_what_it_looked_beside(patch: Patch) -> None:
    patch.setattr(settling, "_looked_beside_a_call", lambda *_: False)


def takes_anybodys_capture_for_ours(patch: Patch) -> None:
    patch.setattr(calls, "_captures_at_most", lambda call, _: isinstance(call.call.ask, CaptureIntent))


def sends_whom_it_turned_away(patch: Patch) -> None:
    usual = settling._screened

    def screened(known: Any, call: Any, admitted: bool, *rest: Any) -> Any:
        yield from usual(known, call, True, *rest)
        if not admitted:
            yield from usual(known, call, False, *rest)

    patch.setattr(settling, "_screened", screened)


def hears_the_old_as_news(patch: Patch) -> None:
    patch.setattr(evidence, "_is_news", lambda *_: True)


def goes_back_in_a_dispute(patch: Patch) -> None:
    every = {(was, now): now for was in (None, *DisputeStatus) for now in DisputeStatus}
    patch.setattr(dispute_evidence, "TRANSITIONS", every)
    patch.setattr(dispute, "TRANSITIONS", every)


def keeps_what_failed_late(patch: Patch) -> None:
    patch.delitem(refund.TRANSITIONS, (RefundStatus.SUCCEEDED, RefundMove.FAILED))


def promises_reserved_money(patch: Patch) -> None:
    patch.setattr(transaction.Transaction, "amount_refund_pending_minor", 0)


def lets_commands_wait_for_ever(patch: Patch) -> None:
    usual = settling._taken_in

    def taken_in(*arguments: Any) -> Any:
        return (replace(said, settles=None) for said in usual(*arguments))

    patch.setattr(settling, "_taken_in", taken_in)


def tells_nobody_of_the_end(patch: Patch) -> None:
    patch.setattr(transaction.Transaction, "expiry_told_at", None)


def waits_for_a_notice_for_ever(patch: Patch) -> None:
    patch.setattr(transaction.Transaction, "look_at", None)


def believes_its_own_steps(patch: Patch) -> None:
    """What a notice skips is not looked after."""
    patch.setattr(evidence, "doubt", lambda *_: None)
