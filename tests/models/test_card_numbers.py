"""What looks like a card number is seen, however it is written; ids and other long numbers are let through."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.card_numbers import holds_card_number, without_card_numbers
from models.ids import payment_id
from tests.fuzzing import examples

PUBLISHED_TEST_CARDS = (
    "4242424242424242",
    "5555555555554444",
    "378282246310005",
    "6011111111111117",
    "30569309025904",
    "2223003122003222",
)


@pytest.mark.parametrize("number", PUBLISHED_TEST_CARDS)
@pytest.mark.parametrize("around", ["{}", "card {} please", "<{}>", "a,{},b", "n°{}."])
def test_a_card_number_is_seen_and_masked_wherever_it_stands(number: str, around: str) -> None:
    text = around.format(number)
    assert holds_card_number(text)
    assert without_card_numbers(text) == around.format("[card number]")


@pytest.mark.parametrize(
    "text",
    [
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "4242.4242.4242.4242",
        "3782 822463 10005",
        "４２４２４２４２４２４２４２４２",
        "٤٢٤٢ ٤٢٤٢ ٤٢٤٢ ٤٢٤٢",
        "4242\u00a04242\u00a04242\u00a04242",
        "4242‑4242–4242—4242",
    ],
)
def test_a_card_number_written_in_groups_is_seen(text: str) -> None:
    assert holds_card_number(text)
    assert without_card_numbers(text) == "[card number]"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4242424242424241",  # the check digit is wrong
        "424242424242",  # too short
        "42424242424242424242",  # too long
        "2026-01-31T12:00:00.000Z",
        "order 1234567890",
        "pi_3MtwBwLkdIwHu7ix28a3tqPa",
        "1732680000004",  # a moment in milliseconds that passes the Luhn check
        "order-1732680000000000004",  # and one in nanoseconds
    ],
)
def test_other_numbers_are_let_through_unchanged(text: str) -> None:
    assert not holds_card_number(text)
    assert without_card_numbers(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("4242 4242 4242 4242 12/26 123", "[card number] 12/26 123"),
        ("4242424242424242 1226", "[card number] 1226"),
        ("2 4242424242424242", "2 [card number]"),
        ("7 4242-4242-4242-4242 3", "7 [card number] 3"),
        ("20261130 4242424242424242", "20261130 [card number]"),
        ("2026-11-30 4242 4242 4242 4242", "2026-11-30 [card number]"),
        ("1999 4242 4242 4242 4242 5555 5555 5555 4444", "1999 [card number] [card number]"),
    ],
)
def test_other_digits_beside_a_card_number_do_not_hide_it(text: str, masked: str) -> None:
    assert holds_card_number(text)
    assert without_card_numbers(text) == masked


@given(st.integers(946_684_800, 4_102_444_799), st.integers(0, 999_999))
@examples(300)
def test_no_date_of_this_century_with_a_counter_is_taken_for_a_card_number(at_s: int, counter: int) -> None:
    at = datetime.fromtimestamp(at_s, UTC)
    for form in ("%Y%m%d", "%Y-%m-%d", "%Y%m%d%H%M%S", "%Y.%m.%d %H%M"):
        assert not holds_card_number(f"order-{at.strftime(form)}-{counter:06}")


@given(st.uuids())
@examples(2000)
def test_no_id_of_ours_is_taken_for_a_card_number(drawn: UUID) -> None:
    for text in (str(drawn), payment_id(drawn), f"see {payment_id(drawn)}, please"):
        assert not holds_card_number(text)
        assert without_card_numbers(text) == text


def test_a_card_number_beside_an_id_is_seen_and_only_it_is_masked() -> None:
    id = "pay_4242424242424242" + "0" * 16
    assert without_card_numbers(f"{id} 4242424242424242") == f"{id} [card number]"


@given(st.text(alphabet="0123456789 -.４", max_size=60))
@examples(1000)
def test_a_masked_text_holds_no_card_number(text: str) -> None:
    assert not holds_card_number(without_card_numbers(text))


@given(st.integers(min_value=10**11, max_value=10**17 - 1))
@examples(300)
def test_of_ten_numbers_that_differ_in_the_last_digit_just_one_passes(start: int) -> None:
    digits = str(start)
    is_long_enough, is_a_cards = len(digits) >= 12, digits[0] in "23456" and not digits.startswith("20")
    found = sum(holds_card_number(f"{start}{digit}") for digit in range(10))
    assert found == (is_long_enough and is_a_cards)
