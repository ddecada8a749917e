"""Every Stripe account that the settings name: its line, its provider, its events; and each call to the account it belongs to."""

import asyncio
import logging
from collections.abc import Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from models.provider import Deferred, Outcome, PspCall
from streams.accounts import Account, Accounts
from streams.adapters.stripe_events import StripeEvents
from streams.adapters.stripe_line import StripeLine
from streams.adapters.stripe_provider import StripeProvider
from streams.adapters.stripe_transport import StripeTransport
from streams.adapters.stripe_watching import Watch
from streams.budget import Budget
from streams.budget.shares import Shares
from streams.budget.tokens import UNKNOWN, SharedTokens, Tokens
from streams.settings import Settings
from streams.tracing import UNTRACED, Tracing

log = logging.getLogger("millrace.stripe")


class StripeAccounts:
    """Fulfils PaymentProvider, for all accounts."""

    def __init__(
        self, settings: Settings, accounts: Accounts, shared: SharedTokens, tracing: Tracing = UNTRACED
    ) -> None:
        """Raises SettingsRefused for an account that cannot be used: better now than when it is paid with."""
        known, keys = accounts.all(), accounts.api_keys()
        self._watch = Watch(tracing)
        shares = Shares(settings.gateway_calls_max, len(known))
        self._lines = {
            each.name: _line(each, keys[each.name], settings, shared, shares, self._watch) for each in known
        }
        self._providers = {
            each.name: StripeProvider(
                self._lines[each.name], slot_s=settings.psp_slot_s, multicapture=each.multicapture
            )
            for each in known
        }

    async def perform(self, call: PspCall) -> Outcome:
        provider = self._providers.get(call.account)
        if provider is None:
            log.critical("%s: no setting names its account %s; nothing is sent", call.key, call.account)
            return Deferred("no setting names its Stripe account")
        return await provider.perform(call)

    def feeds(self) -> Sequence[tuple[str | None, StripeEvents]]:
        """What each account has told nobody yet, by its name."""
        return [(name, StripeEvents(line, name)) for name, line in self._lines.items()]

    def collect(self) -> Iterable[Metric]:
        """For Prometheus; an account is one label."""
        paused = GaugeMetricFamily(
            "millrace_stripe_paused",
            "1: nothing is sent to the account, or to one endpoint of it.",
            labels=["account"],
        )
        waiting = GaugeMetricFamily(
            "millrace_stripe_waiting",
            "Sends that wait for their turn under Stripe's limits.",
            labels=["account"],
        )
        limited = CounterMetricFamily(
            "millrace_stripe_rate_limited", "Sends that Stripe had no room for (429).", labels=["account"]
        )
        for line in self._lines.values():
            paused.add_metric([line.name], float(line.is_paused))
            waiting.add_metric([line.name], line.budget.waiting)
            limited.add_metric([line.name], line.budget.refusals)
        return (paused, waiting, limited, *self._watch.seconds.collect())

    async def close(self) -> None:
        await asyncio.gather(*(line.close() for line in self._lines.values()))


def _line(
    account: Account,
    api_key: str,
    settings: Settings,
    shared: SharedTokens,
    shares: Shares,
    watch: Watch,
) -> StripeLine:
    transport = StripeTransport(api_key, settings.stripe_api_base, account.connected, watch)
    rates = account.rates
    is_known = rates != UNKNOWN
    tokens = Tokens(account.shown, rates, shared, max(1, settings.gateways)) if is_known else None
    return StripeLine(account.shown, transport, Budget(account.shown, rates, tokens, shares))
