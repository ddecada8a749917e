"""A client for threads, for tests that await: each of its calls runs in a thread of its own. Nothing else is changed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from millrace_client import Millrace


class InThreads:
    payments: Any
    refunds: Any
    events: Any

    def __init__(self, client: Millrace) -> None:
        for name in ("payments", "refunds", "events"):
            setattr(self, name, _Part(getattr(client, name)))


class _Part:
    def __init__(self, part: Any) -> None:
        self._part = part

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._part, name)

        def called(*args: Any, **kwargs: Any) -> Any:
            if name == "list":
                return _in_thread(method(*args, **kwargs))
            return asyncio.to_thread(method, *args, **kwargs)

        return called


async def _in_thread(found: Iterator[Any]) -> AsyncIterator[Any]:
    while (each := await asyncio.to_thread(next, found, None)) is not None:
        yield each
