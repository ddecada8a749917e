"""The shape of public commands, whichever door they come through: what is taken, what is refused, what is never said."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import shapes
from models.card_numbers import holds_card_number, without_card_numbers
from models.commands import CapturePayment, CreatePayment, CreateRefund, InvalidCommand, Origin, fingerprint
from tests.fuzzing import examples

ORIGIN = Origin("c", "pay_" + "0" * 32, "mer_1", datetime(2026, 1, 31, tzinfo=UTC))
CREATE: dict[str, Any] = {"amount": 1999, "currency": "usd", "payment_method": "pm_card_visa"}
REFUND_ID = "re_" + "1" * 32
CARD = "4242424242424242"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(CARD) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.just(CARD), inner, max_size=4),
    max_leaves=8,
)
MEMBERS = st.sampled_from(sorted({name for fields in shapes.FIELDS.values() for name in fields} | {"refund"}))


@examples(100)
@given(type=st.sampled_from(shapes.TYPES), value=st.dictionaries(MEMBERS, JSON))
def test_parsing_never_raises_and_never_repeats_a_card_number(type: str, value: dict[str, Any]) -> None:
    command = shapes.parse(type, value, ORIGIN)
    assert fingerprint(command)
    if isinstance(command, InvalidCommand):
        assert command.errors
        assert CARD not in repr(command)
        json.dumps([[error.field, error.message] for error in command.errors]).encode()


@examples(100)
@given(value=st.dictionaries(st.text(), JSON))
def test_other_members_are_ignored(value: dict[str, Any]) -> None:
    known = shapes.FIELDS[shapes.CREATE]
    others = {name: held for name, held in value.items() if name not in known}
    assert shapes.parse(shapes.CREATE, others | CREATE, ORIGIN) == shapes.parse(shapes.CREATE, CREATE, ORIGIN)


def test_null_is_nothing_said() -> None:
    nulls = dict.fromkeys(set(shapes.FIELDS[shapes.CREATE]) - set(CREATE))
    assert shapes.parse(shapes.CREATE, CREATE | nulls, ORIGIN) == shapes.parse(shapes.CREATE, CREATE, ORIGIN)


def test_what_is_left_out_has_its_default() -> None:
    command = shapes.parse(shapes.CREATE, CREATE, ORIGIN)
    assert isinstance(command, CreatePayment)
    assert (command.terms.capture_method, command.terms.off_session, command.terms.metadata) == (
        "automatic",
        False,
        {},
    )
    assert shapes.parse(shapes.CAPTURE, {}, ORIGIN) == CapturePayment(ORIGIN, None, True)


def test_a_refund_is_named_by_the_value_or_by_the_door() -> None:
    expected = CreateRefund(ORIGIN, REFUND_ID)
    assert shapes.parse(shapes.REFUND, {"refund": REFUND_ID}, ORIGIN) == expected
    assert shapes.parse(shapes.REFUND, {}, ORIGIN, REFUND_ID) == expected


@pytest.mark.parametrize(
    "refund", [None, 1, "", "re_1", REFUND_ID + "0", REFUND_ID.upper(), REFUND_ID + "\n", [REFUND_ID]]
)
def test_a_refund_without_a_proper_id_is_refused(refund: object) -> None:
    command = shapes.parse(shapes.REFUND, {"refund": refund}, ORIGIN)
    assert isinstance(command, InvalidCommand)
    assert [error.field for error in command.errors] == ["refund"]


def test_faulty_commands_that_differ_have_different_fingerprints() -> None:
    one, other = (shapes.parse(shapes.CREATE, CREATE | {"amount": n}, ORIGIN) for n in ("1", "2"))
    assert fingerprint(one) != fingerprint(other)
    assert fingerprint(one) == fingerprint(shapes.parse(shapes.CREATE, CREATE | {"amount": "1"}, ORIGIN))


def test_a_depth_that_nobody_means_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert isinstance(shapes.parse(shapes.CREATE, CREATE | {"description": deep}, ORIGIN), InvalidCommand)
    while deep:  # else tearing it down recurses
        deep = deep.pop()


@pytest.mark.parametrize(
    "text", [CARD, "4242 4242 4242 4242", "pm_4242424242424242", "a 4242-4242-4242-4242 b"]
)
def test_card_numbers_are_recognised_and_masked(text: str) -> None:
    assert holds_card_number(text)
    assert "4242" not in without_card_numbers(text)


@examples(100)
@given(st.uuids(version=4))
def test_ids_are_no_card_numbers(id: UUID) -> None:
    assert not holds_card_number(f"order {id}")
    assert not holds_card_number(f"pay_{id.hex}")


def test_an_id_full_of_digits_is_no_card_number() -> None:
    assert not holds_card_number("a0000000-4242-4242-4242-424200000000")
    assert without_card_numbers("pay_" + CARD + "a" * 16) == "pay_" + CARD + "a" * 16
