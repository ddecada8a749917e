"""Typed reading of one request's parameters, with the errors that Stripe gives for bad ones.

Everything here fails before an endpoint starts to execute, so its errors are never stored under an idempotency key.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from .errors import StripeError, invalid, missing
from .forms import as_list
from .records import JSON

METADATA_KEYS_MAX = 50  # Source: docs.stripe.com/metadata
METADATA_NAME_MAX = 40  # characters
METADATA_VALUE_MAX = 500  # characters
TEXT_MAX = 5_000  # characters in any other text
EXPANSIONS_MAX = 20
INTEGER = re.compile(r"^-?\d{1,18}$")
EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
NOT_SIMULATED = frozenset(
    """amount_details amount_to_confirm application_fee_amount confirmation_token customer_account
    excluded_payment_method_types hooks mandate mandate_data on_behalf_of payment_details
    payment_method_configuration payment_method_data radar_options shipping transfer_data use_stripe_sdk
    origin address balance business_name cash_balance coupon individual_name invoice_prefix next_invoice_sequence
    preferred_locales source tax tax_exempt tax_id_data test_clock""".split()
)
FLAGS = {"true": True, "false": False, "1": True, "0": False}


class Parameters:
    """One request's parameters; names nobody asked for are refused by `close`."""

    def __init__(self, tree: JSON) -> None:
        self.tree = tree
        self.asked: set[str] = {"expand"}

    def take(self, name: str) -> object:
        self.asked.add(name)
        return self.tree.get(name)

    def close(self) -> None:
        for name in self.tree:
            if name in NOT_SIMULATED and name not in self.asked:
                raise invalid(f"`{name}` is Stripe's, but this simulator does not simulate it.", name)
            if name not in self.asked:
                raise invalid(f"Received unknown parameter: {name[:80]}", name[:80], "parameter_unknown")

    def text(self, name: str, max_chars: int = TEXT_MAX) -> str | None:
        value = self.take(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise invalid(f"Invalid string: {name}", name)
        if len(value) > max_chars:
            raise invalid(
                f"Invalid string: must be at most {max_chars} characters",
                name,
                "parameter_invalid_string_long",
            )
        return value

    def required(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise missing(name)
        return value

    def integer(self, name: str) -> int | None:
        value = self.take(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str) or not INTEGER.match(value):
            raise invalid(
                f"Invalid integer: {value if isinstance(value, str) else name}",
                name,
                "parameter_invalid_integer",
            )
        return int(value)

    def positive(self, name: str) -> int | None:
        value = self.integer(name)
        if value is not None and value < 1:
            raise invalid("This value must be greater than or equal to 1.", name, "parameter_invalid_integer")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.take(name)
        if value is None or value == "":
            return default
        if not isinstance(value, str) or value not in FLAGS:
            raise invalid(f"Invalid boolean: {value}", name)
        return FLAGS[value]

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        value = self.text(name)
        if value is not None and value not in choices:
            raise invalid(f"Invalid {name}: must be one of {', '.join(choices)}", name)
        return value

    def email(self, name: str) -> str | None:
        value = self.text(name, 512)
        if value is not None and not EMAIL.match(value):
            raise invalid(f"Invalid email address: {value}", name, "email_invalid")
        return value

    def texts(self, name: str) -> list[str] | None:
        value = self.take(name)
        if value is None or value == "":
            return None
        items = as_list(value)
        if items is None:
            raise invalid(f"Invalid array: {name}", name)
        return items

    def nested(self, name: str) -> Parameters | None:
        value = self.take(name)
        if value is None or value == "":
            return None
        if not isinstance(value, dict):
            raise invalid(f"Invalid object: {name}", name)
        return Parameters(value)

    def metadata(self, name: str = "metadata") -> dict[str, str] | None:
        """None if not given; an empty value deletes a name (Source: docs.stripe.com/api/metadata)."""
        value = self.take(name)
        if value is None:
            return None
        if value == "":
            return {}
        if not isinstance(value, dict):
            raise invalid("Invalid metadata: must be a set of key-value pairs", name)
        for key, text in value.items():
            _check_pair(str(key), text)
        if len(value) > METADATA_KEYS_MAX:
            raise invalid(f"You can only have {METADATA_KEYS_MAX} metadata keys.", name)
        return value

    def expansions(self) -> list[str]:
        items = self.texts("expand") or []
        if len(items) > EXPANSIONS_MAX:
            raise invalid("You cannot expand more than 20 properties at once.", "expand")
        return items


def merged(before: Mapping[str, str], given: dict[str, str] | None) -> dict[str, str]:
    """Metadata after an update: an empty set clears, names are merged, an empty value deletes its name."""
    if given is None:
        return {**before}
    return {name: value for name, value in {**before, **given}.items() if value != ""} if given else {}


def _check_pair(key: str, value: object) -> None:
    if len(key) > METADATA_NAME_MAX:
        raise _long(f"metadata[{key[:METADATA_NAME_MAX]}]", "Metadata keys", METADATA_NAME_MAX)
    if not isinstance(value, str):
        raise invalid("Metadata values must be strings", f"metadata[{key}]")
    if len(value) > METADATA_VALUE_MAX:
        raise _long(f"metadata[{key}]", "Metadata values", METADATA_VALUE_MAX)


def _long(param: str, what: str, limit: int) -> StripeError:
    return invalid(f"{what} can have up to {limit} characters", param)
