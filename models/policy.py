"""What a merchant's payments must keep to besides what holds for all: the numbers that the rules look up. No rule lives here."""

from dataclasses import dataclass, field

ABANDON_AFTER_S = 24 * 3600
"""A customer who has not acted for this long has left."""

VELOCITY_WINDOW_S = 3600


@dataclass(frozen=True, slots=True)
class AmountLimits:
    """In minor units; None: only what the provider itself demands."""

    minimum_minor: int | None = None
    maximum_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Velocity:
    """What one customer may pay within an hour, any hour: so many payments, and so much of each currency (minor units)."""

    payments_max: int | None = None
    amounts_max_minor: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policy:
    """One merchant's. None, or an empty mapping: no limit."""

    currencies: tuple[str, ...] | None = None
    payment_method_types: tuple[str, ...] | None = None  # in the provider's words: card, sepa_debit …
    amounts: dict[str, AmountLimits] = field(default_factory=dict)  # by currency
    velocity: Velocity | None = None
    refund_window_days: int | None = None
    abandon_after_s: int = ABANDON_AFTER_S
    account: str | None = (
        None  # of the provider's, in which new payments are made; None: the one that is everybody's
    )


DEFAULT = Policy()
"""Of a merchant for whom nothing else was said."""
