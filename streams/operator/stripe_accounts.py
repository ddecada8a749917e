"""Which account of Stripe's a merchant's payments are in, for commands that read its books. The one place to ask."""

from streams.adapters.stripe_transport import StripeTransport
from streams.settings import Settings


class StripeAccounts:
    """Transports are made when first asked for, and closed by who asked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._only: StripeTransport | None = None

    def transport_for(self, merchant: str | None) -> StripeTransport:
        """Today everybody's is the one account of the settings. Raises SettingsRefused."""
        if self._only is None:
            self._only = StripeTransport(self._settings.stripe_secret, self._settings.stripe_api_base)
        return self._only

    def transports(self, merchant: str | None) -> list[StripeTransport]:
        """Every account that payments may be in: those of one merchant, or of all."""
        return [self.transport_for(merchant)]
