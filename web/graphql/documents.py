"""A query's text becomes a checked document, and is remembered: most clients send few queries many times."""

from collections import OrderedDict
from typing import NamedTuple

from graphql import (
    DocumentNode,
    GraphQLError,
    OperationType,
    get_operation_ast,
    get_variable_values,
    parse,
    specified_rules,
    validate,
)

from models.codes import Code
from models.commands import FieldError
from web.graphql import inputs, limits
from web.graphql.errors import Fault, Refused, refusal
from web.graphql.limits import Variables
from web.graphql.schema import CORE
from web.problems import Problem, invalid

QUERY_MAX_CHARS = 32 * 1024
"""What is long goes in by variables. A query with the longest values there may be, written into it, has some 30 kB."""

TOKENS_MAX = 1000
"""Introspection, as tools send it, has 200; all there is about a payment, some 300."""

ERRORS_MAX = 10
"""That are looked for in one query."""

REMEMBERED_MAX_CHARS = 64 * 1024
"""Of all texts together. A parsed query takes up to 200 bytes for each of its characters: 13 MB."""


class Read(NamedTuple):
    """A document, what kind of operation is asked for in it, and how many units of the rate limit its answer takes."""

    document: DocumentNode
    kind: OperationType
    units: int


class Documents:
    def __init__(self) -> None:
        self._remembered: OrderedDict[str, DocumentNode] = OrderedDict()
        self._chars = 0

    def read(self, text: str, operation: str | None, variables: Variables) -> Read:
        """Raises Refused."""
        try:
            return self._read(text, operation, variables)
        except Problem as problem:
            raise Refused([Fault(problem)]) from None

    def _read(self, text: str, operation: str | None, variables: Variables) -> Read:
        document = self._remembered.get(text)
        if document is None:
            document = self._checked(text, operation, variables)
        self._remembered.move_to_end(text)
        wanted = get_operation_ast(document, operation)
        if wanted is None:
            detail = "operationName must name one of the query's operations, where there are several."
            raise Problem(Code.MALFORMED_REQUEST, detail)
        measured = limits.check(document, wanted, variables)
        values = get_variable_values(CORE, wanted.variable_definitions or (), dict(variables), ERRORS_MAX)
        if isinstance(values, list):
            raise refusal(values, inputs.faults(wanted, variables))
        return Read(document, wanted.operation, measured.units)

    def _checked(self, text: str, operation: str | None, variables: Variables) -> DocumentNode:
        document = _parsed(text)
        for each in document.definitions:
            if isinstance(each, limits.Definition):
                limits.check(document, each, None)  # before GraphQL's own rules take their time over it
        if errors := validate(CORE, document, specified_rules, max_errors=ERRORS_MAX):
            wanted = get_operation_ast(document, operation)
            raise refusal(errors, inputs.faults(wanted, variables) if wanted else ())
        self._remember(text, document)
        return document

    def _remember(self, text: str, document: DocumentNode) -> None:
        self._remembered[text] = document
        self._chars += len(text)
        while self._chars > REMEMBERED_MAX_CHARS:
            oldest, _ = self._remembered.popitem(last=False)
            self._chars -= len(oldest)


def _parsed(text: str) -> DocumentNode:
    if len(text) > QUERY_MAX_CHARS:
        raise invalid([FieldError("query", f"must be at most {QUERY_MAX_CHARS} characters")])
    try:
        return parse(text, max_tokens=TOKENS_MAX)
    except GraphQLError as wrong:
        if "tokens" in wrong.message and len(text) > TOKENS_MAX:
            raise invalid([FieldError("query", f"must be at most {TOKENS_MAX} tokens")]) from None
        raise refusal([wrong]) from None
