"""Stripe's door: a webhook that is Stripe's becomes a command, and 200 is said once that is durable. No decision here."""

import logging
from datetime import UTC, datetime

from models.codes import Code
from models.commands import RecordNotice
from models.errors import Unavailable
from models.ports import SignatureInvalid, Unaddressed
from web.metrics import DoorMetrics
from web.ports import Ports
from web.problems import Problem, unavailable

NOTICE_MAX_BYTES = 512 * 1024
"""Stripe's largest events are far smaller."""

OWNER_UNKNOWN_S = 24 * 3600
"""A notice about an intent that nobody knows is asked for again until it is this old: the store may be behind. Later it is
another system's on the same account. Source: Stripe, webhooks: sent again for up to three days."""

log = logging.getLogger("millrace.web")


async def admit_notice(
    ports: Ports, metrics: DoorMetrics, body: bytes, signature: str, trace: str | None
) -> None:
    """Returns when Stripe need not send it again. Raises Problem."""
    try:
        now = datetime.now(UTC)
        heard = ports.notices.read(body, signature, now)
        command = await _addressed(ports, heard, now) if isinstance(heard, Unaddressed) else heard
        if command is None:
            metrics.notices.labels("not_ours").inc()
            return
        await ports.commands.append(command, None, trace)
    except SignatureInvalid:
        metrics.notices.labels("forged").inc()
        log.warning("a webhook was turned away: its signature is not Stripe's, or its time is off")
        raise Problem(Code.SIGNATURE_INVALID, "The signature is not Stripe's, or its time is off.") from None
    except Unavailable:
        metrics.notices.labels("unavailable").inc()
        raise unavailable("The notice cannot be kept now; send it again.") from None
    metrics.notices.labels("kept").inc()


async def _addressed(ports: Ports, heard: Unaddressed, now: datetime) -> RecordNotice | None:
    """Whose it is, the store knows a moment after the payment was made. None: nobody's. Raises Unavailable."""
    whose = await ports.reader.owner(heard.intent)
    if whose is not None:
        return heard.to(*whose, now)
    if (now - heard.told_at).total_seconds() < OWNER_UNKNOWN_S:
        raise Unavailable("no payment is known under the notice's intent yet")
    return None
