"""The two merchants with whom a person tries Millrace out, and the operator. Nothing about how keys are
stored.
"""

from dataclasses import dataclass

from sandbox.secrets import Secrets

FIRST, SECOND = "mer_demo_first", "mer_demo_second"


@dataclass(frozen=True)
class Merchant:
    id: str
    api_key: str


def merchants(secrets: Secrets) -> list[Merchant]:
    """Under keys that stay the same for as long as `.run` is kept."""
    return [Merchant(FIRST, secrets.first_merchant_key), Merchant(SECOND, secrets.second_merchant_key)]


def make_merchants(dsn: str, secrets: Secrets) -> None:
    """Make them known to the service; again and again without harm."""
    raise RuntimeError(f"no place to keep merchants yet: {len(dsn)}, {len(merchants(secrets))}")
