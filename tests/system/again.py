"""Old commands, asked for once more: who has come over a fault knows still what was done long before it."""

import asyncio
from random import Random

from tests.system.history import FAIL, History, Operation
from tests.system.http_client import PAUSE_S, HttpClient

EACH = 5  # creates, and others
ANSWERED_WITHIN_S = 60.0


async def asked_again(http: HttpClient, history: History, draw: Random) -> list[Operation]:
    """With the same keys and bodies, until there is an answer. That it is the same answer is the verdict's to say, of all that
    the history holds (`answers.the_same_is_told_again`), as is that nothing happened for it. Raises TimeoutError.
    """
    old = {
        (each.identity, str(each.body)): each
        for each in history.operations
        if each.through == "http" and each.merchant == http.merchant["id"]
        if each.settled_at is not None or each.outcome == FAIL
    }
    creates = [each for each in old.values() if each.type == "create"]
    others = [each for each in old.values() if each.type != "create"]
    some = [each for kind in (creates, others) for each in draw.sample(kind, min(EACH, len(kind)))]
    async with asyncio.timeout(ANSWERED_WITHIN_S):
        return await asyncio.gather(*(_answered_again(http, each) for each in some))


async def _answered_again(http: HttpClient, old: Operation) -> Operation:
    again = await http.again(old)
    while again.status == 202:
        await asyncio.sleep(PAUSE_S)
        again = await http.again(old)
    return again
