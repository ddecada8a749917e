"""What both clients begin with: who they are, and how far they go where nothing else is said. No I/O."""

import platform
import re

VERSION = "0.1.0"

PAGE_MAX = 100
"""What the service shows at once."""

SETTLED_WITHIN_S = 60.0

_API_KEY = re.compile(r"[\x21-\x7e]{1,4096}", re.ASCII)
"""What fits a header: an API key, or a signed token."""


def headers_of(api_key: str) -> dict[str, str]:
    """Of every request. Raises ValueError, which does not repeat the key."""
    if not _API_KEY.fullmatch(api_key):
        raise ValueError("this is not an API key")
    return {
        "Authorization": f"Bearer {api_key}",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": f"millrace-client/{VERSION} python/{platform.python_version()}",
    }
