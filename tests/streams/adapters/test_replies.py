"""Who is woken by a reply: whoever sent just that command. No broker is needed for that."""

from dataclasses import replace
from datetime import UTC, datetime

from models.codes import Code
from models.commands import CreatePayment, Origin, fingerprint
from models.money import Money
from models.ports import Reply, ReplyAddress
from models.terms import PaymentTerms
from streams.adapters.kafka_replies import KafkaReplies
from streams.wire import replies
from tests.streams.wire.records import Received, received

PAYMENT = "pay_" + "ab" * 16
AT = datetime(2026, 1, 31, tzinfo=UTC)
ASKED = CreatePayment(Origin("c1", PAYMENT, "mer_1", AT), PaymentTerms(Money(1999, "usd"), "pm_card_visa"))
OTHER_BODY = replace(ASKED, terms=replace(ASKED.terms, money=Money(2000, "usd")))
STRANGERS = replace(ASKED, origin=replace(ASKED.origin, merchant="mer_2"))


def reply_to(command: CreatePayment, code: Code | None = Code.NOT_FOUND) -> Received:
    origin = command.origin
    reply = Reply(origin.command_id, code, "no", False, None, None, (), origin.merchant, fingerprint(command))
    return received(replies.write(PAYMENT, ReplyAddress("payments.replies.v1", 0), reply, AT))


async def test_another_content_or_another_merchant_under_the_same_id_has_its_own_answer() -> None:
    door = KafkaReplies({}, 0)
    with door.expect(ASKED) as mine, door.expect(OTHER_BODY) as other, door.expect(STRANGERS) as theirs:
        door._hand_over(reply_to(OTHER_BODY, Code.IDEMPOTENCY_KEY_REUSED))
        door._hand_over(reply_to(STRANGERS))
        refused, not_found = await other(1), await theirs(1)
        assert refused is not None
        assert not_found is not None
        assert (refused.code, not_found.code) == (Code.IDEMPOTENCY_KEY_REUSED, Code.NOT_FOUND)
        assert await mine(0.01) is None
        door._hand_over(reply_to(ASKED))
        assert await mine(1) is not None


async def test_everybody_who_sent_the_same_command_is_woken() -> None:
    door = KafkaReplies({}, 0)
    with door.expect(ASKED) as one, door.expect(ASKED) as another:
        door._hand_over(reply_to(ASKED))
        assert await one(1) is not None
        assert await another(1) is not None


async def test_a_reply_whose_headers_have_no_values_wakes_nobody_and_raises_nothing() -> None:
    door = KafkaReplies({}, 0)
    with door.expect(ASKED) as waiting:
        door._hand_over(replace(reply_to(ASKED), headers=[("ce_causationid", None)]))
        assert await waiting(0.01) is None
