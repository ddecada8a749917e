"""Which signed tokens the door takes, as the settings say: of one issuer, for merchants that exist. How they are verified is
`adapters/jwt_tokens.py`'s.
"""

import ipaddress
from urllib.parse import urlsplit

from streams.adapters.jwt_keys import JwtKeys, fetcher
from streams.adapters.jwt_tokens import Expected, JwtTokens
from streams.adapters.postgres.connections import Postgres
from streams.adapters.postgres.keys import PostgresMerchants
from streams.known import Known
from streams.settings import Settings, SettingsRefused


def signed_tokens(settings: Settings, postgres: Postgres) -> JwtTokens | None:
    """None where no issuer is set. Raises SettingsRefused."""
    issuer, audience, jwks = settings.jwt_issuer, settings.jwt_audience, settings.jwt_jwks
    if not (issuer or audience or jwks):
        return None
    if not (issuer and audience and jwks):
        raise SettingsRefused(
            "MILLRACE_JWT_ISSUER, MILLRACE_JWT_AUDIENCE, MILLRACE_JWT_JWKS: all three or none"
        )
    known = Known(PostgresMerchants(postgres).known)

    async def exists(merchant: str) -> bool:
        return await known.said_of(merchant) is not None

    expected = Expected(issuer, audience, settings.jwt_merchant_claim, settings.jwt_leeway_s)
    return JwtTokens(JwtKeys(fetcher(_trusted(jwks))), expected, exists)


def _trusted(source: str) -> str:
    """Whoever can put keys into the set can act as any merchant: it comes over TLS, from this machine, or from a file."""
    url = urlsplit(source)
    if "://" not in source or url.scheme == "https" or (url.scheme == "http" and _is_here(url.hostname)):
        return source
    raise SettingsRefused("MILLRACE_JWT_JWKS: must be https://… or a file (http:// only on this machine)")


def _is_here(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
