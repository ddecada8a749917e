"""Problems in GraphQL's words: the one place where an exception becomes an error, with the codes of every door.

What graphql-core says of a query quotes it, and may so quote a card number or a secret. Names are let through where they are
fit to be said; values never.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphql import ArgumentNode, GraphQLError, GraphQLSyntaxError, ObjectFieldNode, ValueNode, VariableNode

from models.card_numbers import without_card_numbers
from models.codes import Code
from models.commands import FieldError
from web.graphql.requests import PATH
from web.metrics import DoorMetrics
from web.problems import Problem, invalid, problem_of, sayable
from web.request_ids import REQUEST_ID

_OF_HTTP = ("type", "title", "status", "detail", "instance")
_QUERY = "query"
_QUOTED = re.compile(r"'[^']*'")
_VALUE_FOLLOWS = re.compile(r"(?:, found| Found| value): ")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_REQUIRED = re.compile(r"Expected value of type '\w+!?' to include required field '(\w+)'", re.ASCII)
_UNKNOWN = re.compile(r"Expected value of type '\w+!?' not to include unknown field '(\w+)'", re.ASCII)
_VARIABLE = re.compile(
    r"Variable '\$(\w+)' has invalid (?:default )?value(?: at ((?:\.\w+|\[\d+\])+))?: ", re.ASCII
)
_NOT_GIVEN = "Expected a value of non-null type"
"""How graphql-core 3.3 begins its messages about values. Of another one the reader learns less, and nothing that was sent."""

log = logging.getLogger("millrace.web")


@dataclass(frozen=True, slots=True)
class Fault:
    """`path`: of the field in the answer; None: nothing was carried out at all."""

    problem: Problem
    locations: Sequence[Any] = ()
    path: Sequence[str | int] | None = None

    def document(self, request_id: str) -> dict[str, Any]:
        """Source: GraphQL, section 7.1.2, "Errors". What a problem of REST says besides is in `extensions`."""
        said: dict[str, Any] = {"message": self.problem.detail}
        if self.locations:
            said["locations"] = [{"line": at.line, "column": at.column} for at in self.locations]
        if self.path is not None:
            said["path"] = list(self.path)
        told = self.problem.document(request_id)
        extensions = {name: value for name, value in told.items() if name not in _OF_HTTP}
        if (retry_after := self.problem.headers.get("Retry-After")) is not None:
            extensions["retry_after"] = int(retry_after)
        if self.problem.replayed:
            extensions["replayed"] = True
        return said | {"extensions": extensions}


def told(faults: Sequence[Fault], metrics: DoorMetrics) -> list[dict[str, Any]]:
    """As they are sent, and counted."""
    for fault in faults:
        metrics.problems.labels(PATH, fault.problem.code.value).inc()
    return [fault.document(REQUEST_ID.get() or "") for fault in faults]


class Refused(Exception):
    """Nothing was carried out: the query is at fault."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("the query was refused")
        self.faults = faults


def refusal(errors: Sequence[GraphQLError], of_inputs: Sequence[FieldError] = ()) -> Refused:
    """Of what graphql-core has against a query. All that is wrong with values is one fault, as it is at every door.

    `of_inputs`: what the rules of every door have against the same values, in their words.
    """
    others = [fault_of(error) for error in errors if not _is_about_a_value(error)]
    values = [error for error in errors if _is_about_a_value(error)]
    if not values:
        return Refused(others)
    found = {error.field.partition(".")[0] for error in of_inputs}
    more = {told.field: told for told in map(_value_error, values) if told.field not in found}
    if len(of_inputs) + len(more) > 1:
        more.pop(_QUERY, None)  # says less than the others
    where = [at for error in values for at in error.locations or ()]
    return Refused([Fault(invalid([*of_inputs, *more.values()]), where[:1]), *others])


def fault_of(error: GraphQLError) -> Fault:
    """Of one error, of the query's or of a field that was carried out."""
    where = error.locations or ()
    if _is_the_clients(error):
        return Fault(_said_of_the_query(error), where, error.path)
    return fault_from(error.original_error or error, where, error.path)


def fault_from(
    cause: Exception, locations: Sequence[Any] = (), path: Sequence[str | int] | None = None
) -> Fault:
    problem = problem_of(cause)
    if problem.code is Code.INTERNAL_ERROR:
        log.error("a query failed for a reason of ours", exc_info=cause)
    elif problem.code is Code.UNAVAILABLE:
        log.warning("a query could not be served: %s", problem.detail)
    return Fault(problem, locations, path)


def _is_the_clients(error: GraphQLError) -> bool:
    """Whether graphql-core found it, in the query or its variables: a value may also be found wrong once it is used."""
    if not isinstance(error.original_error, GraphQLError | None):
        return False
    return error.path is None or isinstance(_node(error), ValueNode | ArgumentNode)


def _said_of_the_query(error: GraphQLError) -> Problem:
    if isinstance(error, GraphQLSyntaxError):
        return Problem(Code.MALFORMED_REQUEST, "The query is not well-formed GraphQL.")
    if _is_about_a_value(error):
        return invalid([_value_error(error)])
    about_names = _VALUE_FOLLOWS.split(error.message, maxsplit=1)[
        0
    ]  # there should be no value; were there one
    message = _QUOTED.sub(lambda quoted: _NAME.sub(lambda name: sayable(name[0]), quoted[0]), about_names)
    message = without_card_numbers(message)
    return Problem(Code.VALIDATION_FAILED, message, errors=[FieldError(_QUERY, message)])


def _is_about_a_value(error: GraphQLError) -> bool:
    """Its message may then quote the value."""
    node = _node(error)
    is_literal = isinstance(node, ValueNode | ObjectFieldNode) and not isinstance(node, VariableNode)
    return is_literal or _VARIABLE.match(error.message) is not None


def _value_error(error: GraphQLError) -> FieldError:
    """`field`: named as REST names it, where the message tells."""
    variable = _VARIABLE.match(error.message)
    rest = error.message[variable.end() :] if variable else error.message
    if found := _REQUIRED.match(rest):
        return FieldError(_snake(found[1]), "is required")
    if variable and rest.startswith(_NOT_GIVEN):
        return FieldError(sayable(variable[1]), "is required")
    if found := _UNKNOWN.match(rest):
        return FieldError(sayable(found[1]), "is not a member of this request")
    if variable is None:
        return FieldError(_QUERY, "holds a value that is not of its type")
    members = _NAME.findall(variable[2] or "")
    return FieldError(_snake(members[-1]) if members else sayable(variable[1]), "is not valid")


def _snake(member: str) -> str:
    """A member of the schema's, as REST names it."""
    return sayable(re.sub(r"(?<!^)(?=[A-Z])", "_", member).lower())


def _node(error: GraphQLError) -> Any:
    return error.nodes[0] if error.nodes else None
