"""Currencies, their minor units and the smallest and largest amounts, as Stripe publishes them. A table, no logic beyond.

Source: docs.stripe.com/currencies (presentment currencies, zero-decimal, special cases, minimum and maximum amounts).
"""

from __future__ import annotations

import sys

from .errors import StripeError, invalid

ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())  # the last digit must be 0
WHOLE_WITH_TWO_DECIMALS = frozenset("isk ugx".split())  # sent with two decimals, a multiple of 100
SUPPORTED = (
    ZERO_DECIMAL
    | THREE_DECIMAL
    | WHOLE_WITH_TWO_DECIMALS
    | frozenset(
        """usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf
        cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd
        kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr
        nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd
        twd tzs uah uyu uzs wst xcd xcg yer zar zmw""".split()
    )
)
MINIMUM_MINOR = {  # in minor units; they hold in the settlement currency, here taken to be the same
    **dict.fromkeys("usd eur aud cad chf nzd sgd brl inr".split(), 50),
    **dict.fromkeys("aed myr pln ron".split(), 200),
    **dict.fromkeys("jpy krw".split(), 50),
    **dict.fromkeys("mxn thb".split(), 1_000),
    **dict.fromkeys("nok sek".split(), 300),
    "gbp": 30,
    "dkk": 250,
    "hkd": 400,
    "czk": 1_500,
    "huf": 17_500,
}
MINIMUM_ELSEWHERE_MINOR = 1
MAXIMUM_MINOR = 999_999_999_999  # twelve digits, for most cards


def check_currency(currency: str) -> str:
    name = currency.lower()
    if name not in SUPPORTED:
        listed = ", ".join(sorted(SUPPORTED))
        raise invalid(
            f"Invalid currency: {currency[:10]}. Stripe currently supports these currencies: {listed}",
            "currency",
        )
    return sys.intern(name)  # one string for all records


def check_amount(amount_minor: int, currency: str) -> int:
    """Refuses what Stripe would refuse for a new payment."""
    least = MINIMUM_MINOR.get(currency, MINIMUM_ELSEWHERE_MINOR)
    if amount_minor < least:
        raise _amount(f"Amount must be at least {shown(least, currency)}", "amount_too_small")
    if amount_minor > MAXIMUM_MINOR:
        raise _amount(f"Amount must be no more than {shown(MAXIMUM_MINOR, currency)}", "amount_too_large")
    check_digits(amount_minor, currency)
    return amount_minor


def check_digits(amount_minor: int, currency: str) -> None:
    if currency in THREE_DECIMAL and amount_minor % 10:
        raise _amount(f"Invalid amount: {currency} amounts must end in 0", None)
    if currency in WHOLE_WITH_TWO_DECIMALS and amount_minor % 100:
        raise _amount(f"Invalid amount: {currency} amounts must be a multiple of 100", None)


def shown(amount_minor: int, currency: str) -> str:
    """An amount as Stripe's messages write it."""
    decimals = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    whole, rest = divmod(amount_minor, 10**decimals)
    return f"{whole}.{rest:0{decimals}d} {currency}" if decimals else f"{whole} {currency}"


def _amount(message: str, code: str | None) -> StripeError:
    return invalid(message, "amount", code)
