"""The published JSON Schemas, for holding what really comes out, or goes in, against them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

SCHEMAS = Path(__file__).parents[1] / "web" / "documents" / "schemas"


@cache
def schemas() -> dict[str, dict[str, Any]]:
    """By type."""
    return {path.name.removesuffix(".json"): json.loads(path.read_text()) for path in SCHEMAS.iterdir()}


def violations(type: str, value: bytes | None) -> list[str]:
    """How a record's value differs from the schema of its type. Raises KeyError where it has none."""
    document = json.loads(value or b"null")
    errors = _validator(type).iter_errors(document)
    return [f"{type}: {'/'.join(map(str, error.instance_path))}: {error.message}" for error in errors]


@cache
def _validator(type: str) -> Any:
    return jsonschema_rs.validator_for(schemas()[type], validate_formats=True)
