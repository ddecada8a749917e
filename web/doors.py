"""What every door opens on: the same operations, over the same callers. No protocol here."""

from dataclasses import dataclass

from web.analytics import Analytics
from web.callers import Callers
from web.merchant_webhooks import MerchantWebhooks
from web.metrics import DoorMetrics
from web.patience import Patience
from web.payments import OPEN_OF_ONE_MAX, Payments
from web.ports import Ports
from web.rate_limits import Allowance, RateLimiting
from web.reading import Reading
from web.watching import Watching


@dataclass(frozen=True, slots=True)
class Operations:
    """`patience`: everybody's who waits, so that all of them can be let go."""

    payments: Payments
    reading: Reading
    analytics: Analytics
    webhooks: MerchantWebhooks
    watching: Watching
    patience: Patience
    callers: Callers


def operations(
    ports: Ports,
    metrics: DoorMetrics,
    allowance: Allowance | None = None,
    open_of_one_max: int = OPEN_OF_ONE_MAX,
) -> Operations:
    limiting = RateLimiting(ports.limiter, allowance or Allowance(), metrics.rate_limited)
    callers, patience = Callers(ports.keys, ports.livemode, limiting, ports.tokens), Patience()
    return Operations(
        Payments(ports, callers, patience, metrics, open_of_one_max),
        Reading(ports.reader, callers),
        Analytics(ports.analytics, callers),
        MerchantWebhooks(ports.webhooks, ports.url_refused, callers),
        Watching(ports.reader, ports.signals, callers),
        patience,
        callers,
    )
