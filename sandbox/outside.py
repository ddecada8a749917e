"""What the person brings along and how much of each role is wanted, read from MILLRACE_* in the environment.

What lives here: only what decides *which processes run*. The service's own settings are `streams.settings`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

STRIPE_API = "https://api.stripe.com"
SIMULATOR_KEY = "sk_test_millrace_simulator"
MOST_PROCESSES_OF_A_ROLE = 64  # more is a typing error on one machine
PORT_MAX = 65_535
OFF = "off"
COUNTED_ROLES = {
    "writer": "MILLRACE_WRITERS",
    "gateway": "MILLRACE_GATEWAYS",
    "projection": "MILLRACE_PROJECTIONS",
    "notifications": "MILLRACE_NOTIFICATIONS",
    "analytics": "MILLRACE_ANALYTICS",
    "web": "MILLRACE_WEBS",
}


class BadSetting(Exception):
    """A setting that cannot be meant: its name, what it is and what it should be."""


@dataclass(frozen=True)
class Outside:
    """Addresses given from outside; None where the stack starts its own."""

    kafka: str | None
    postgres: str | None
    redis: str | None
    smtp: str | None
    stripe_base: str | None
    stripe_key: str
    stripe_webhook_secrets: str | None
    counts: Mapping[str, int]
    http_port: int | None  # None: the usual one, or another
    grpc_port: int | None  # likewise; 0: no gRPC
    webhook_secrets_of: Mapping[str, list[str]]  # by the Stripe accounts of the merchants that have their own

    @property
    def simulates_stripe(self) -> bool:
        return self.stripe_base is None


def read(environment: Mapping[str, str]) -> Outside:
    """Read and check. Raises BadSetting."""
    key = environment.get("MILLRACE_STRIPE_API_KEY") or None
    base = environment.get("MILLRACE_STRIPE_API_BASE") or None
    if key is not None and key.startswith(("sk_live_", "rk_live_")):
        raise BadSetting("MILLRACE_STRIPE_API_KEY is a live key: the local stack must not move real money")
    if key is not None and not key.startswith(("sk_test_", "rk_test_")):
        raise BadSetting(
            "MILLRACE_STRIPE_API_KEY is no key of Stripe's: those for tests begin with sk_test_ or rk_test_"
        )
    if base is None and key is not None:
        base = STRIPE_API
    return Outside(
        kafka=environment.get("MILLRACE_KAFKA_BOOTSTRAP") or None,
        postgres=environment.get("MILLRACE_POSTGRES_DSN") or None,
        redis=environment.get("MILLRACE_REDIS_URL") or None,
        smtp=environment.get("MILLRACE_SMTP_URL") or None,
        stripe_base=base,
        stripe_key=key or SIMULATOR_KEY,
        stripe_webhook_secrets=environment.get("MILLRACE_STRIPE_WEBHOOK_SECRETS") or None,
        counts={
            role: _number(environment, name, "1", MOST_PROCESSES_OF_A_ROLE)
            for role, name in COUNTED_ROLES.items()
        },
        http_port=_number(environment, "MILLRACE_HTTP_PORT", "0", PORT_MAX) or None,
        grpc_port=_grpc_port(environment),
        webhook_secrets_of=_webhook_secrets_of(environment, key or SIMULATOR_KEY),
    )


def _webhook_secrets_of(environment: Mapping[str, str], key: str) -> dict[str, list[str]]:
    """Read here, that a file which the service would refuse is refused before anything starts."""
    from pydantic import SecretStr

    from sandbox.stripe_simulator.identity import account_of
    from streams.accounts import accounts
    from streams.settings import SettingsRefused, load

    file = environment.get("MILLRACE_STRIPE_ACCOUNTS_FILE") or None
    try:
        known = accounts(load(stripe_accounts_file=file, stripe_api_key=SecretStr(key)))
        keys, named = known.api_keys(), {each.name: each for each in known.all()}
        found: dict[str, list[str]] = {}
        for secret, name in known.webhook_secrets().items():
            found.setdefault(named[name].connected or account_of(keys[name]), []).append(secret)
    except SettingsRefused as refused:
        raise BadSetting(str(refused)) from None
    return found


def _grpc_port(environment: Mapping[str, str]) -> int | None:
    name = "MILLRACE_GRPC_PORT"
    return 0 if environment.get(name) == OFF else _number(environment, name, "0", PORT_MAX) or None


def _number(environment: Mapping[str, str], name: str, otherwise: str, most: int) -> int:
    text = environment.get(name) or otherwise
    if not text.isdecimal() or not 0 <= int(text) <= most:
        raise BadSetting(f"{name} is {text!r}: a whole number from 0 to {most} is needed")
    return int(text)
