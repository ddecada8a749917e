"""What no command shows of a payment, wherever it stands: what pays with the customer's card."""

from dataclasses import replace
from typing import Any

from streams.reconciling.comparing import Difference

WITHHELD = "(withheld)"
SECRET_FIELDS = ("client_secret", "next_action")


def shown(field: str, value: Any) -> Any:
    """`value` of the field (`provider.charge`), or a word in its place."""
    secret = value is not None and any(name in field.split(".") for name in SECRET_FIELDS)
    return WITHHELD if secret else value


def told(found: Difference) -> Difference:
    """As it may be told, on a terminal, to a script or on a topic."""
    return replace(found, values={truth: shown(found.field, value) for truth, value in found.values.items()})
