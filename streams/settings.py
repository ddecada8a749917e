"""Every setting of Millrace: a variable `MILLRACE_…` with a type, a default and a meaning. Nothing is read elsewhere.

`millrace settings` prints this list. A bad value is named and refused at start, before anything is connected.
"""

import re
from typing import Any

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.setting_values import (
    OFF,
    PORT_MAX,
    Addresses,
    Brokers,
    HttpUrl,
    Listed,
    Origins,
    PortOrOff,
    Sender,
    SmtpUrl,
    Text,
)

STRIPE_KEY = re.compile(r"(?:sk|rk)_(?P<mode>test|live)_\w+", re.ASCII)


class SettingsRefused(Exception):
    """The message names every bad setting."""


class Settings(BaseSettings):
    """All of them have defaults that suit one machine; secrets have none and are refused where they are needed."""

    model_config = SettingsConfigDict(env_prefix="MILLRACE_", extra="ignore", frozen=True)

    kafka_bootstrap: Brokers = Field(
        "127.0.0.1:9092", description="Kafka brokers, `host:port` with commas between"
    )
    kafka_security_protocol: str = Field(
        "PLAINTEXT", pattern="^(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL)$", description="how to talk to Kafka"
    )
    kafka_sasl_mechanism: str = Field(
        "SCRAM-SHA-512",
        pattern="^(PLAIN|SCRAM-SHA-256|SCRAM-SHA-512)$",
        description="with SASL: its mechanism",
    )
    kafka_username: str | None = Field(None, description="with SASL: the user")
    kafka_password: SecretStr | None = Field(None, description="with SASL: the password")
    kafka_ca_file: str | None = Field(None, description="with SSL: the authority to trust (a PEM file)")
    kafka_cert_file: str | None = Field(
        None, description="with SSL: our own certificate, where the broker asks for one (a PEM file)"
    )
    kafka_key_file: str | None = Field(None, description="with SSL: its key (a PEM file, not encrypted)")
    partitions: int = Field(
        4, ge=1, le=1000, description="partitions of every topic; fixed once topics exist"
    )
    replication_factor: int = Field(
        1, ge=1, le=7, description="copies of every topic: 3 where there are 3 brokers"
    )
    min_insync_replicas: int = Field(1, ge=1, le=7, description="copies that acknowledge a write: 2 of 3")
    group_prefix: str = Field(
        "millrace", pattern="^[a-z0-9-]{1,40}$", description="of consumer groups and changelogs"
    )

    postgres_dsn: Text = Field("postgresql://127.0.0.1:5432/millrace", description="PostgreSQL, as a URL")
    redis_url: Text = Field("redis://127.0.0.1:6379/0", description="Redis or Valkey, as a URL")

    stripe_api_base: Text = Field(
        "https://api.stripe.com", description="where Stripe's API is, or the simulator"
    )
    stripe_api_key: SecretStr | None = Field(None, description="Stripe's secret key (gateway)")
    stripe_multicapture: bool = Field(
        False,
        description="the Stripe account may capture one payment several times (captures that are not `final`)",
    )
    stripe_webhook_secrets: Listed[SecretStr] = Field(
        (), description="secrets of Stripe's webhook endpoint, with commas between while one is rolled (web)"
    )
    stripe_accounts_file: str | None = Field(
        None,
        description="merchants' own Stripe accounts: a TOML file, docs/accounts.md (writer, gateway, web)",
    )
    stripe_requests_per_s: float | None = Field(
        None,
        gt=0,
        le=100_000,
        description="what Stripe takes from an account; default: what it publishes; learnt where the host is not Stripe's",
    )
    stripe_endpoint_requests_per_s: float | None = Field(
        None, gt=0, le=100_000, description="the same, of one endpoint"
    )
    internal_key: SecretStr | None = Field(
        None, description="signs the commands that Millrace's own processes send; the same for all of them"
    )
    livemode: bool = Field(
        False,
        description="real money: the flag every payment carries, and the mode of Stripe's key and of API keys",
    )

    jwt_issuer: str | None = Field(
        None, description="signed tokens beside API keys: their `iss` (web; docs/keys.md)"
    )
    jwt_audience: str | None = Field(None, description="signed tokens: what their `aud` must name")
    jwt_jwks: str | None = Field(
        None, description="signed tokens: the issuer's JWK Set, an https URL or a file"
    )
    jwt_merchant_claim: Text = Field(
        "merchant", description="signed tokens: the claim that names the merchant"
    )
    jwt_leeway_s: float = Field(
        30.0, ge=0, le=300, description="signed tokens: how far the issuer's clock may be off"
    )

    writers: int = Field(1, ge=0, le=64, description="writer processes (`millrace up`)")
    gateways: int = Field(
        1, ge=0, le=64, description="gateway processes: what each may send alone while Redis is away"
    )
    projections: int = Field(1, ge=0, le=64, description="projection processes (`millrace up`)")
    analytics: int = Field(1, ge=0, le=64, description="analytics processes (`millrace up`)")
    webs: int = Field(
        1,
        ge=0,
        le=64,
        description="web processes (`millrace up`): each one's share of the rate limits while Redis is away",
    )

    notifications: int = Field(1, ge=0, le=64, description="notification processes (`millrace up`)")
    smtp_url: SmtpUrl = Field(
        None,
        description="the mail server: smtp://user:password@host:port, or smtps:// (docs/mails.md); default: no mails",
    )
    mail_from: Sender = Field(None, description="who mails are from: an address, or `Name <address>`")
    receipts: bool = Field(
        False,
        description="customers get receipts at `receipt_email`; Stripe sends some itself in live mode (notifications)",
    )
    alerts_to: Addresses = Field(
        (), description="operators' addresses, with commas between: disputes, unknown outcomes, dead letters"
    )
    webhook_keys: Listed[SecretStr] = Field(
        (),
        description="seal the secrets of merchants' webhooks: `id:base64` of 32 bytes, the newest first (docs/webhooks.md)",
    )
    webhook_allow: Listed[str] = Field(
        (),
        description="hosts that webhooks may reach by plain http and at private addresses: for local development only",
    )

    http_host: str = Field("127.0.0.1", description="where the door listens")
    http_port: int = Field(8080, ge=0, le=PORT_MAX, description="where the door listens; 0: a free port")
    grpc_host: str = Field("127.0.0.1", description="where the door listens for gRPC")
    grpc_port: PortOrOff = Field(
        9090, ge=0, le=PORT_MAX, description=f"the same; 0: a free port; `{OFF}`: no gRPC"
    )
    tls_cert_file: str | None = Field(
        None,
        description="the door's certificate with those behind it (a PEM file): it then speaks HTTPS only",
    )
    tls_key_file: str | None = Field(None, description="the certificate's key (a PEM file, not encrypted)")
    tls_client_ca_file: str | None = Field(
        None,
        description="who must have signed a client's certificate (a PEM file); default: clients need none",
    )
    health_host: str = Field("127.0.0.1", description="where agents answer /livez, /readyz and /metrics")
    health_port: int = Field(0, ge=0, le=PORT_MAX, description="the same; 0: not at all")
    instance: str = Field(
        "",
        pattern="^[A-Za-z0-9._-]{0,100}$",
        description="this process's lasting name: static membership in its group",
    )
    session_timeout_s: float = Field(
        6.0, ge=1, le=40, description="a silent process loses its partitions after this"
    )  # Faust starts with none above `broker_request_timeout`
    drain_s: float = Field(
        5.0, ge=0.1, le=5, description="to finish what runs before partitions are handed over"
    )  # a hand-over may take three of them, and a process must have left its group within the `stop_s` of `App`
    gateway_calls_max: int = Field(256, ge=1, le=10_000, description="calls to Stripe in flight per gateway")
    psp_slot_s: float = Field(
        8.0, ge=0.5, le=25, description="a call's quick retries, after that it is unknown or deferred"
    )
    catch_up_s: float = Field(
        180.0,
        ge=1,
        le=86_400,
        description="between two looks at Stripe for notices that never came (gateway)",
    )
    http_wait_s: float = Field(
        20.0, ge=0, le=60, description="how long a POST waits for its answer by default"
    )
    http_reuse_port: bool = Field(
        False, description="several web processes listen on one port, and the system shares connections out"
    )
    http_requests_max: int = Field(
        1024,
        ge=1,
        le=100_000,
        description="requests a web process has inside at once; more are turned away (503)",
    )
    rate_limit_key_per_s: float = Field(
        2500.0,
        ge=0,
        le=1_000_000,
        description="units a second that an API key may use: 1 for a read, 2 for a list, 5 for what moves money; 0: no limit",
    )
    rate_limit_merchant_per_s: float = Field(
        5000.0, ge=0, le=1_000_000, description="the same, for all keys of a merchant together"
    )
    cors_origins: Origins = Field(
        (),
        description="pages in a browser that may use the API: exact origins, such as https://shop.example, with commas "
        "between, or `*` for all; default: none (web)",
    )
    otlp_endpoint: HttpUrl = Field(
        None, description="where traces are sent, by OTLP over HTTP: a collector's URL; default: nowhere"
    )
    trace_ratio: float = Field(
        1.0, ge=0, le=1, description="of the traces that begin here, the part that is recorded"
    )
    crashpoints_dir: str | None = Field(
        None, description="for fault tests only: a process kills itself at the point a file in here names"
    )
    log_level: str = Field(
        "INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="of Millrace's own logs"
    )

    @model_validator(mode="after")
    def _certificates_fit_what_they_are_for(self) -> "Settings":
        """Told by both names: which of the two was forgotten, nobody can know."""
        for prefix in ("tls", "kafka"):
            certificate, key = f"{prefix}_cert_file", f"{prefix}_key_file"
            if (getattr(self, certificate) is None) is not (getattr(self, key) is None):
                raise ValueError(f"MILLRACE_{certificate.upper()} and MILLRACE_{key.upper()} go together")
        if self.tls_client_ca_file is not None and self.tls_cert_file is None:
            raise ValueError("MILLRACE_TLS_CLIENT_CA_FILE needs MILLRACE_TLS_CERT_FILE")
        if self.smtp_url is not None and self.mail_from is None:
            raise ValueError("MILLRACE_SMTP_URL needs MILLRACE_MAIL_FROM")
        if not self.kafka_security_protocol.endswith("SSL") and (self.kafka_ca_file or self.kafka_cert_file):
            raise ValueError(
                "MILLRACE_KAFKA_CA_FILE and MILLRACE_KAFKA_CERT_FILE need SSL or SASL_SSL as"
                " MILLRACE_KAFKA_SECURITY_PROTOCOL: nothing would be encrypted"
            )
        return self

    @property
    def internal_secret(self) -> bytes:
        """Signs what Millrace's own processes send. Raises SettingsRefused when it is not set."""
        if self.internal_key is None:
            raise SettingsRefused("MILLRACE_INTERNAL_KEY: needed, the same for all processes")
        return self.internal_key.get_secret_value().encode()

    @property
    def sealing_keys(self) -> list[str]:
        """Of merchants' webhook secrets. Raises SettingsRefused when there are none."""
        if not self.webhook_keys:
            raise SettingsRefused("MILLRACE_WEBHOOK_KEYS: at least one is needed, id:base64 of 32 bytes")
        return [key.get_secret_value() for key in self.webhook_keys]

    @property
    def stripe_secret(self) -> str:
        """Moves the money. Raises SettingsRefused when it is not set, is none of Stripe's, or one of the other mode."""
        if self.stripe_api_key is None:
            raise SettingsRefused("MILLRACE_STRIPE_API_KEY: needed")
        return stripe_key(self.stripe_api_key.get_secret_value(), "MILLRACE_STRIPE_API_KEY", self.livemode)


def stripe_key(key: str, name: str, livemode: bool) -> str:
    """`key`, if it is one of Stripe's and of the system's mode. Raises SettingsRefused, which says `name` and never the key."""
    matched = STRIPE_KEY.fullmatch(key)
    if matched is None:
        raise SettingsRefused(f"{name}: must begin with sk_test_, sk_live_, rk_test_ or rk_live_")
    if (matched["mode"] == "live") is not livemode:
        mode = "live" if livemode else "test"
        raise SettingsRefused(f"{name}: no {mode} key, and MILLRACE_LIVEMODE is {str(livemode).lower()}")
    return key


def load(**given: Any) -> Settings:
    """`given`: in place of what the environment says.

    Raises SettingsRefused, which names every bad one (never its value: it may be a secret).
    """
    try:
        return Settings(**given)
    except ValidationError as refused:
        raise SettingsRefused(
            "; ".join(_told(error["loc"], error["msg"]) for error in refused.errors())
        ) from None


def _told(where: tuple[int | str, ...], what: str) -> str:
    """What does not fit together names its settings itself."""
    return (
        f"MILLRACE_{'_'.join(map(str, where)).upper()}: {what}"
        if where
        else what.removeprefix("Value error, ")
    )
