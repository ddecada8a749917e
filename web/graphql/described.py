"""Strawberry types that take their words from the pydantic models of REST, so that each thing is described once."""

from collections.abc import Callable
from enum import Enum, StrEnum
from typing import Any, TypeVar, cast

import strawberry
from pydantic import BaseModel

_T = TypeVar("_T")


def shown(model: type[BaseModel]) -> Callable[[type[_T]], type[_T]]:
    """An object type over a view: a field that has no words of its own has the model's."""

    def made(cls: type[_T]) -> type[_T]:
        for name in _plain(cls):
            setattr(cls, name, strawberry.field(description=_words_for(model, name)))
        return strawberry.type(cls, description=cls.__doc__ or model.__doc__)

    return made


def taken(model: type[BaseModel]) -> Callable[[type[_T]], type[_T]]:
    """An input type that becomes a body. What a body need not have need not be given."""

    def made(cls: type[_T]) -> type[_T]:
        for name in _plain(cls):
            member = model.model_fields.get(name)
            is_required = member is not None and member.is_required()
            default = {} if is_required else {"default": strawberry.UNSET}
            setattr(cls, name, strawberry.field(description=_words_for(model, name), **default))
        return strawberry.input(cls, description=cls.__doc__ or model.__doc__)

    return made


def one_of(name: str, values: type[StrEnum] | tuple[str, ...]) -> Any:
    """An enum whose values are the very words of every other door: `captured`, not `CAPTURED`."""
    members = [(str(value), str(value)) for value in values]
    return strawberry.enum(cast(Any, Enum(name, members)))


def _plain(cls: type) -> list[str]:
    return [name for name in cls.__annotations__ if name not in vars(cls)]


def _words_for(model: type[BaseModel], name: str) -> str | None:
    member = model.model_fields.get(name)
    return member.description if member is not None else None
