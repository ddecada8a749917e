"""The two merchants with whom a person tries Millrace out, and the operator. Nothing about how keys are
stored.
"""

import sys
from dataclasses import dataclass

from sandbox.secrets import Secrets

FIRST = "mer_00000000000040008000000000000001"
SECOND = "mer_00000000000040008000000000000002"


@dataclass(frozen=True)
class Merchant:
    id: str
    api_key: str


def merchants(secrets: Secrets) -> list[Merchant]:
    """Under keys that stay the same for as long as `.run` is kept."""
    return [Merchant(FIRST, secrets.first_merchant_key), Merchant(SECOND, secrets.second_merchant_key)]


def make_merchants(dsn: str, secrets: Secrets) -> None:
    """Make them known to the service; again and again without harm."""
    from streams.adapters.postgres.merchants import ensure_demo_merchants

    keys = {merchant.id: merchant.api_key for merchant in merchants(secrets)}
    ensure_demo_merchants(dsn, keys, secrets.operator_key)


def main() -> None:
    """`python -m sandbox.demo KEY KEY OPERATOR_KEY`: the same in a database of MILLRACE_POSTGRES_DSN, for the
    composed system.
    """
    from streams import settings
    from streams.adapters.postgres.merchants import ensure_demo_merchants

    first, second, operator = sys.argv[1:]
    ensure_demo_merchants(settings.load().postgres_dsn, {FIRST: first, SECOND: second}, operator)
    print(f"{FIRST} {first}\n{SECOND} {second}\noperator {operator}")


if __name__ == "__main__":
    main()
