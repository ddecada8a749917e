"""What is known of every currency, against Stripe's published lists."""

import pytest

from models.money import AMOUNT_MAX_MINOR, CURRENCIES, Currency, Money

ZERO_DECIMALS = set("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
THREE_DECIMALS = {"bhd", "jod", "kwd", "omr", "tnd"}
WHOLE = {"isk", "ugx"}


@pytest.mark.parametrize("code", sorted(CURRENCIES))
def test_every_currency_is_counted_as_stripe_counts_it(code: str) -> None:
    exponent = 0 if code in ZERO_DECIMALS else 3 if code in THREE_DECIMALS else 2
    step = 10 if code in THREE_DECIMALS else 100 if code in WHOLE else 1
    assert (CURRENCIES[code].exponent, CURRENCIES[code].step_minor) == (exponent, step)


@pytest.mark.parametrize("code", sorted(CURRENCIES))
def test_the_least_charge_is_positive_and_keeps_the_step(code: str) -> None:
    currency = CURRENCIES[code]
    assert 0 < currency.minimum_minor < AMOUNT_MAX_MINOR
    assert currency.minimum_minor % currency.step_minor == 0


def test_every_code_is_three_lowercase_letters_and_no_special_one_is_missing() -> None:
    assert all(len(code) == 3 and code.isascii() and code.islower() for code in CURRENCIES)
    assert set(CURRENCIES) >= ZERO_DECIMALS | THREE_DECIMALS | WHOLE
    assert len(CURRENCIES) > 130


@pytest.mark.parametrize(
    ("code", "least"),
    [
        *((code, 50) for code in "usd eur aud cad chf nzd sgd brl inr jpy krw".split()),
        *((code, 200) for code in "aed myr pln ron".split()),
        *((code, 300) for code in "nok sek".split()),
        *((code, 1000) for code in "mxn thb".split()),
        ("gbp", 30),
        ("dkk", 250),
        ("hkd", 400),
        ("czk", 1500),
        ("huf", 17500),
    ],
)
def test_the_published_minimum_amounts_hold(code: str, least: int) -> None:
    assert CURRENCIES[code].minimum_minor == least


def test_an_amount_has_at_most_twelve_digits() -> None:
    assert AMOUNT_MAX_MINOR == 10**12 - 1


def test_money_is_a_value() -> None:
    assert Money(1, "usd") == Money(1, "usd") != Money(1, "eur")
    assert Currency() == Currency(2, 1, 1)
