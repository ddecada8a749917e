"""Which account of Stripe's a merchant's payments are made in, and by which key: from the settings, secrets by reference only.

The account that the settings themselves name is everybody's who has no other. Others are tables of a TOML file:

    [shop-b]                                  # the account's name, for ever: it is kept with each payment
    merchants = ["mer_…"]
    api_key = "env:SHOP_B_STRIPE_KEY"         # or "file:/run/secrets/shop-b"; a Stripe account of its own
    webhook_secrets = ["env:SHOP_B_WEBHOOK"]  # of its own webhook endpoint

    [shop-c]
    merchants = ["mer_…"]
    stripe_account = "acct_…"                 # a connected account, called with the settings' own key

Each may say `requests_per_s`, `endpoint_requests_per_s` and `multicapture` of its own.
"""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from streams.budget.tokens import Rates
from streams.settings import Settings, SettingsRefused, stripe_key

STRIPES_OWN_HOST = "api.stripe.com"
LIVE_PER_S, TEST_PER_S, ENDPOINT_PER_S = 100.0, 25.0, 25.0
"""Source: Stripe, rate limits: what an account may that was never raised. Another host than Stripe's has none that we know."""

FILE = "MILLRACE_STRIPE_ACCOUNTS_FILE"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
DEFAULT = "default"
"""What the settings' own account is called, where it must be called something."""
ACCOUNTS_MAX = 10_000

SECRET = re.compile(r"(?:sk|rk|whsec)_", re.ASCII)


IN_WORDS = {"extra_forbidden": "there is no such member"}


def _names_a_place(reference: str) -> str:
    """What is said of a reference later shows it."""
    if SECRET.match(reference.partition(":")[2]):
        raise ValueError("names where the secret is, not the secret")
    return reference


Reference = Annotated[
    str, Field(pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$"), AfterValidator(_names_a_place)
]
PerSecond = Annotated[float, Field(gt=0, le=100_000)]
Merchant = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""As commands name them: what is written otherwise is nobody, and its merchant would be paid into the default account."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    merchants: tuple[Merchant, ...]  # none: what was begun in it goes on, nothing new is
    stripe_account: str | None = Field(None, pattern=r"^acct_[A-Za-z0-9]{1,60}$")
    api_key: Reference | None = None
    webhook_secrets: tuple[Reference, ...] = ()
    requests_per_s: PerSecond | None = None
    endpoint_requests_per_s: PerSecond | None = None
    multicapture: bool | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "_Table":
        if (self.stripe_account is None) is (self.api_key is None):
            raise ValueError("either stripe_account or api_key")
        return self

    def of_one_name(self) -> list[str]:
        """What no two names may share: of two that mean one account, one would be told of nothing, and both send too much."""
        alone = (self.stripe_account, self.api_key, *self.webhook_secrets)
        return [*self.merchants, *(each for each in alone if each is not None)]


@dataclass(frozen=True, slots=True)
class Account:
    """`name`: None for the settings' own. `connected`: Stripe's `acct_…`, where the key is not the account's own."""

    name: str | None
    connected: str | None
    multicapture: bool
    rates: Rates
    key_reference: str | None = None
    secret_references: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """For logs and metrics."""
        return self.name or DEFAULT


class Accounts:
    def __init__(self, settings: Settings, tables: Mapping[str, _Table]) -> None:
        self._settings = settings
        self._named = {name: self._account(name, table) for name, table in tables.items()}
        self._by_merchant = {mer: name for name, table in tables.items() for mer in table.merchants}

    def name_of(self, merchant: str) -> str | None:
        """The account in which `merchant`'s new payments are made."""
        return self._by_merchant.get(merchant)

    def all(self) -> Sequence[Account]:
        """The settings' own first."""
        s = self._settings
        given = Rates(s.stripe_requests_per_s, s.stripe_endpoint_requests_per_s)
        return [Account(None, None, s.stripe_multicapture, self._rates(given)), *self._named.values()]

    def api_keys(self) -> dict[str | None, str]:
        """Each account's, by its name. Raises SettingsRefused, also for two names of one account, as far as keys tell."""
        found = {each.name: self.api_key(each) for each in self.all()}
        _refuse_twice([(key, each) for each, key in found.items() if not self._is_connected(each)], "api_key")
        return found

    def webhook_secrets(self) -> dict[str, str]:
        """The names of the named accounts by their secrets. Raises SettingsRefused, also for one that two names share."""
        found = [
            (_resolved(reference, each.shown, "webhook_secrets"), each.name)
            for each in self._named.values()
            for reference in each.secret_references
        ]
        _refuse_twice(found, "webhook_secrets")
        return {secret: name for secret, name in found if name is not None}

    def api_key(self, account: Account) -> str:
        """Raises SettingsRefused when it is not there, or not of the system's mode."""
        if account.key_reference is None:
            return self._settings.stripe_secret
        found = _resolved(account.key_reference, account.shown, "api_key")
        return stripe_key(found, f"{FILE}: {account.shown}.api_key", self._settings.livemode)

    def _is_connected(self, name: str | None) -> bool:
        return name is not None and self._named[name].connected is not None

    def _account(self, name: str, table: _Table) -> Account:
        multicapture = (
            self._settings.stripe_multicapture if table.multicapture is None else table.multicapture
        )
        rates = self._rates(Rates(table.requests_per_s, table.endpoint_requests_per_s))
        return Account(name, table.stripe_account, multicapture, rates, table.api_key, table.webhook_secrets)

    def _rates(self, given: Rates) -> Rates:
        if urlsplit(self._settings.stripe_api_base).hostname != STRIPES_OWN_HOST:
            return given
        account_per_s = LIVE_PER_S if self._settings.livemode else TEST_PER_S
        return Rates(given.account_per_s or account_per_s, given.endpoint_per_s or ENDPOINT_PER_S)


def accounts(settings: Settings) -> Accounts:
    """Raises SettingsRefused, which names what is wrong and never a secret."""
    if settings.stripe_accounts_file is None:
        return Accounts(settings, {})
    try:
        read = tomllib.loads(Path(settings.stripe_accounts_file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as failed:
        raise SettingsRefused(f"{FILE}: {failed}") from None
    if len(read) > ACCOUNTS_MAX:
        raise SettingsRefused(f"{FILE}: more than {ACCOUNTS_MAX} accounts")
    tables = {name: _table(name, value) for name, value in read.items()}
    seen: dict[str, str] = {}
    for name, table in tables.items():
        for one in table.of_one_name():
            if (other := seen.setdefault(one, name)) != name:
                raise SettingsRefused(f"{FILE}: {one} is in {other} and in {name}")
    return Accounts(settings, tables)


def _table(name: str, value: Any) -> _Table:
    if name == DEFAULT:
        raise SettingsRefused(f"{FILE}: {name!r} is the account of the settings themselves")
    if not NAME.fullmatch(name):
        raise SettingsRefused(f"{FILE}: {name!r} is no name: a-z, 0-9, - and _, 40 at most")
    try:
        return _Table.model_validate(value)
    except ValidationError as wrong:
        said = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {IN_WORDS.get(e['type'], e['msg'])}"
            for e in wrong.errors(include_input=False)
        )
        raise SettingsRefused(f"{FILE}: {name}: {said}") from None


def _resolved(reference: str, account: str, what: str) -> str:
    kind, _, where = reference.partition(":")
    try:
        found = os.environ.get(where, "") if kind == "env" else Path(where).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failed:
        raise SettingsRefused(f"{FILE}: {account}.{what}: {failed}") from None
    if not (found := found.strip()):
        raise SettingsRefused(f"{FILE}: {account}.{what}: {reference} is empty")
    return found


def _refuse_twice(secrets: Sequence[tuple[str, str | None]], what: str) -> None:
    """Two references may lead to one secret."""
    seen: dict[str, str | None] = {}
    for secret, name in secrets:
        if (other := seen.setdefault(secret, name)) != name:
            raise SettingsRefused(f"{FILE}: {name or DEFAULT} and {other or DEFAULT} have one {what}")
