"""Who comes to a full house, and is told so from the bytes that came: no request is made of them. Who is inside is `rooms.py`'s.

Read and refused as others are, a command that has no place costs a twentieth of a payment, and three times as many as can be
carried a fifth of all that is carried.
"""

import re

from web.metrics import DoorMetrics
from web.patience import Patience
from web.problems import unavailable
from web.raw import raw
from web.request_ids import new_request_id
from web.rooms import TOO_MANY, Room

TURNED_AWAY = "(turned away)"
"""Stands for the route, which nobody looked for."""

HEAD_END = b"\r\n\r\n"
_COMMAND = re.compile(rb"POST /v1/[!-~]+ HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,6})[ \t]*(?=\r\n|$)")
_ENDS_OTHERWISE = re.compile(rb"[\r\n](?:(?:transfer-encoding|expect|upgrade)[ \t]*:|[ \t])|^connect ")
"""Than its length says; a line that goes on in the next one, which some take for a longer length."""
_ASKS_FOR_MORE = re.compile(rb"[\r\n](?:connection|origin)[ \t]*:")
"""Than an answer: the connection's end; a browser, whose page may not read what lacks CORS."""

_PROBLEM = unavailable(TOO_MANY)
_NOBODYS = new_request_id()
"""Stands in the prepared answer where each request's own id comes."""


class FullHouse:
    def __init__(self, room: Room, metrics: DoorMetrics, patience: Patience) -> None:
        self._room, self._metrics, self._patience = room, metrics, patience
        self._prepared = raw(_PROBLEM, _NOBODYS, closes=False)

    def answer(self, data: bytes) -> bytes | None:
        """To all that came on a connection which waits for a request; None: it is to be read as always."""
        if not self._room.is_full or self._patience.is_ending or not is_one_command(data):
            return None  # of a door that closes, the answer ends the connection, too
        self._metrics.answered("POST", TURNED_AWAY, _PROBLEM.status, 0.0)
        self._metrics.problems.labels(TURNED_AWAY, _PROBLEM.code.value).inc()
        return self._prepared.replace(_NOBODYS.encode(), new_request_id().encode())


def is_one_command(data: bytes) -> bool:
    """A POST below /v1 with its body, whole, and nothing after it; False wherever a doubt is left about where it ends."""
    if not _COMMAND.match(data) or length_of(data) != len(data):
        return False
    return not _ASKS_FOR_MORE.search(data.partition(HEAD_END)[0].lower())


def length_of(data: bytes) -> int | None:
    """Of the request that begins there, with its body; None where a doubt is left, and while its head is not whole."""
    head, end, _ = data.partition(HEAD_END)
    head = head.lower()
    lengths = _LENGTH.findall(head)
    if not end or not len(lengths) == head.count(b"content-length") <= 1 or _ENDS_OTHERWISE.search(head):
        return None
    return len(head) + len(end) + int(lengths[0] if lengths else 0)


class Framing:
    """Of what one connection has sent: whether the next byte begins a request. Once that is in doubt, it remains so: a request
    may have begun behind another one, in the same bytes.
    """

    __slots__ = ("_missing",)

    def __init__(self) -> None:
        self._missing: int | None = 0

    @property
    def is_between(self) -> bool:
        return self._missing == 0

    def take(self, data: bytes) -> None:
        """What the parser is given: nothing at all, when it is to look again at what it has."""
        if not data:
            return
        missing = length_of(data) if self._missing == 0 else self._missing
        self._missing = None if missing is None or missing < len(data) else missing - len(data)
