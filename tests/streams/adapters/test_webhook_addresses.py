"""Where webhooks go: to the public internet alone, whatever a name says and however an address is written."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from streams.adapters.webhook_addresses import (
    LOOKUPS_MAX,
    AddressRefused,
    PublicResolver,
    is_public,
    url_refused,
)

NOT_PUBLIC = (
    "0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 127.9.9.9 169.254.169.254 172.16.0.1 172.31.255.255 192.168.1.1 192.0.0.8 192.0.2.1"
    " 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254"
    " fec0::1 ff02::1 2001:db8::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::127.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::a00:1"
    " 2002:7f00:1:: 2001:0:7f00:1:: nonsense"
).split()


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_of_the_public_internet_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:4700:4700::1111"])
def test_the_public_internet_is_reached(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/",
        "ftp://shop.example/",
        "https://",
        "https://user@shop.example/",
        "https://u:p@shop.example/",
        "https://shop.example:22/",
        "https://shop.example:6379/",
        "https://localhost/",
        "https://intranet/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://127.0.0.1./",
        "https://0x7f.1./",
        "https://127.0.0.1.1/",
        "https://shop.0xa/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://shop.example/#here",
        "https://shop.example/\r\nhost: x",
        "https://shop.example/" + "a" * 2048,
    ],
)
def test_a_url_that_leads_elsewhere_is_refused_when_it_is_said(url: str) -> None:
    assert url_refused(url)


@pytest.mark.parametrize(
    "url", ["https://shop.example/hook?x=1", "https://shop.example:8443/", "https://8.8.8.8/"]
)
def test_a_url_of_the_public_internet_is_taken(url: str) -> None:
    assert url_refused(url) is None


def test_a_host_on_the_list_may_be_anywhere() -> None:
    assert url_refused("http://127.0.0.1:9/", ["127.0.0.1"]) is None
    assert url_refused("http://u:p@127.0.0.1:9/", ["127.0.0.1"])


def info(address: str) -> tuple[Any, ...]:
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 443))


async def test_a_name_server_that_does_not_answer_holds_up_nobody_elses_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver, over = PublicResolver(), threading.Event()

    def looked_up(host: str, *_: object, **__: object) -> list[Any]:
        if host == "tar.example":
            over.wait(10)
        return [info("8.8.8.8")]

    monkeypatch.setattr("socket.getaddrinfo", looked_up)
    slow = [asyncio.create_task(resolver.resolve("tar.example")) for _ in range(LOOKUPS_MAX - 1)]
    await asyncio.sleep(0)
    try:
        assert await asyncio.wait_for(resolver.resolve("shop.example"), 5)
    finally:
        over.set()
        await asyncio.gather(*slow)
        await resolver.close()


async def test_a_name_that_leads_to_a_private_address_as_well_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver, found = PublicResolver(), ["8.8.8.8", "10.0.0.1"]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [info(each) for each in found])
    with pytest.raises(AddressRefused):
        await resolver.resolve("rebinding.example")
    found.pop()
    assert [each["host"] for each in await resolver.resolve("rebinding.example")] == ["8.8.8.8"]


async def test_localhost_is_resolved_by_the_real_resolver_and_refused() -> None:
    with pytest.raises(AddressRefused):
        await PublicResolver().resolve("localhost")
    assert await PublicResolver(["localhost"]).resolve("localhost")
