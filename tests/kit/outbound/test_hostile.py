"""No hostile URL leads to a connection. A receiver on all local addresses would notice one."""

from collections.abc import AsyncIterator

import pytest

from koine.kit.outbound import Blocked, EgressPolicy, OutboundClient, Request, RequestFailed
from tests.kit.outbound import hostile
from tests.kit.outbound.receiver import NameServer, RawReceiver, running_receiver

SCHEMES = ["http", "https"]


@pytest.fixture
async def receiver() -> AsyncIterator[RawReceiver]:
    """Listens on all addresses of this machine; there must be no connection."""
    async with running_receiver() as receiver:
        yield receiver


def lenient(receiver: RawReceiver, allow: str = "") -> OutboundClient:
    """A client that allows the port and plain HTTP, so that only the address can be refused."""
    ports = frozenset({receiver.port})
    return OutboundClient(
        EgressPolicy.parse(allow), plain_http=True, ports=ports, timeout_seconds=5
    )


async def refused(receiver: RawReceiver, url: str) -> str:
    client = lenient(receiver)
    with pytest.raises(Blocked) as blocked:
        await client.send(Request("POST", url, {}, b"x"))
    with pytest.raises(Blocked):
        await client.check(url)
    await client.close()
    assert receiver.connections == 0
    return blocked.value.reason


def test_there_are_many_hostile_urls() -> None:
    assert len({*hostile.LOOPBACK, *hostile.ELSEWHERE, *hostile.ODD}) >= 200


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("host", hostile.LOOPBACK + hostile.ELSEWHERE)
async def test_addresses_that_are_not_public_are_refused(
    receiver: RawReceiver, host: str, scheme: str
) -> None:
    reason = await refused(receiver, f"{scheme}://{host}:{receiver.port}/x")
    assert "port" not in reason or "host" in reason


@pytest.mark.parametrize("odd", hostile.ODD, ids=ascii)
async def test_ambiguous_urls_are_refused(receiver: RawReceiver, odd: str) -> None:
    await refused(receiver, odd.replace("{}", f"127.0.0.1:{receiver.port}"))


@pytest.mark.parametrize("name", hostile.NAMES)
async def test_names_of_this_machine_are_refused(receiver: RawReceiver, name: str) -> None:
    client = lenient(receiver)
    # With the system's resolver, whose results are checked as well.
    with pytest.raises((Blocked, RequestFailed)):
        await client.send(Request("POST", f"http://{name}:{receiver.port}/"))
    await client.close()
    assert receiver.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "0.0.0.0", "[::ffff:127.0.0.1]"])
async def test_the_receiver_would_notice_a_connection(receiver: RawReceiver, host: str) -> None:
    client = lenient(receiver, "0.0.0.0/0, ::/0")
    reply = await client.send(Request("POST", f"http://{host}:{receiver.port}/", {}, b"x"))
    await client.close()
    assert (reply.status, receiver.connections) == (200, 1)


PRIVATE = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00::1"]
PRIVATE += ["64:ff9b::7f00:1", "0.0.0.0", "fe80::1%1", "2002:7f00:1::"]
ANSWERS: list[tuple[str, ...]] = [(each,) for each in PRIVATE]
ANSWERS += [("93.184.215.14", each) for each in PRIVATE]
ANSWERS += [(each, "2606:4700::1111") for each in PRIVATE]


@pytest.mark.parametrize("response", ANSWERS, ids=" ".join)
async def test_a_name_with_one_private_address_is_refused(
    receiver: RawReceiver, response: tuple[str, ...]
) -> None:
    client = OutboundClient(
        plain_http=True,
        ports=frozenset({receiver.port}),
        resolver=NameServer(response),
        timeout_seconds=5,
    )
    with pytest.raises(Blocked, match="address is"):
        await client.send(Request("GET", f"http://evil.example:{receiver.port}/"))
    await client.close()
    assert receiver.connections == 0


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.com/", "https"),
        ("http://example.com:443/", "https"),
        ("https://example.com:22/", "port"),
        ("https://example.com:6379/", "port"),
        ("https://93.184.215.14:25/", "port"),
        ("http://93.184.215.14/", "https"),
    ],
)
async def test_only_https_and_its_ports_are_allowed(url: str, reason: str) -> None:
    responses = NameServer(("93.184.215.14",))
    client = OutboundClient(resolver=responses)
    with pytest.raises(Blocked, match=reason):
        await client.send(Request("POST", url))
    assert responses.asked == []
    await client.close()


@pytest.mark.parametrize(
    "url", ["https://example.com/x?y#z", "https://93.184.215.14:8443/", "https://[2606:4700::1111]"]
)
async def test_an_ordinary_url_is_accepted(url: str) -> None:
    await OutboundClient().check(url)
