"""Settings that do not fit together are refused by name; never is a secret repeated."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from streams.delivery import App
from streams.delivery.engine import SAFE
from streams.delivery.serving import LEAVE_S
from streams.kafka_clients import credentials
from streams.settings import Settings, SettingsRefused, load
from tests.certificates import Authority


@pytest.mark.parametrize(
    ("livemode", "good", "bad"), [(False, "sk_test_x", "sk_live_x"), (True, "rk_live_x", "sk_test_x")]
)
def test_stripes_key_is_of_the_systems_own_mode(livemode: bool, good: str, bad: str) -> None:
    assert Settings(livemode=livemode, stripe_api_key=SecretStr(good)).stripe_secret == good
    with pytest.raises(SettingsRefused, match=r"MILLRACE_STRIPE_API_KEY.*MILLRACE_LIVEMODE") as refused:
        _ = Settings(livemode=livemode, stripe_api_key=SecretStr(bad)).stripe_secret
    assert bad not in str(refused.value)


def test_what_is_no_key_of_stripes_is_refused_before_anything_is_connected() -> None:
    with pytest.raises(SettingsRefused, match=r"MILLRACE_STRIPE_API_KEY.*sk_test_") as refused:
        _ = Settings(stripe_api_key=SecretStr("whsec_mistaken")).stripe_secret
    assert "mistaken" not in str(refused.value)


def test_a_system_without_stripes_key_says_which_setting_is_missing() -> None:
    with pytest.raises(SettingsRefused, match="MILLRACE_STRIPE_API_KEY"):
        _ = Settings(stripe_api_key=None).stripe_secret


def test_no_setting_is_beyond_what_the_delivery_allows() -> None:
    """Faust raised where a session was longer than a request, and a hand-over outlasted the end of its process."""
    request_s, rebalance_s = SAFE["broker_request_timeout"], SAFE["broker_rebalance_timeout"]
    longest = Settings(session_timeout_s=request_s, drain_s=5.0)
    with pytest.raises(ValidationError, match="session_timeout_s"):
        Settings(session_timeout_s=request_s + 0.1)
    stop_s = inspect.signature(App).parameters["stop_s"].default
    assert 3 * longest.drain_s + LEAVE_S < min(stop_s, rebalance_s)
    with pytest.raises(ValidationError, match="drain_s"):
        Settings(drain_s=5.1)


@pytest.mark.parametrize(
    "brokers", ["", "kafka", "kafka:", ":9092", "kafka:0", "kafka:99999", "a:9092,,b:9092"]
)
def test_an_address_that_is_none_is_refused_before_it_is_used(brokers: str) -> None:
    with pytest.raises(ValidationError, match="host:port"):
        Settings(kafka_bootstrap=brokers)


def test_several_brokers_and_addresses_of_ipv6_are_taken() -> None:
    assert Settings(kafka_bootstrap="a:9092, [::1]:9093").kafka_bootstrap == "a:9092, [::1]:9093"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"tls_cert_file": "/c.pem"}, ("MILLRACE_TLS_CERT_FILE", "MILLRACE_TLS_KEY_FILE")),
        ({"tls_key_file": "/k.pem"}, ("MILLRACE_TLS_CERT_FILE", "MILLRACE_TLS_KEY_FILE")),
        ({"tls_client_ca_file": "/ca.pem"}, ("MILLRACE_TLS_CLIENT_CA_FILE", "MILLRACE_TLS_CERT_FILE")),
        (
            {"kafka_security_protocol": "SSL", "kafka_cert_file": "/c.pem"},
            ("MILLRACE_KAFKA_CERT_FILE", "MILLRACE_KAFKA_KEY_FILE"),
        ),
        ({"kafka_ca_file": "/ca.pem"}, ("MILLRACE_KAFKA_CA_FILE", "MILLRACE_KAFKA_SECURITY_PROTOCOL")),
        (
            {"kafka_security_protocol": "SASL_PLAINTEXT", "kafka_ca_file": "/ca.pem"},
            ("MILLRACE_KAFKA_CA_FILE", "MILLRACE_KAFKA_SECURITY_PROTOCOL"),
        ),
        ({"smtp_url": "smtp://mail.example:25"}, ("MILLRACE_SMTP_URL", "MILLRACE_MAIL_FROM")),
        ({"smtp_url": "mail.example:25"}, ("MILLRACE_SMTP_URL",)),
        ({"smtp_url": "smtp://mail.example:port"}, ("MILLRACE_SMTP_URL",)),
        ({"mail_from": "Ann <ann@shop.example>\nBcc: eve@evil.example"}, ("MILLRACE_MAIL_FROM",)),
        ({"mail_from": "Ann"}, ("MILLRACE_MAIL_FROM",)),
        ({"alerts_to": "ada@ops.example,bob"}, ("MILLRACE_ALERTS_TO",)),
        ({"otlp_endpoint": "collector:4318"}, ("MILLRACE_OTLP_ENDPOINT",)),
        ({"trace_ratio": "1.5"}, ("MILLRACE_TRACE_RATIO",)),
    ],
)
def test_what_does_not_fit_together_is_refused_at_start_by_all_its_names(
    given: dict[str, str], named: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"MILLRACE_{name.upper()}", value)
    with pytest.raises(SettingsRefused) as refused:
        load()
    for name in named:
        assert name in str(refused.value)


def test_a_mail_servers_password_is_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_MAIL_FROM", "Ann's Shop <receipts@shop.example>")
    monkeypatch.setenv("MILLRACE_ALERTS_TO", "ada@ops.example, bob@ops.example")
    monkeypatch.setenv("MILLRACE_SMTP_URL", "smtps://ann:sesame@mail.example")
    settings = load()
    assert "sesame" not in repr(settings)
    assert settings.alerts_to == ("ada@ops.example", "bob@ops.example")
    monkeypatch.setenv("MILLRACE_SMTP_URL", "http://ann:sesame@mail.example")
    with pytest.raises(SettingsRefused, match="MILLRACE_SMTP_URL") as refused:
        load()
    assert "sesame" not in str(refused.value)


def test_files_for_kafka_that_do_not_fit_are_refused_by_the_names_of_their_settings(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, other = authority.issue("one"), authority.issue("other")
    ssl = {"kafka_security_protocol": "SSL", "kafka_ca_file": str(authority.file)}
    mine = {"kafka_cert_file": str(one.certificate), "kafka_key_file": str(one.key)}
    assert credentials(Settings(**ssl, **mine)) is not None  # type: ignore[arg-type]
    for changed, named in (
        ({"kafka_key_file": str(other.key)}, "MILLRACE_KAFKA_KEY_FILE"),
        ({"kafka_cert_file": "/nowhere.pem"}, "MILLRACE_KAFKA_CERT_FILE"),
        ({"kafka_ca_file": "/nowhere.pem"}, "MILLRACE_KAFKA_CA_FILE"),
        ({"kafka_ca_file": str(one.key)}, "MILLRACE_KAFKA_CA_FILE"),
    ):
        with pytest.raises(SettingsRefused, match=named):
            credentials(Settings(**{**ssl, **mine, **changed}))  # type: ignore[arg-type]


@pytest.mark.parametrize(("said", "port"), [("0", 0), ("9090", 9090), ("off", None)])
def test_grpc_is_served_on_a_port_or_not_at_all(
    said: str, port: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLRACE_GRPC_PORT", said)
    assert load().grpc_port == port
    monkeypatch.setenv("MILLRACE_GRPC_PORT", "of")
    with pytest.raises(SettingsRefused, match="MILLRACE_GRPC_PORT"):
        load()


@pytest.mark.parametrize(
    ("module", "environment", "named"),
    [
        ("agents.writer", {"MILLRACE_TRACE_RATIO": "2"}, "MILLRACE_TRACE_RATIO"),
        ("agents.writer", {}, "MILLRACE_INTERNAL_KEY"),
        (
            "web",
            {"MILLRACE_TLS_CERT_FILE": "/nowhere", "MILLRACE_TLS_KEY_FILE": "/nowhere"},
            "MILLRACE_TLS_CERT_FILE",
        ),
    ],
)
def test_a_process_says_in_one_line_which_settings_it_refuses_and_ends_as_misconfigured(
    module: str, environment: dict[str, str], named: str
) -> None:
    given = {} if module == "agents.writer" else {"MILLRACE_INTERNAL_KEY": "any"}
    ended = subprocess.run(
        [sys.executable, "-m", module],
        env={name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
        | given
        | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (78, 1), ended.stderr
    assert named in ended.stderr
