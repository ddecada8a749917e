"""Money and currencies: integers in minor units beside an ISO 4217 code. No float, no Decimal, no conversion."""

from dataclasses import dataclass
from typing import NamedTuple

AMOUNT_MAX_MINOR = 999_999_999_999
"""Twelve digits, what most card networks carry. Source: Stripe, currencies, minimum and maximum charge amounts."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of its currency (a lowercase ISO 4217 code, as Stripe writes it)."""

    amount_minor: int
    currency: str


class Currency(NamedTuple):
    """How a currency is counted by Stripe: digits behind the point, the step amounts must keep, the least charge."""

    exponent: int = 2
    step_minor: int = 1
    minimum_minor: int = 1


_TWO_DECIMALS = """
usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc
cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd kes kgs khr kyd kzt
lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln
qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah uyu uzs wst xcd yer zar
zmw""".split()
_ZERO_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split()
_WHOLE_IN_TWO_DECIMALS = ("isk", "ugx")  # sent with two decimals, always a multiple of 100
_THREE_DECIMALS = ("bhd", "jod", "kwd", "omr", "tnd")  # the last digit must be 0
_MINIMUM_MINOR = {
    **dict.fromkeys("usd eur aud cad chf nzd sgd brl inr".split(), 50),
    "gbp": 30,
    "jpy": 50,
    "krw": 50,
    "dkk": 250,
    "nok": 300,
    "sek": 300,
    "hkd": 400,
    "czk": 1500,
    "huf": 17500,
    "mxn": 1000,
    "thb": 1000,
    "aed": 200,
    "myr": 200,
    "pln": 200,
    "ron": 200,
}

CURRENCIES: dict[str, Currency] = {
    **{code: Currency(2, 1, _MINIMUM_MINOR.get(code, 1)) for code in _TWO_DECIMALS},
    **{code: Currency(0, 1, _MINIMUM_MINOR.get(code, 1)) for code in _ZERO_DECIMALS},
    **{code: Currency(2, 100, 100) for code in _WHOLE_IN_TWO_DECIMALS},
    **{code: Currency(3, 10, 10) for code in _THREE_DECIMALS},
}
"""Source: Stripe, currencies (presentment currencies, zero-decimal, special cases, minimum charge amounts)."""


def readable(money: Money) -> str:
    """As people write it: `1,234.50 USD`. Of a currency not known here (a dispute's may be any): minor units, and so said."""
    code, currency = money.currency.upper(), CURRENCIES.get(money.currency)
    if currency is None:
        return f"{money.amount_minor:,} minor units of {code}"
    units, rest = divmod(abs(money.amount_minor), 10**currency.exponent)
    sign = "-" if money.amount_minor < 0 else ""
    is_whole = currency.exponent == 0 or (currency.step_minor == 10**currency.exponent and not rest)
    return f"{sign}{units:,} {code}" if is_whole else f"{sign}{units:,}.{rest:0{currency.exponent}} {code}"
