"""Writes the generated documents, or with `--check` says which of them are not what the code would write.

    openapi.json    the door        from web's routes, bodies and examples
    asyncapi.json   the topics      from the catalogue and the wire formats
    schemas/        their values    from the same, a JSON Schema for each type
    schema.graphql  GraphQL         from web's types, queries, mutations and its subscription
    transitions.md  the statuses    from the TRANSITIONS tables
    matrix.md       the commands    from the rules, state by state

The tables and types in the code are the source; nothing here knows more than they do.
"""

import argparse
import json
import sys
from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matrix

from models import dispute, payment, refund, shapes
from streams import asyncapi
from web import openapi
from web.bodies import BODIES
from web.graphql import sdl

DOCS = Path(__file__).resolve().parent
SERVED = DOCS.parent / "web" / "documents"
"""What the door serves is installed with it."""
SCHEMAS = SERVED / "schemas"


@cache
def _components() -> dict[str, Any]:
    schemas: dict[str, Any] = openapi.document()["components"]["schemas"]
    commands = {name: BODIES[name].model_json_schema() for name in shapes.TYPES}
    return asyncapi.components(commands, _inlined(schemas["Payment"], schemas))


def _asyncapi() -> str:
    return _json(asyncapi.document(_components(), version("millrace")))


def _schemas() -> dict[Path, Callable[[], str]]:
    return {
        SCHEMAS / f"{name}.json": partial(_json, schema)
        for name, schema in asyncapi.schemas(_components()).items()
    }


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _inlined(part: Any, schemas: dict[str, Any]) -> Any:
    """A schema that stands alone: what it refers to put in its place."""
    if isinstance(part, list):
        return [_inlined(each, schemas) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(schemas[part["$ref"].rsplit("/", 1)[1]], schemas)
    return {name: _inlined(value, schemas) for name, value in part.items()}


def _transitions() -> str:
    charts = (
        ("A payment", payment.TRANSITIONS),
        ("A refund", refund.TRANSITIONS),
        ("A dispute", dispute.TRANSITIONS),
    )
    sections = [
        f"## {title}\n\n```mermaid\nstateDiagram-v2\n{_chart(table)}\n```\n" for title, table in charts
    ]
    head = "# What may follow what\n\nPrinted from the tables in `models/`: what is not here does not happen.\n\n"
    return head + "\n".join(sections)


def _chart(table: Any) -> str:
    return "\n".join(f"    {was or '[*]'} --> {after}: {move}" for (was, move), after in table.items())


DOCUMENTS: dict[Path, Callable[[], str]] = {
    SERVED / "openapi.json": openapi.written,
    SERVED / "asyncapi.json": _asyncapi,
    DOCS / "schema.graphql": sdl.written,
    DOCS / "transitions.md": _transitions,
    DOCS / "matrix.md": matrix.written,
    **_schemas(),
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the generated documents.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if one has drifted")
    checking = parser.parse_args().check
    drifted = [path.name for path in SCHEMAS.glob("*") if path not in DOCUMENTS]
    for path, write in DOCUMENTS.items():
        made = write()
        if checking and (not path.exists() or path.read_text() != made):
            drifted.append(path.name)
        elif not checking:
            path.parent.mkdir(exist_ok=True)
            path.write_text(made)
    if drifted:
        print(f"docs: {', '.join(drifted)} drifted from the code: run `make docs`", file=sys.stderr)
    return 1 if drifted else 0


if __name__ == "__main__":
    sys.exit(main())
