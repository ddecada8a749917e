"""Which addresses a merchant's webhook may be sent to: those of the public internet, as resolved when it is connected to.

A name is looked up here and the connection made to what was found, so that a name cannot change between check and use.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

from models.webhooks import URL_MAX_CHARS

V4, V6 = ipaddress.IPv4Address, ipaddress.IPv6Address
NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
"""Source: RFC 6052 and RFC 8215."""
SPECIAL_V4 = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv4Network("192.88.99.0/24"))
"""What older Pythons call global. Source: IANA IPv4 Special-Purpose Address Registry."""
V4_COMPATIBLE = ipaddress.IPv6Network("::/96")
V4_TRANSLATED = ipaddress.IPv6Network("::ffff:0:0:0/96")  # Source: RFC 2765

_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""No name ends like this: `127.0.0.1.` is an address to some. Source: WHATWG, URL, "ends in a number checker"."""

LOOKUPS_MAX = 512
"""At once, each in a thread of its own: a merchant's name server may hold one for as long as it likes, and nobody may wait behind
it. In asyncio's pool there are a few, for everybody.
"""
NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class AddressRefused(OSError):
    """Nothing is sent there."""


def is_public(address: str) -> bool:
    """Whether it is an address of the public internet, and hides no other."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, V6):
        carries_v4 = found.ipv4_mapped or found.sixtofour or found.teredo
        if carries_v4 or any(found in network for network in (*NAT64, V4_COMPATIBLE, V4_TRANSLATED)):
            return False
        if found.is_site_local:
            return False
    elif any(found in network for network in SPECIAL_V4):
        return False
    return found.is_global and not (found.is_multicast or found.is_reserved)


class PublicResolver(AbstractResolver):
    """Finds public addresses only. `allowed`: hosts of which any address will do, for local development."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self._allowed = frozenset(allowed)
        self._threads = ThreadPoolExecutor(LOOKUPS_MAX, "webhook-names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises AddressRefused when one address is not public: a name with both is a trick."""
        ask = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        if host not in self._allowed and not all(is_public(str(address[0])) for *_, address in found):
            raise AddressRefused(f"{host} has an address that is not of the public internet")
        return [
            ResolveResult(
                hostname=host, host=str(address[0]), port=port, family=kind, proto=proto, flags=NUMERIC
            )
            for kind, _, proto, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def url_refused(url: str, allowed: Sequence[str] = ()) -> str | None:
    """What is wrong with an endpoint's URL, or None. An address in it is looked at here: no resolver is asked about one."""
    from yarl import URL

    if len(url) > URL_MAX_CHARS or not url.isascii() or not url.isprintable() or " " in url:
        return "must be a URL of printable ASCII characters"
    try:
        parsed = URL(url)
        host, port = parsed.host, parsed.port
    except ValueError:
        return "must be a URL"
    if not host or parsed.scheme not in ("https", "http"):
        return "must be an https URL"
    if parsed.user is not None or parsed.password is not None:
        return "must not hold a user or a password"
    if parsed.fragment:
        return "must not hold a fragment"
    if host in allowed:
        return None
    if parsed.scheme != "https":
        return "must be an https URL"
    if port not in (443, 8443):
        return "must be on port 443 or 8443"
    if _is_address(host):
        return None if is_public(host) else "must be an address of the public internet"
    if "." not in host.strip(".") or _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return "must name a host of the public internet"
    return None


def _is_address(host: str) -> bool:
    """Also as some resolvers read it: `127.1`, `0x7f000001`, `2130706433`."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        try:
            socket.inet_aton(host)
        except OSError:
            return False
    return True
