"""The egress policy allows what the operator's setting names, and nothing else."""

from ipaddress import ip_address

import pytest

from koine.kit.outbound import Blocked, EgressPolicy, OutboundClient, Request
from tests.kit.outbound.receiver import NameServer, client, running_receiver

READ = "hooks.internal, bücher.example:8080,10.1.0.0/16, 127.0.0.1:9000,, [::1]:9000,fd00::/8"


@pytest.mark.parametrize(
    ("host", "port", "allowed"),
    [
        ("hooks.internal", 80, True),
        ("hooks.internal", 9999, True),
        ("a.hooks.internal", 80, False),
        ("xn--bcher-kva.example", 8080, True),
        ("xn--bcher-kva.example", 80, False),
        ("10.1.2.3", 80, False),
    ],
)
def test_which_names_are_allowed(host: str, port: int, allowed: bool) -> None:
    assert EgressPolicy.parse(READ).allows_host(host, port) is allowed


@pytest.mark.parametrize(
    ("address", "port", "allowed"),
    [
        ("10.1.2.3", 25, True),
        ("10.2.2.3", 80, False),
        ("127.0.0.1", 9000, True),
        ("127.0.0.1", 9001, False),
        ("127.0.0.2", 9000, False),
        ("::1", 9000, True),
        ("::1", 80, False),
        ("fd12::1", 80, True),
        ("::ffff:10.1.2.3", 80, False),
    ],
)
def test_which_addresses_are_allowed(address: str, port: int, allowed: bool) -> None:
    assert EgressPolicy.parse(READ).allows_address(ip_address(address), port) is allowed


@pytest.mark.parametrize("text", ["a b", "host:0", "host:70000", "host:x", "[::1]:", "-", "a/b"])
def test_an_invalid_entry_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        EgressPolicy.parse(text)


def test_a_url_is_refused_with_what_is_wanted_in_its_place() -> None:
    with pytest.raises(ValueError, match="must be a host, host:port, IP or CIDR"):
        EgressPolicy.parse("http://hooks.internal")


def test_an_empty_setting_allows_nothing() -> None:
    assert EgressPolicy.parse(" , ") == EgressPolicy()


async def test_an_allowed_name_may_be_private_plain_and_on_any_port() -> None:
    async with running_receiver() as receiver:
        allowed = EgressPolicy.parse(f"hooks.internal:{receiver.port}")
        outbound = OutboundClient(allowed, resolver=NameServer(("127.0.0.1",)))
        await outbound.send(Request("POST", f"http://hooks.internal:{receiver.port}/", {}, b"x"))
        with pytest.raises(Blocked):
            await outbound.send(Request("POST", f"http://other.internal:{receiver.port}/"))
        await outbound.close()
    assert receiver.connections == 1


async def test_a_name_with_allowed_addresses_alone_is_allowed() -> None:
    async with running_receiver() as receiver:
        responses = NameServer(("127.0.0.1",), ("127.0.0.1", "127.0.0.2"))
        outbound = OutboundClient(EgressPolicy.parse("127.0.0.1"), resolver=responses)
        await outbound.send(Request("POST", f"http://good.example:{receiver.port}/", {}, b"x"))
        with pytest.raises(Blocked, match="loopback"):
            await outbound.send(Request("POST", f"http://bad.example:{receiver.port}/"))
        await outbound.close()
    assert receiver.connections == 1


async def test_an_allowed_port_allows_no_other() -> None:
    async with running_receiver() as receiver, client(f"127.0.0.1:{receiver.port + 1}") as outbound:
        with pytest.raises(Blocked):
            await outbound.send(Request("POST", receiver.url))
    assert receiver.connections == 0


async def why(outbound: OutboundClient, url: str) -> str:
    """Why a URL is refused when an endpoint is created; "" when it is accepted."""
    try:
        await outbound.check(url)
    except Blocked as refused:
        return refused.reason
    return ""


async def test_an_allowed_address_makes_no_other_host_plain_or_its_port_good() -> None:
    outbound = OutboundClient(
        EgressPolicy.parse("127.0.0.1:9000"), resolver=NameServer(("93.184.215.14",))
    )
    for url in ("http://example.com/", "http://example.com:9000/"):
        assert await why(outbound, url) == "the URL must start with https://"
    assert "port must be one of" in await why(outbound, "https://example.com:22/")
    assert "no public host" in await why(outbound, "https://metadata.google.internal/")
    assert await why(outbound, "https://example.com/") == ""
    await outbound.close()


async def test_a_name_of_allowed_addresses_is_taken_when_it_is_given() -> None:
    allowed = "127.0.0.1:9000, 10.0.0.0/8"
    outbound = OutboundClient(EgressPolicy.parse(allowed), resolver=NameServer(("127.0.0.1",)))
    assert await why(outbound, "http://localhost:9000/hook") == ""
    assert await why(outbound, "http://localhost:9001/hook") != ""
    await outbound.close()


@pytest.mark.parametrize(
    "host", ["localhost", "a.localhost", "metadata.google.internal", "x.local"]
)
async def test_a_name_of_no_public_host_is_refused_when_it_is_given(host: str) -> None:
    outbound = OutboundClient(resolver=NameServer(("93.184.215.14",)))
    assert await why(outbound, f"https://{host}/") == (
        "the URL's host has a name that no public host has"
    )
    await outbound.close()
