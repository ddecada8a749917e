"""What a request to GraphQL says, over HTTP or a socket: which query, with which variables. Nothing is carried out here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.codes import Code
from models.commands import FieldError
from web.problems import Problem, invalid, sayable

PATH = "/graphql"
_MEMBERS = {"query": str, "operationName": str, "variables": dict, "extensions": dict}


@dataclass(frozen=True, slots=True)
class Wanted:
    query: str
    operation: str | None = None
    variables: dict[str, Any] = field(default_factory=dict)


def wanted(given: Mapping[str, Any]) -> Wanted:
    """Source: GraphQL over HTTP, section 5.1, "Request Parameters". Raises Problem."""
    errors = [
        FieldError(sayable(name), "is not a member of this request") for name in given if name not in _MEMBERS
    ]
    for name, kind in _MEMBERS.items():
        if given.get(name) is not None and not isinstance(given[name], kind):
            errors.append(FieldError(name, "must be a string" if kind is str else "must be an object"))
    if errors:
        raise invalid(errors)
    if not given.get("query"):
        raise Problem(Code.MALFORMED_REQUEST, "There is no query in this request.")
    return Wanted(given["query"], given.get("operationName") or None, given.get("variables") or {})
