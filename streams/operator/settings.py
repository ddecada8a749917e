"""`millrace settings`: every variable with its type, default and meaning."""

from streams.operator.printing import show
from streams.settings import Settings


def list_all(as_json: bool) -> None:
    rows = [
        {
            "setting": f"MILLRACE_{name.upper()}",
            "type": _type(field.annotation),
            "default": _as_text(field.default) if as_json else field.default,
            "meaning": field.description,
        }
        for name, field in Settings.model_fields.items()
    ]
    show(rows, as_json)


def _as_text(default: object) -> str:
    return "" if default is None else str(default)


def _type(annotation: object) -> str:
    name = getattr(annotation, "__name__", "") if isinstance(annotation, type) else str(annotation)
    secret = "SecretStr" in name
    plain = (
        name.replace("pydantic.types.SecretStr", "str")
        .replace(" | None", "")
        .replace("tuple[str, ...]", "list")
    )
    return f"{plain} (secret)" if secret else plain
