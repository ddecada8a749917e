"""JSON into the values of `objects`, by their own types. What is not known is left in `raw`, what is missing has its default."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class Unreadable(ValueError):
    """A body that is no JSON object, or not one of the kind that was asked for."""


def json_object(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("not JSON") from None
    if not isinstance(document, dict):
        raise Unreadable("not a JSON object")
    return document


def read(kind: type[T], document: object, **more: Any) -> T:
    """`more`: members that the document does not hold. Raises Unreadable."""
    if not isinstance(document, dict):
        raise Unreadable(f"not a {kind.__name__}")
    hints = _hints(kind)  # type: ignore[arg-type]  # types are hashable
    given = {name: document[name] for name in hints if name in document and name not in ("raw", "http")}
    try:
        values = {name: _value(hints[name], value) for name, value in given.items()}
        if "raw" in hints:
            more["raw"] = document
        return kind(**values, **more)
    except (TypeError, ValueError) as wrong:
        raise Unreadable(f"not a {kind.__name__}: {wrong}") from None


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}


def _value(hint: Any, value: Any) -> Any:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        (hint,) = (each for each in get_args(hint) if each is not NoneType)
        return None if value is None else _value(hint, value)
    if origin is tuple:
        if not isinstance(value, list):
            raise TypeError("a list was to be here")
        return tuple(_value(get_args(hint)[0], each) for each in value)
    if is_dataclass(hint):
        return read(hint, value)  # type: ignore[arg-type]
    if hint is datetime:
        return datetime.fromisoformat(value)
    expected = str if origin is Literal else origin or hint  # a status of a later version is a status too
    if not isinstance(value, expected):
        raise TypeError(f"{type(value).__name__} where {expected.__name__} was to be")
    return value
