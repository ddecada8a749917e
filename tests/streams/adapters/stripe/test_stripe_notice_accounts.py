"""In whose name a notice is told, and what becomes of one that nobody here can place."""

import json

import pytest

from models.commands import RecordNotice
from models.ports import Unaddressed, Unfamiliar
from streams.adapters.stripe_notices import StripeNotices
from tests.streams.adapters.stripe.stripe_world import (
    MERCHANT,
)
from tests.streams.adapters.stripe.test_stripe_notices import (
    NEW,
    NOW,
    OLD,
    PAYMENT,
    body_of,
    dispute,
    intent,
    notices,
    read,
    signed,
)

THEIRS = "whsec_theirs"
ITS_OWN = "whsec_of_a_connected_account"
several = StripeNotices(
    [OLD, NEW], secrets_of={THEIRS: "shop-b", ITS_OWN: "shop-c"}, connected={"acct_c": "shop-c"}
)


def told_by(secret: str, **members: object) -> tuple[bytes, str]:
    body = json.dumps({**json.loads(body_of(intent())), **members}).encode()
    return body, signed(body, secret)


@pytest.mark.parametrize(
    ("secret", "members", "account"),
    [
        (NEW, {}, None),
        (OLD, {}, None),
        (THEIRS, {}, "shop-b"),
        (NEW, {"account": "acct_c"}, "shop-c"),
        (ITS_OWN, {"account": "acct_c"}, "shop-c"),
        (ITS_OWN, {}, "shop-c"),
    ],
)
def test_a_notice_is_told_in_the_name_of_the_account_whose_secret_signed_it(
    secret: str, members: dict[str, object], account: str | None
) -> None:
    heard = several.read(*told_by(secret, **members), NOW)
    assert isinstance(heard, RecordNotice) and heard.account == account


@pytest.mark.parametrize("acct", ["acct_c", "acct_nobody", 7])
def test_a_notice_of_an_account_that_is_not_the_tellers_to_tell_of_is_left_aside(acct: object) -> None:
    assert several.read(*told_by(THEIRS, account=acct), NOW) is None


@pytest.mark.parametrize("acct", ["acct_nobody", 7, ["acct_c"]])
@pytest.mark.parametrize(
    ("body", "subject"),
    [
        (body_of(intent()), PAYMENT),
        (body_of(dispute(), "charge.dispute.created"), "pi_1"),
        (body_of(dispute(status="invented_since"), "charge.dispute.created"), "du_1"),
    ],
)
def test_a_notice_of_an_account_that_is_not_named_yet_is_kept_and_moves_nothing(
    acct: object, body: bytes, subject: str
) -> None:
    told = json.dumps({**json.loads(body), "account": acct}).encode()
    heard = several.read(told, signed(told, NEW), NOW)
    assert isinstance(heard, Unfamiliar)
    assert (heard.subject, heard.body, heard.account) == (subject, told, None)


def test_what_an_account_that_is_not_named_does_beside_us_is_left_aside() -> None:
    told = json.dumps({**json.loads(body_of(intent(metadata={}))), "account": "acct_nobody"}).encode()
    assert several.read(told, signed(told, NEW), NOW) is None


def test_a_disputes_notice_keeps_its_account_until_its_payment_is_known() -> None:
    body = body_of(dispute(), "charge.dispute.created")
    heard = several.read(body, signed(body, THEIRS), NOW)
    assert isinstance(heard, Unaddressed)
    assert heard.to(PAYMENT, MERCHANT, NOW).account == "shop-b"


def test_one_secret_is_one_accounts() -> None:
    with pytest.raises(ValueError, match="default account's and a named one's"):
        StripeNotices([OLD], secrets_of={OLD: "shop-b"})


@pytest.mark.parametrize("kind", ["payment_intent.reversed", "treasury.whatever", "charge.dispute.appealed"])
def test_a_notice_of_a_type_that_nobody_knows_is_kept_as_it_came(kind: str) -> None:
    body = body_of(intent(), kind)
    assert several.read(body, signed(body, THEIRS), NOW) == Unfamiliar("evt_1", kind, "pi_1", body, "shop-b")


@pytest.mark.parametrize("odd", ["a b", "x" * 300, "", 7, None])
def test_an_odd_subject_or_type_of_an_unfamiliar_notice_stops_nothing(odd: object) -> None:
    body = body_of(intent(id=odd), "treasury.whatever")
    heard = notices.read(body, signed(body), NOW)
    assert isinstance(heard, Unfamiliar) and heard.subject == "evt_1"
    assert read(body_of(intent(), odd)) is None


@pytest.mark.parametrize("kind", [None, 7, "charge.succeeded", "payment_intent.created", "customer.updated"])
def test_what_is_known_to_say_nothing_new_is_not_kept(kind: object) -> None:
    body = body_of(intent(), kind)
    assert notices.read(body, signed(body), NOW) is None
