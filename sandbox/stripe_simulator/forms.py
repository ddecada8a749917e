"""Form bodies and query strings as Stripe reads them: `metadata[payment_id]=…`, `expand[]=…`, `a[0][b]=…`.

Only syntax: what a parameter means is `parameters`' business.
"""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qsl

from .errors import invalid
from .records import JSON

PARAMETERS_MAX = 1_000  # names in one request; far above anything that Stripe's objects can hold
NESTING_MAX = 8  # levels of brackets

Pairs = list[tuple[str, str]]


def read_pairs(text: str) -> Pairs:
    """The names and values in the order in which they came."""
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=PARAMETERS_MAX, errors="strict")
    except ValueError:
        raise invalid("Invalid request: the body is not application/x-www-form-urlencoded UTF-8.") from None


def fingerprint(pairs: Pairs) -> int:
    """The same for the same parameters in any order."""
    text = "\n".join(f"{name}\t{value}" for name, value in sorted(pairs))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def nest(pairs: Pairs) -> JSON:
    """Brackets as nested dicts and lists."""
    tree: JSON = {}
    for name, value in pairs:
        if "[" not in name:
            tree[name] = value
        else:
            _insert(tree, _path(name), value)
    return tree


def _path(name: str) -> list[str]:
    head, _, rest = name.partition("[")
    if not head or not rest.endswith("]"):
        raise invalid(f"Invalid parameter name: {name[:80]}", name[:80])
    path = [head, *rest[:-1].split("][")]
    if len(path) > NESTING_MAX:
        raise invalid(f"Parameter nested too deeply: {name[:80]}", name[:80])
    return path


def _insert(tree: JSON, path: list[str], value: str) -> None:
    """Lists (`a[]`, `a[0]`) are kept as dicts of their indexes until `as_list` reads them."""
    node = tree
    for part in path[:-1]:
        below = node.setdefault(part, {})
        if not isinstance(below, dict):
            raise invalid(f"Invalid hash for parameter {path[0]}", path[0])
        node = below
    last = path[-1] if path[-1] else str(len(node))
    node[last] = value


def as_list(value: object) -> list[str] | None:
    """The items of a list parameter, or None if it is not one."""
    if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
        return [str(item) for item in value.values()]
    return None
