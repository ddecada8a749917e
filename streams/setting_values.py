"""What a setting's value may be, where that takes more than a type: how it is read, and what is wrong with it. Which settings
there are is `settings.py`'s.
"""

import re
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

PORT_MAX = 65_535
OFF = "off"

ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?", re.ASCII)
"""A scheme, a host and perhaps a port, all in small letters: what a browser sends. Source: RFC 6454, section 6.2."""


def _listed(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _port_or_off(value: Any) -> Any:
    return None if value == OFF else value


def _no_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    return value


def _brokers(value: str) -> str:
    """Told here, for aiokafka would take it and fail in its own words."""
    for broker in value.split(","):
        host, _, port = broker.strip().rpartition(":")
        if not host or not port.isdecimal() or not 1 <= int(port) <= PORT_MAX:
            raise ValueError("must be host:port, with commas between")
    return value


def _origins(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if value != "*" and not ORIGIN.fullmatch(value):
            raise ValueError("must be origins as a browser sends them, such as https://shop.example, or *")
    return values


def _http_url(value: str | None) -> str | None:
    if value is not None and not (value.startswith(("http://", "https://")) and urlsplit(value).hostname):
        raise ValueError("must be an http or https URL")
    return value


T = TypeVar("T")

Text = Annotated[str, AfterValidator(_no_blank)]
Brokers = Annotated[str, AfterValidator(_brokers)]
HttpUrl = Annotated[str | None, AfterValidator(_http_url)]
PortOrOff = Annotated[int | None, BeforeValidator(_port_or_off)]
Listed = Annotated[tuple[T, ...], NoDecode, BeforeValidator(_listed)]
Origins = Annotated[Listed[str], AfterValidator(_origins)]
