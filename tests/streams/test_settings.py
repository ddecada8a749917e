"""Settings that do not fit together are refused by name; never is a secret repeated."""

import pytest
from pydantic import SecretStr, ValidationError

from streams.settings import Settings, SettingsRefused, load


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


@pytest.mark.parametrize(
    "brokers", ["", "kafka", "kafka:", ":9092", "kafka:0", "kafka:99999", "a:9092,,b:9092"]
)
def test_an_address_that_is_none_is_refused_before_it_is_used(brokers: str) -> None:
    with pytest.raises(ValidationError, match="host:port"):
        Settings(kafka_bootstrap=brokers)


def test_several_brokers_and_addresses_of_ipv6_are_taken() -> None:
    assert Settings(kafka_bootstrap="a:9092, [::1]:9093").kafka_bootstrap == "a:9092, [::1]:9093"


@pytest.mark.parametrize(("said", "port"), [("0", 0), ("9090", 9090), ("off", None)])
def test_grpc_is_served_on_a_port_or_not_at_all(
    said: str, port: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLRACE_GRPC_PORT", said)
    assert load().grpc_port == port
    monkeypatch.setenv("MILLRACE_GRPC_PORT", "of")
    with pytest.raises(SettingsRefused, match="MILLRACE_GRPC_PORT"):
        load()
