"""The schema as a document, with what it cannot say itself at its head. `docs/schema.graphql` is printed from it."""

from web.graphql.conversation import SUBSCRIPTIONS_MAX
from web.graphql.limits import (
    ALIASES_MAX,
    COST_MAX,
    COST_OF_COMMAND,
    COST_OF_READ,
    DEPTH_MAX,
    FIELDS_MAX,
    REPEATS_MAX,
    VALUES_MAX,
    VALUES_OF_A_UNIT,
)
from web.graphql.requests import PATH
from web.graphql.schema import SCHEMA
from web.graphql.sockets import SUBPROTOCOL
from web.reading import LIMIT_DEFAULT, LIMIT_MAX

_HEAD = f"""
GraphQL at {PATH}: queries and mutations by POST, queries by GET as well, subscriptions by WebSocket ({SUBPROTOCOL}).

The API key is in the header Authorization, as in REST; on a WebSocket it may be in connection_init instead:
{{"authorization": "Bearer mr_test_..."}}. Without one no query is read, nor is this schema shown.

An error's `extensions` hold what a problem of REST does: `code` (the same list, openapi.json has it), `retryable`, `param`,
`errors` (each field by its name in REST, and what is wrong with it), `request_id`; `rule`, `retry_after`, `replayed` where
there is one. A payment that is declined is no error.

A page is of {LIMIT_DEFAULT} unless `first` or `last` says otherwise, of {LIMIT_MAX} at most; `last` goes with `before`.
Cursors are opaque.

A query is at most {DEPTH_MAX} selection sets deep, has at most {ALIASES_MAX} aliases and {FIELDS_MAX} fields,
and costs at most {COST_MAX}: each object 1, a field of Query or Subscription {COST_OF_READ} more, so does each `events`,
a field of Mutation {COST_OF_COMMAND} more, and what a page shows as many times as the page is long. A fragment counts
wherever it is spread. It shows at most {VALUES_MAX} values, counted likewise, and names a field again at most {REPEATS_MAX}
times. Of the rate limit it takes a unit, and one for each {VALUES_OF_A_UNIT} values, beside what its fields take in REST.
A WebSocket holds {SUBSCRIPTIONS_MAX} subscriptions.
"""


def written() -> str:
    head = "".join(f"# {line}".rstrip() + "\n" for line in _HEAD.strip().splitlines())
    return f"{head}\n{SCHEMA.as_str()}\n"
