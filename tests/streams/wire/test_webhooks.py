"""An event as merchants' webhooks carry it, and who is sent none."""

import orjson

from models.commands import CapturePayment
from models.deciding import decide
from models.representation import payment_view
from models.transaction import evolve
from models.webhooks import Notice
from streams.wire import events
from streams.wire.causes import cause_of
from streams.wire.changes import change_of
from streams.wire.webhooks import notice_of
from tests.models.samples import AUTHORIZED, CREATE_CALL, MERCHANT, STRANGER, answer, capture, create_manual
from tests.models.story import given
from tests.streams.wire.records import received


def told_of(command: CapturePayment) -> Notice | None:
    """What is told of a command that comes to a payment of MERCHANT's and is refused."""
    payment = given(create_manual(), answer(CREATE_CALL, AUTHORIZED)).transaction
    (refused,) = decide(payment, command)
    shown = payment_view(evolve(payment, refused), livemode=False)
    return notice_of(change_of(received(events.write(refused, shown, cause_of(command)))))


def test_an_endpoint_is_told_of_what_its_merchant_was_refused_with_the_payment_as_it_stands() -> None:
    notice = told_of(capture(9999))
    assert notice is not None
    told = orjson.loads(notice.payload)
    assert (notice.merchant, told["type"]) == (MERCHANT, "command.refused.v1")
    assert (told["data"]["data"]["code"], told["data"]["state"]["merchant"]) == (
        "capture_exceeds_authorized",
        MERCHANT,
    )


def test_no_endpoint_is_told_of_what_a_stranger_tried_on_its_merchants_payment() -> None:
    assert told_of(capture(by=STRANGER)) is None
