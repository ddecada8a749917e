"""What the provider's word about a dispute leads to. Its notices come late, twice and in any order; it only goes forward."""

from collections.abc import Iterator

from models.dispute import CLOSED, TRANSITIONS, Dispute
from models.errors import InvariantBroken
from models.events import DisputeClosed, DisputeEvent, DisputeOpened, DisputeUpdated
from models.provider import DisputeSnapshot, DisputeStatus
from models.transaction import Transaction


def of_dispute(transaction: Transaction, seen: DisputeSnapshot) -> Iterator[DisputeEvent]:
    payment = transaction.payment
    if payment is None or payment.intent not in (None, seen.intent):
        raise InvariantBroken(f"{transaction.id}: {seen.dispute_id} is about {seen.intent}, another payment")
    was = transaction.disputes.get(seen.dispute_id)
    if was is None:
        yield _opened(seen)
        if seen.status in CLOSED:
            yield _closed(seen.status, seen, seen.withdrawn, seen.reinstated)
    elif event := _moved(was, seen):
        yield event


def _moved(was: Dispute, seen: DisputeSnapshot) -> DisputeEvent | None:
    """Money that was taken, or given back, stays so, whatever an older notice says; its status only goes forward."""
    withdrawn, reinstated = was.withdrawn or seen.withdrawn, was.reinstated or seen.reinstated
    knows_less = (was.withdrawn and not seen.withdrawn) or (was.reinstated and not seen.reinstated)
    is_older = (was.status, seen.status) not in TRANSITIONS or (knows_less and seen.status is was.status)
    status = was.status if is_older else seen.status
    if status is not was.status and status in CLOSED:
        return _closed(status, seen, withdrawn, reinstated)
    respond_by = was.respond_by if is_older or status in CLOSED else seen.respond_by
    refundable = was.refundable if is_older else seen.refundable
    amount = was.amount_minor if is_older else seen.amount_minor
    now = DisputeUpdated(seen.dispute_id, status, amount, respond_by, withdrawn, reinstated, refundable)
    known = (was.status, was.amount_minor, was.respond_by, was.withdrawn, was.reinstated, was.refundable)
    return None if known == (status, amount, respond_by, withdrawn, reinstated, refundable) else now


def _opened(seen: DisputeSnapshot) -> DisputeOpened:
    return DisputeOpened(
        dispute_id=seen.dispute_id,
        status=seen.status,
        amount_minor=seen.amount_minor,
        currency=seen.currency,
        reason=seen.reason,
        respond_by=seen.respond_by,
        withdrawn=seen.withdrawn,
        reinstated=seen.reinstated,
        refundable=seen.refundable,
    )


def _closed(status: DisputeStatus, seen: DisputeSnapshot, withdrawn: bool, reinstated: bool) -> DisputeClosed:
    return DisputeClosed(seen.dispute_id, status, seen.amount_minor, withdrawn, reinstated, seen.refundable)
