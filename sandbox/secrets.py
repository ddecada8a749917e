"""Keys made up once per checkout and kept in `.run`, readable by their owner only. What they open is not
here.
"""

import base64
import secrets
from dataclasses import asdict, dataclass

from sandbox.run_folder import RunFolder

KEY_BYTES = 32


def _new_key(prefix: str) -> str:
    return prefix + secrets.token_hex(KEY_BYTES)


@dataclass(frozen=True)
class Secrets:
    """The same on every run, so that a client's configuration outlives a restart."""

    internal_key: str  # signs what the service's own producers send
    webhook_secret: str  # shared with the Stripe simulator
    webhook_sealing_key: str  # of the secrets of merchants' webhooks
    first_merchant_key: str
    second_merchant_key: str
    operator_key: str

    @classmethod
    def of(cls, folder: RunFolder) -> "Secrets":
        """Those of the folder, made up and written there on its first run."""
        kept = folder.read(folder.secrets) or {}
        fresh = cls(
            internal_key=_new_key(""),
            webhook_secret=_new_key("whsec_"),
            webhook_sealing_key="run:" + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode(),
            first_merchant_key=_new_key("mr_test_"),
            second_merchant_key=_new_key("mr_test_"),
            operator_key=_new_key("mr_oper_"),
        )
        found = cls(**{**asdict(fresh), **kept})
        if asdict(found) != kept:
            folder.write(folder.secrets, asdict(found))
        return found
