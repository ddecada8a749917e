"""Who comes to a full house, and is told so from the bytes that came: no request is made of them. Who is inside is `rooms.py`'s.

Read and refused as others are, a command that has no place costs a twentieth of a payment, and three times as many as can be
carried a fifth of all that is carried.
"""

import re

from web.metrics import DoorMetrics
from web.problems import unavailable
from web.raw import raw
from web.request_ids import new_request_id
from web.rooms import TOO_MANY, Room

TURNED_AWAY = "(turned away)"
"""Stands for the route, which nobody looked for."""

HEAD_END = b"\r\n\r\n"
_COMMAND = re.compile(rb"POST /v1/[!-~]+ HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,6})[ \t]*(?=\r\n|$)")
_ASKS_FOR_MORE = re.compile(rb"[\r\n](?:transfer-encoding|expect|connection|upgrade|origin)[ \t]*:")
"""Than an answer: another way to end the body, or the connection; a browser, whose page may not read what lacks CORS."""

_PROBLEM = unavailable(TOO_MANY)
_NOBODYS = new_request_id()
"""Stands in the prepared answer where each request's own id comes."""


class FullHouse:
    def __init__(self, room: Room, metrics: DoorMetrics) -> None:
        self._room, self._metrics = room, metrics
        self._prepared = raw(_PROBLEM, _NOBODYS, closes=False)

    def answer(self, data: bytes) -> bytes | None:
        """To all that came on a connection which waits for a request; None: it is to be read as always."""
        if not self._room.is_full or not is_one_command(data):
            return None
        self._metrics.answered("POST", TURNED_AWAY, _PROBLEM.status, 0.0)
        self._metrics.problems.labels(TURNED_AWAY, _PROBLEM.code.value).inc()
        return self._prepared.replace(_NOBODYS.encode(), new_request_id().encode())


def is_one_command(data: bytes) -> bool:
    """A POST below /v1 with its body, whole, and nothing after it; False wherever a doubt is left about where it ends."""
    if not _COMMAND.match(data):
        return False
    head, _, body = data.partition(HEAD_END)
    head = head.lower()
    lengths = _LENGTH.findall(head)
    return (
        len(lengths) == 1 == head.count(b"content-length")
        and len(body) == int(lengths[0])
        and not _ASKS_FOR_MORE.search(head)
    )
