"""What no operator's output holds: what lets somebody pay, or act as the customer. Free text is `streams.logs.blotted`'s."""

from typing import Any

SECRET = frozenset({"client_secret", "next_action"})
"""The second may hold the first, in an address."""


def without_secrets(value: Any) -> Any:
    """A JSON value without such members, however deep they lie."""
    if isinstance(value, dict):
        return {name: without_secrets(each) for name, each in value.items() if name not in SECRET}
    return [without_secrets(each) for each in value] if isinstance(value, list) else value
