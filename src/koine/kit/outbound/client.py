"""The client: checks the URL and the resolved addresses, then connects to a checked address."""

import asyncio
import ssl
import time

from koine.kit import metrics
from koine.kit.outbound import target as targets
from koine.kit.outbound.connection import Connection, StaleConnection
from koine.kit.outbound.connection_pool import ConnectionKey, ConnectionPool
from koine.kit.outbound.egress_policy import EgressPolicy
from koine.kit.outbound.message import Blocked, Request, RequestFailed, Response, encode_request
from koine.kit.outbound.public_address import Address, reason_not_public
from koine.kit.outbound.resolver_cache import Resolver, ResolverCache
from koine.kit.outbound.response_reader import ResponseReader
from koine.kit.outbound.target import Target

PORTS = frozenset({80, 443, 8443})
TIMEOUT_SECONDS = 15.0
MAX_RESPONSE_BYTES = 64 * 1024
MAX_ADDRESSES_TRIED = 3
CHECK_TIMEOUT_SECONDS = 5.0
"""Seconds that `check` may take to resolve a name."""


class OutboundClient:
    """The client for all requests to URLs that tenants choose.

    They may go to the public internet, over TLS (or `plain_http`) and to `ports`, and to what the
    operator allows by `policy`. Redirects are not followed, proxies of the environment and cookies
    are not used, and the certificate must be valid for the host (`tls` for other authorities).
    """

    def __init__(
        self,
        policy: EgressPolicy | None = None,
        *,
        plain_http: bool = False,
        ports: frozenset[int] = PORTS,
        timeout_seconds: float = TIMEOUT_SECONDS,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`timeout_seconds` bounds a whole request, `max_response_bytes` the body that is read."""
        self._policy = policy or EgressPolicy()
        self._plain_http = plain_http
        self._ports = ports
        self._timeout_seconds = timeout_seconds
        self._max_response_bytes = max_response_bytes
        self._resolver = ResolverCache(resolver)
        self._pool = ConnectionPool(tls)

    async def check(self, url: str) -> None:
        """Raises Blocked for a URL that requests cannot go to. A name is resolved only where the
        addresses that the operator allows decide: for plain HTTP, another port, or a special name.
        """
        target = self._target(url)
        if target.literal is not None or self._policy.allows_host(target.host, target.port):
            return
        try:
            self._check_name(target)
        except Blocked:
            if not await self._is_allowed(target):
                raise

    async def send(self, request: Request) -> Response:
        """Send a request and wait for its response, of any status.

        When an idle connection turns out to be closed, the request is sent a second time: a server
        may receive it twice. Raises Blocked and RequestFailed, and nothing else.
        """
        try:
            return await self._send(request)
        except Blocked:
            metrics.OUTBOUND_REFUSED.inc()
            raise

    async def close(self) -> None:
        """Close every connection; open requests fail."""
        self._resolver.close()
        self._pool.close()

    async def _send(self, request: Request) -> Response:
        began = time.perf_counter_ns()
        try:
            target = self._target(request.url)
            message = encode_request(request, target.authority, target.path)
            async with asyncio.timeout(self._timeout_seconds):
                keys = await self._resolve(target)
                response = await self._exchange(keys, message)
        except TimeoutError:
            raise RequestFailed(
                f"no complete response within {self._timeout_seconds:g} seconds"
            ) from None
        took = (time.perf_counter_ns() - began) // 1000
        return Response(response.status, response.headers, response.body, took, response.truncated)

    def _target(self, url: str) -> Target:
        target = targets.parse_url(url)
        if target.literal is not None:
            self._check_addresses(target, (target.literal,))
        elif not self._policy.networks and not self._policy.allows_host(target.host, target.port):
            self._check_name(target)
        return target

    async def _is_allowed(self, target: Target) -> bool:
        """Whether the operator allows all addresses of a name."""
        if not self._policy.networks:
            return False
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                found = await self._resolver.addresses(target.host)
        except (RequestFailed, TimeoutError):
            return False
        return bool(found) and all(self._policy.allows_address(each, target.port) for each in found)

    async def _resolve(self, target: Target) -> list[ConnectionKey]:
        """The addresses that the request may go to, all checked. Raises Blocked, RequestFailed."""
        if target.literal is not None:
            found: tuple[Address, ...] = (target.literal,)
        else:
            found = await self._resolver.addresses(target.host)
            self._check_addresses(target, found)
        return [
            ConnectionKey(target.secure, target.host, target.port, address) for address in found
        ]

    def _check_addresses(self, target: Target, addresses: tuple[Address, ...]) -> None:
        """Block a host with any non-public address: a public host has none."""
        if self._policy.allows_host(target.host, target.port):
            return
        others = [a for a in addresses if not self._policy.allows_address(a, target.port)]
        for address in others:
            if why := reason_not_public(address):
                raise Blocked(f"the host's address is {why}")
        if others:
            self._check_scheme_and_port(target)

    def _check_name(self, target: Target) -> None:
        """Block what can be blocked before the name is resolved."""
        if target.is_special:
            raise Blocked("the URL's host has a name that no public host has")
        self._check_scheme_and_port(target)

    def _check_scheme_and_port(self, target: Target) -> None:
        if not target.secure and not self._plain_http:
            raise Blocked("the URL must start with https://")
        if target.port not in self._ports:
            ports = ", ".join(map(str, sorted(self._ports)))
            raise Blocked(f"the URL's port must be one of {ports}")

    async def _exchange(self, keys: list[ConnectionKey], message: bytes) -> ResponseReader:
        for key in keys:
            connection = self._pool.take_idle(key)
            if connection is not None:
                try:
                    return await self._exchange_over(connection, key, message)
                except StaleConnection:
                    break
        return await self._exchange_over(*await self._connect(keys[:MAX_ADDRESSES_TRIED]), message)

    async def _connect(self, keys: list[ConnectionKey]) -> tuple[Connection, ConnectionKey]:
        """A new connection to the first address that accepts one."""
        *others, last = keys
        for key in others:
            try:
                return await self._pool.open(key), key
            except RequestFailed:
                continue
        return await self._pool.open(last), last

    async def _exchange_over(
        self, connection: Connection, key: ConnectionKey, message: bytes
    ) -> ResponseReader:
        try:
            response = await connection.exchange(message, self._max_response_bytes)
        except BaseException:
            connection.abort()
            raise
        self._pool.put_back(key, connection)
        return response
