"""Merchants' policies on `payments.policies.v1`: the last record of a merchant is what holds; one without a value, nothing."""

from typing import Annotated

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.money import AMOUNT_MAX_MINOR, CURRENCIES
from models.policy import ABANDON_AFTER_S, DEFAULT, AmountLimits, Policy, Velocity


def _known(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError("no currency that is known here, in small letters")
    return code


_Currency = Annotated[str, AfterValidator(_known)]
_Minor = Annotated[int, Field(ge=0, le=AMOUNT_MAX_MINOR)]
_MethodType = Annotated[str, Field(pattern="^[a-z0-9_]{1,40}$")]


IN_WORDS = {"extra_forbidden": "there is no such member", "json_invalid": "is no JSON"}


class PolicyRefused(Exception):
    """The message names every member that is wrong, and never its value."""


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class AmountsDocument(_Document):
    """In minor units."""

    minimum: _Minor | None = None
    maximum: _Minor | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "AmountsDocument":
        if None not in (self.minimum, self.maximum) and self.minimum > self.maximum:  # type: ignore[operator]
            raise ValueError("the minimum is above the maximum")
        return self


class VelocityDocument(_Document):
    """Of one customer, in any hour; amounts by currency, in minor units."""

    payments_per_hour: Annotated[int, Field(ge=1, le=100_000)] | None = None
    amount_per_hour: dict[_Currency, _Minor] = {}


class PolicyDocument(_Document):
    """What is left out is no limit."""

    currencies: Annotated[list[_Currency], Field(min_length=1)] | None = None
    payment_method_types: Annotated[list[_MethodType], Field(min_length=1, max_length=40)] | None = None
    amounts: dict[_Currency, AmountsDocument] = {}
    velocity: VelocityDocument | None = None
    refund_window_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    abandon_after_s: Annotated[int, Field(ge=1, le=30 * 86_400)] = ABANDON_AFTER_S


def read(value: bytes | None) -> Policy:
    """Raises PolicyRefused for what is no policy."""
    if value is None:
        return DEFAULT
    try:
        said = PolicyDocument.model_validate_json(value)
    except ValidationError as refused:
        faults = (
            f"{'.'.join(map(str, e['loc'])) or 'policy'}: {IN_WORDS.get(e['type'], e['msg'])}"
            for e in refused.errors()
        )
        raise PolicyRefused("; ".join(faults)) from None
    velocity = said.velocity
    return Policy(
        currencies=_listed(said.currencies),
        payment_method_types=_listed(said.payment_method_types),
        amounts={code: AmountLimits(each.minimum, each.maximum) for code, each in said.amounts.items()},
        velocity=Velocity(velocity.payments_per_hour, velocity.amount_per_hour) if velocity else None,
        refund_window_days=said.refund_window_days,
        abandon_after_s=said.abandon_after_s,
    )


def normal(value: bytes) -> bytes:
    """The document with nothing left out that was not meant to be. Raises PolicyRefused."""
    read(value)
    return orjson.dumps(PolicyDocument.model_validate_json(value).model_dump(exclude_none=True))


def _listed(names: list[str] | None) -> tuple[str, ...] | None:
    return tuple(names) if names is not None else None
