"""GraphQL's own scalars here: each passes what is given on as it is. What is wrong with it, the rules of every door say.

So one fault has the same words and the same code, whichever door it came through.
"""

from typing import Any, NewType

import strawberry

MinorUnits = NewType("MinorUnits", int)
Metadata = NewType("Metadata", dict[str, str])
Json = NewType("Json", dict[str, Any])
Time = NewType("Time", str)

SCALARS: dict[object, Any] = {
    MinorUnits: strawberry.scalar(
        name="MinorUnits",
        description="An integer number of a currency's minor units, such as cents. GraphQL's Int ends at 2147483647; "
        "amounts do not.",
    ),
    Metadata: strawberry.scalar(
        name="Metadata",
        description='Names and values, both strings, as a JSON object: `{"order": "6735"}`. Names that GraphQL cannot write '
        "go in by a variable.",
    ),
    Json: strawberry.scalar(name="JSON", description="Any JSON value."),
    Time: strawberry.scalar(
        name="DateTime",
        description="RFC 3339 with its offset, such as `2026-01-31T12:00:00.000Z`.",
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
    ),
}
