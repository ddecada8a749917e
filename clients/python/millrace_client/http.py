"""What is sent and what comes back, as values, and what a transport must do. Nothing of payments here, and no I/O."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, TypeVar

T = TypeVar("T")

BODY_MAX_BYTES = 64 * 1024 * 1024
"""Of an answer: a page of a hundred payments, each with all the refunds it may have."""
CHUNK_BYTES = 64 * 1024
CONNECT_MAX_S = 10.0
"""Of a try: where nobody listens, another try is better than more patience."""

TOO_LARGE = f"the answer is larger than {BODY_MAX_BYTES // 2**20} MiB"


@dataclass(frozen=True, slots=True)
class Request:
    """`target`: path and query, encoded. The headers hold the API key, so neither they nor the body are shown."""

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers`: by their names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer, or not the whole of one: whether the request was carried out is not known."""

    why: str
    retryable: bool = True


@dataclass(frozen=True, slots=True)
class Send:
    request: Request
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


Step: TypeAlias = Send | Pause
Told: TypeAlias = Answer | Lost | None

Flow: TypeAlias = Generator[Step, Told, T]
"""What is to be done next, one step after another; it is told an `Answer` or `Lost` for each `Send`, and returns the result.
All that the two clients do is in flows; a client only performs the steps.
"""


class Transport(Protocol):
    def send(self, request: Request, timeout_s: float) -> Answer | Lost: ...

    def close(self) -> None: ...


class AsyncTransport(Protocol):
    async def send(self, request: Request, timeout_s: float) -> Answer | Lost: ...

    async def close(self) -> None: ...
