"""The provider calls of a transaction whose end is not known yet: opened, put off, closed by what happens."""

from dataclasses import dataclass, replace
from datetime import datetime

from models.events import (
    CallDeferred,
    CallEnded,
    CallRepeated,
    Event,
    EventData,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCanceled,
    PaymentCancelRequested,
    PaymentCaptured,
    PaymentCaptureRequested,
    PaymentDeclined,
    PaymentOutcomeUnknown,
    PaymentProcessing,
    PaymentReadRequested,
    PaymentRequested,
    PaymentReviewRequired,
    PaymentScreened,
    RefundCanceled,
    RefundFailed,
    RefundOutcomeUnknown,
    RefundPending,
    RefundRequested,
    RefundReviewRequired,
    RefundSucceeded,
)
from models.provider import CaptureIntent, Operation, PspCall, RefundIntent
from models.recheck import lost_check_at


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A provider call whose end is not known yet. `tries`: how often it came back unknown or deferred.

    `command`: the one that waits for it, by the name it is remembered under; None: our own doing.
    """

    call: PspCall
    next_check_at: datetime
    command: str | None = None
    tries: int = 0


def attempted(call: PspCall) -> str:
    """The operation a call's key names: `{payment_id}:{operation}:{attempt}`."""
    return call.key.split(":")[1]


def asked_by(data: EventData) -> PspCall | None:
    """The call that `data` asks for, for the first time."""
    match data:
        case (
            PaymentRequested()
            | PaymentScreened()
            | PaymentCaptureRequested()
            | PaymentCancelRequested()
            | PaymentDeclined()
            | PaymentReadRequested()
            | RefundRequested()
        ):
            return data.call
    return None


def still_open(calls: dict[str, OpenCall], event: Event, captured_minor: int) -> dict[str, OpenCall]:
    """The calls still open: opened by a request, put off by an unknown outcome, closed by everything conclusive.

    `captured_minor`: of the payment, before the event.
    """
    data = event.data
    match data:
        case PaymentOutcomeUnknown() | RefundOutcomeUnknown() | CallDeferred():
            put_off = replace(
                calls[data.call_key], next_check_at=data.next_check_at, tries=calls[data.call_key].tries + 1
            )
            return calls | {data.call_key: put_off}
        case CallRepeated(call, next_check_at):
            return calls | {call.key: replace(calls[call.key], next_check_at=next_check_at)}
    closed = closed_by(calls, data, captured_minor)
    left = {key: call for key, call in calls.items() if call not in closed}
    if asked := asked_by(data):
        goes_on = next((call.command for call in closed), None) if isinstance(data, PaymentScreened) else None
        left[asked.key] = OpenCall(asked, lost_check_at(event.at), event.opens or goes_on)
    return left


def closed_by(calls: dict[str, OpenCall], data: EventData, captured_minor: int) -> list[OpenCall]:
    """The open calls whose end is known once `data` has happened: its command is answered by it.

    `captured_minor`: of the payment, before it. A total too small to have a capture in it was captured by somebody else.
    """
    match data:
        case PaymentReviewRequired() | RefundReviewRequired() | CallEnded():
            return [call for key, call in calls.items() if key == data.call_key]
        case RefundPending() | RefundSucceeded() | RefundFailed() | RefundCanceled():
            return [call for call in calls.values() if _asks_for_refund(call, data.refund_id)]
        case PaymentScreened():
            return _about(calls, Operation.SCREEN)
        case PaymentDeclined():
            return _about(calls, Operation.SCREEN, Operation.CREATE)
        case PaymentAuthorized() | PaymentActionRequired() | PaymentProcessing():
            return _about(calls, Operation.CREATE)
        case PaymentCaptured():
            more = data.amount_captured_minor - captured_minor
            done = [call for call in calls.values() if _captures_at_most(call, more)]
            return _about(calls, Operation.CREATE) + done
        case PaymentCanceled():
            return _about(calls, Operation.CREATE, Operation.CANCEL)
        case PaymentReadRequested():
            return _about(calls, Operation.READ)  # the later look sees more
    return []


def _asks_for_refund(call: OpenCall, refund_id: str) -> bool:
    return isinstance(call.call.ask, RefundIntent) and call.call.ask.refund_id == refund_id


def _captures_at_most(call: OpenCall, amount_minor: int) -> bool:
    return isinstance(call.call.ask, CaptureIntent) and call.call.ask.amount_minor <= amount_minor


def _about(calls: dict[str, OpenCall], *operations: Operation) -> list[OpenCall]:
    return [call for call in calls.values() if call.call.operation in operations]
