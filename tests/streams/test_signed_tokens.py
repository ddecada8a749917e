"""Which issuer's tokens the door takes is a matter of settings, and half of them are none."""

from typing import Any

import pytest

from streams.adapters.postgres.connections import Postgres
from streams.settings import Settings, SettingsRefused
from streams.signed_tokens import signed_tokens

POSTGRES = Postgres("postgresql://127.0.0.1:1/x")
WHOLE: dict[str, Any] = {"jwt_issuer": "https://a", "jwt_audience": "b", "jwt_jwks": "https://a/jwks"}


def test_without_an_issuer_there_are_no_tokens() -> None:
    assert signed_tokens(Settings(), POSTGRES) is None
    assert signed_tokens(Settings(**WHOLE), POSTGRES) is not None


@pytest.mark.parametrize("missing", WHOLE)
def test_half_of_the_settings_is_refused(missing: str) -> None:
    with pytest.raises(SettingsRefused, match="all three or none"):
        signed_tokens(Settings(**{name: value for name, value in WHOLE.items() if name != missing}), POSTGRES)


@pytest.mark.parametrize(
    ("source", "taken"),
    [
        ("https://issuer.example/jwks", True),
        ("http://127.0.0.1:1234/jwks", True),
        ("http://[::1]/jwks", True),
        ("http://localhost/jwks", True),
        ("/etc/millrace/jwks.json", True),
        ("http://issuer.example/jwks", False),
        ("http://127.0.0.1.evil.example/jwks", False),
        ("ftp://issuer.example/jwks", False),
        ("file:///etc/jwks.json", False),
    ],
)
def test_keys_come_over_tls_from_this_machine_or_from_a_file(source: str, taken: bool) -> None:
    settings = Settings(**WHOLE | {"jwt_jwks": source})
    if taken:
        assert signed_tokens(settings, POSTGRES)
    else:
        with pytest.raises(SettingsRefused, match="https"):
            signed_tokens(settings, POSTGRES)
