"""How many connections one address has."""

from contextlib import AsyncExitStack

from tests.support.raw_client import GET, ended_connections, raw_server


async def test_connections_are_limited_by_address() -> None:
    before = ended_connections("address")
    async with raw_server(connections_per_address=5) as server, AsyncExitStack() as stack:
        for _ in range(5):
            one = await stack.enter_async_context(server.connect())
            await one.send(GET)
            assert (await one.response())[0] == 200
        async with server.connect() as more:
            assert (await more.response())[0] == 429
            await more.read_to_end()
        async with server.connect("127.0.0.2") as other:
            await other.send(GET)
            assert (await other.response())[0] == 200
        assert (
            ended_connections("address") == before + 1
            and server.connections.count("127.0.0.1") == 5
        )


async def test_a_closed_connection_is_not_counted() -> None:
    async with raw_server(connections_per_address=2) as server:
        for _ in range(20):
            assert (await server.request(GET.replace(b"Host", b"Connection: close\r\nHost")))[
                0
            ] == 200
        assert server.connections.count("127.0.0.1") <= 1


async def test_a_trusted_proxy_is_not_counted() -> None:
    async with (
        raw_server(connections_per_address=1, trusted_proxies="127.0.0.0/8") as server,
        AsyncExitStack() as stack,
    ):
        for _ in range(5):
            one = await stack.enter_async_context(server.connect())
            await one.send(GET)
            assert (await one.response())[0] == 200
