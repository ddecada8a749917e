"""Differences as they may be told: what `secrets.py` names stands in none of them."""

from dataclasses import replace
from typing import Any

from streams.operator.secrets import SECRET
from streams.reconciling.comparing import Difference

WITHHELD = "(withheld)"


def shown(field: str, value: Any) -> Any:
    """`value` of the field (`provider.charge`), or a word in its place."""
    secret = value is not None and not SECRET.isdisjoint(field.split("."))
    return WITHHELD if secret else value


def told(found: Difference) -> Difference:
    """As it may be told, on a terminal, to a script or on a topic."""
    return replace(found, values={truth: shown(found.field, value) for truth, value in found.values.items()})
