"""What a setting's value may be, where that takes more than a type: how it is read, and what is wrong with it. Which settings
there are is `settings.py`'s.
"""

import re
from email.utils import parseaddr
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from models.mails import is_address

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


def _smtp_url(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        parts = urlsplit(value.get_secret_value())
        try:
            is_one = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
        except ValueError:  # of a port that is none
            is_one = False
        if not is_one or parts.path not in ("", "/") or parts.query:
            raise ValueError(
                "must be smtp://host:port or smtps://host:port, with user:password@ before the host"
            )
    return value


def _sender(value: str | None) -> str | None:
    if value is not None and not (value.isprintable() and is_address(parseaddr(value)[1])):
        raise ValueError("must be an e-mail address, or a name and one in angle brackets")
    return value


def _addresses(values: tuple[str, ...]) -> tuple[str, ...]:
    if not all(map(is_address, values)):
        raise ValueError("must be e-mail addresses, with commas between")
    return values


T = TypeVar("T")

Text = Annotated[str, AfterValidator(_no_blank)]
Brokers = Annotated[str, AfterValidator(_brokers)]
HttpUrl = Annotated[str | None, AfterValidator(_http_url)]
PortOrOff = Annotated[int | None, BeforeValidator(_port_or_off)]
Listed = Annotated[tuple[T, ...], NoDecode, BeforeValidator(_listed)]
Origins = Annotated[Listed[str], AfterValidator(_origins)]
SmtpUrl = Annotated[SecretStr | None, AfterValidator(_smtp_url)]
Sender = Annotated[str | None, AfterValidator(_sender)]
Addresses = Annotated[Listed[str], AfterValidator(_addresses)]
