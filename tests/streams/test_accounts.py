"""The accounts that the settings name: read from a file, secrets by reference; what is wrong with it is said, and never shown."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from streams.accounts import ENDPOINT_PER_S, LIVE_PER_S, TEST_PER_S, Account, accounts
from streams.budget.tokens import Rates
from streams.settings import Settings, SettingsRefused

OURS, THEIRS = "sk_test_ours", "sk_test_theirs"

GOOD = """
[shop-b]
merchants = ["mer_b", "mer_b2"]
api_key = "env:SHOP_B_KEY"
webhook_secrets = ["env:SHOP_B_WEBHOOK"]
requests_per_s = 50.0

[shop-c]
merchants = ["mer_c"]
stripe_account = "acct_1C"
multicapture = true
"""


def given(tmp_path: Path, text: str, **settings: object) -> Settings:
    file = tmp_path / "accounts.toml"
    file.write_text(text)
    known = {"stripe_api_key": SecretStr(OURS), "stripe_accounts_file": str(file), **settings}
    return Settings(**known)  # type: ignore[arg-type]


def named(found: list[Account]) -> dict[str, Account]:
    return {each.shown: each for each in found}


def test_merchants_are_in_the_account_that_names_them_and_else_in_the_settings_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_B_KEY", THEIRS)
    monkeypatch.setenv("SHOP_B_WEBHOOK", "whsec_theirs")
    known = accounts(given(tmp_path, GOOD))
    assert [known.name_of(f"mer_{x}") for x in ("a", "b", "b2", "c")] == [None, "shop-b", "shop-b", "shop-c"]
    found = named(list(known.all()))
    assert list(found) == ["default", "shop-b", "shop-c"]
    assert {name: known.api_key(each) for name, each in found.items()} == {
        "default": OURS,
        "shop-b": THEIRS,
        "shop-c": OURS,
    }
    assert known.webhook_secrets() == {"whsec_theirs": "shop-b"}
    assert (found["shop-c"].connected, found["shop-c"].multicapture) == ("acct_1C", True)


def test_without_a_file_there_is_one_account(tmp_path: Path) -> None:
    known = accounts(Settings(stripe_api_key=SecretStr(OURS)))
    assert [each.name for each in known.all()] == [None] and known.name_of("mer_a") is None


@pytest.mark.parametrize(
    ("settings", "rates"),
    [
        ({}, Rates(TEST_PER_S, ENDPOINT_PER_S)),
        ({"livemode": True}, Rates(LIVE_PER_S, ENDPOINT_PER_S)),
        ({"stripe_requests_per_s": 500.0}, Rates(500.0, ENDPOINT_PER_S)),
        ({"stripe_api_base": "http://127.0.0.1:12111"}, Rates(None, None)),
        (
            {"stripe_api_base": "http://127.0.0.1:12111", "stripe_endpoint_requests_per_s": 7.0},
            Rates(None, 7.0),
        ),
    ],
)
def test_limits_are_what_stripe_publishes_unless_they_were_raised_and_unknown_elsewhere(
    settings: dict[str, object], rates: Rates
) -> None:
    assert accounts(Settings(**settings)).all()[0].rates == rates  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not toml [", "accounts.toml|line|at"),
        ("[Shop]\nmerchants = ['mer_1']\nstripe_account = 'acct_1'", "'Shop' is no name"),
        ("[a]\nmerchants = ['mer_1']", "either stripe_account or api_key"),
        (
            "[a]\nmerchants = ['mer_1']\nstripe_account = 'acct_1'\napi_key = 'env:X'",
            "either stripe_account or api_key",
        ),
        ("[a]\nstripe_account = 'acct_1'", "merchants"),
        ("[a]\nmerchants = ['mer_1 ']\nstripe_account = 'acct_1'", "merchants.0"),
        ("[a]\nmerchants = ['mer_1']\nstripe_account = 'sk_test_canary'", "stripe_account"),
        ("[a]\nmerchants = ['mer_1']\napi_key = 'sk_test_canary'", "api_key"),
        ("[a]\nmerchants = ['mer_1']\napi_key = 'env:sk_test_canary'", "not the secret"),
        (
            "[a]\nmerchants = ['mer_1']\nstripe_account = 'acct_1'\nwebhook_secrets = ['file:whsec_canary']",
            "not the secret",
        ),
        ("[a]\nmerchants = ['mer_1']\nstripe_account = 'acct_1'\nsecret = 1", "secret"),
        (
            "[a]\nmerchants = ['mer_1']\nstripe_account = 'acct_1'\n"
            "[b]\nmerchants = ['mer_1']\nstripe_account = 'acct_2'",
            "mer_1 is in a and in b",
        ),
        (
            "[a]\nmerchants = ['mer_1']\nstripe_account = 'acct_1'\n"
            "[b]\nmerchants = ['mer_2']\nstripe_account = 'acct_1'",
            "acct_1 is in a and in b",
        ),
        (
            "[a]\nmerchants = ['mer_1']\napi_key = 'env:X'\n[b]\nmerchants = ['mer_2']\napi_key = 'env:X'",
            "env:X is in a and in b",
        ),
        (
            "[a]\nmerchants = ['mer_1']\nstripe_account = 'acct_1'\nwebhook_secrets = ['env:S']\n"
            "[b]\nmerchants = ['mer_2']\nstripe_account = 'acct_2'\nwebhook_secrets = ['env:S']",
            "env:S is in a and in b",
        ),
        ("[default]\nmerchants = ['mer_1']\nstripe_account = 'acct_1'", "of the settings themselves"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_and_no_secret_shown(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(SettingsRefused, match=said) as refused:
        accounts(given(tmp_path, text))
    assert "canary" not in str(refused.value)
    assert "MILLRACE_STRIPE_ACCOUNTS_FILE" in str(refused.value)


@pytest.mark.parametrize(
    ("key", "said"),
    [("", "is empty"), ("whsec_canary", "must begin with"), ("sk_live_canary", "no test key")],
)
def test_a_key_that_is_not_there_or_of_the_other_mode_is_refused_when_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, said: str
) -> None:
    monkeypatch.setenv("SHOP_B_KEY", key)
    known = accounts(given(tmp_path, GOOD))
    with pytest.raises(SettingsRefused, match=said) as refused:
        known.api_key(known.all()[1])
    assert "shop-b.api_key" in str(refused.value) and "canary" not in str(refused.value)


TWO = """
[a]
merchants = ["mer_a"]
api_key = "env:A_KEY"
webhook_secrets = ["env:A_HOOK", "env:A_ROLLED"]

[b]
merchants = ["mer_b"]
api_key = "env:B_KEY"
webhook_secrets = ["env:B_HOOK"]
"""


@pytest.mark.parametrize(
    ("given_twice", "said"),
    [
        ({"B_KEY": "sk_test_a_canary"}, "b and a have one api_key"),
        ({"B_KEY": OURS}, "b and default have one api_key"),
        ({"B_HOOK": "whsec_a_canary"}, "b and a have one webhook_secrets"),
    ],
)
def test_one_secret_under_two_names_is_refused_wherever_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given_twice: dict[str, str], said: str
) -> None:
    """One of the two would be told of nothing: its notices would all count for the other."""
    kept = {"A_KEY": "sk_test_a_canary", "A_HOOK": "whsec_a_canary", "A_ROLLED": "whsec_a_canary"}
    for name, value in {**kept, "B_KEY": "sk_test_b", "B_HOOK": "whsec_b", **given_twice}.items():
        monkeypatch.setenv(name, value)
    known = accounts(given(tmp_path, TWO))
    with pytest.raises(SettingsRefused, match=said) as refused:
        known.api_keys()
        known.webhook_secrets()
    assert "canary" not in str(refused.value) and OURS not in str(refused.value)


def test_an_account_that_its_last_merchant_has_left_is_still_there_for_its_payments(tmp_path: Path) -> None:
    moved = "[old]\nmerchants = []\nstripe_account = 'acct_1'\n[new]\nmerchants = ['mer_1']\nstripe_account = 'acct_2'"
    known = accounts(given(tmp_path, moved))
    assert known.name_of("mer_1") == "new"
    assert [each.name for each in known.all()] == [None, "old", "new"]


def test_connected_accounts_share_the_key_of_the_settings(tmp_path: Path) -> None:
    connected = "\n".join(f"[c{n}]\nmerchants = ['mer_{n}']\nstripe_account = 'acct_{n}'" for n in (1, 2))
    known = accounts(given(tmp_path, connected))
    assert known.api_keys() == dict.fromkeys((None, "c1", "c2"), OURS)


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(SettingsRefused, match="MILLRACE_STRIPE_ACCOUNTS_FILE"):
        accounts(Settings(stripe_accounts_file="/nowhere/accounts.toml"))
