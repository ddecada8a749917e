"""Stripe's door: a webhook that is Stripe's becomes a command, and 200 is said once that is durable. No decision here."""

import logging
from datetime import UTC, datetime

from models.codes import Code
from models.commands import RecordNotice
from models.errors import Unavailable
from models.ports import OWNER_UNKNOWN, Heard, SignatureInvalid, Unaddressed, Unfamiliar
from web.metrics import DoorMetrics
from web.notice_reading import NoticeReading
from web.ports import Ports
from web.problems import Problem, unavailable

NOTICE_MAX_BYTES = 512 * 1024
"""Stripe's largest events are far smaller."""

log = logging.getLogger("millrace.web")


async def admit_notice(
    ports: Ports,
    reading: NoticeReading,
    metrics: DoorMetrics,
    body: bytes,
    signature: str,
    trace: str | None,
) -> None:
    """Returns when Stripe need not send it again. Raises Problem."""
    try:
        now = datetime.now(UTC)
        heard = await reading.read(body, signature, now)
        fate = await _taken_in(ports, heard, now, trace) if heard else "not_ours"
    except SignatureInvalid:
        metrics.notices.labels("forged").inc()
        log.warning("a webhook was turned away: its signature is not Stripe's, or its time is off")
        raise Problem(Code.SIGNATURE_INVALID, "The signature is not Stripe's, or its time is off.") from None
    except Unavailable:
        metrics.notices.labels("unavailable").inc()
        raise unavailable("The notice cannot be kept now; send it again.") from None
    metrics.notices.labels(fate).inc()


async def _taken_in(ports: Ports, heard: Heard, now: datetime, trace: str | None) -> str:
    """What became of it. It is remembered once it is durable, and not before. Raises Unavailable."""
    name = f"{heard.account or ''}/{heard.notice_id}"  # nobody can take another account's notice's name
    if await ports.known.has(name):
        return "repeated"
    if isinstance(heard, Unfamiliar):
        await ports.kept.keep(heard)
    else:
        command = await _addressed(ports, heard, now) if isinstance(heard, Unaddressed) else heard
        if command is None:
            return "not_ours"
        await ports.commands.append(command, None, trace)
    await ports.known.add(name)
    return "unfamiliar" if isinstance(heard, Unfamiliar) else "kept"


async def _addressed(ports: Ports, heard: Unaddressed, now: datetime) -> RecordNotice | None:
    """Whose it is, the store knows a moment after the payment was made. None: nobody's. Raises Unavailable, and Stripe sends it
    again, for up to three days.
    """
    whose = await ports.reader.owner(heard.intent)
    if whose is not None:
        return heard.to(*whose, now)
    if now - heard.told_at < OWNER_UNKNOWN:
        raise Unavailable("no payment is known under the notice's intent yet")
    return None
