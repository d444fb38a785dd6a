"""The client: checks where a request goes, then sends it to an address that was checked."""

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
"""How long `check` looks a name up."""


class OutboundClient:
    """One client for all that the server sends out on somebody's word.

    Only the public internet, only TLS (or `plain_http`), only the ports of the web, but for what
    the operator has `allowed`. Redirects come back as they are, proxies of the environment and
    cookies are not known, and a certificate must be the host's own (`tls` for other authorities).
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
        """`timeout_s` is for all of a request; `max_answer` is the bytes read of a body."""
        self._policy = policy or EgressPolicy()
        self._plain_http = plain_http
        self._ports = ports
        self._timeout_seconds = timeout_seconds
        self._max_response_bytes = max_response_bytes
        self._resolver = ResolverCache(resolver)
        self._pool = ConnectionPool(tls)

    async def check(self, url: str) -> None:
        """Raises Refused for a URL that cannot be sent to. A name is looked up only where the
        operator's own addresses must decide: plain http, another port, a name of no public host."""
        target = self._target(url)
        if target.literal is not None or self._policy.allows_host(target.host, target.port):
            return
        try:
            self._check_name(target)
        except Blocked:
            if not await self._is_allowed(target):
                raise

    async def send(self, request: Request) -> Response:
        """Send a request, and wait for its answer, of whatever status.

        On a kept connection that turns out closed, a request is sent a second time: a receiver
        may see it twice. Raises Refused and Failed, and nothing else.
        """
        try:
            return await self._send(request)
        except Blocked:
            metrics.OUTBOUND_REFUSED.inc()
            raise

    async def close(self) -> None:
        """Close every connection; requests under way fail."""
        self._resolver.close()
        self._pool.close()

    async def _send(self, request: Request) -> Response:
        began = time.perf_counter_ns()
        try:
            target = self._target(request.url)
            message = encode_request(request, target.authority, target.path)
            async with asyncio.timeout(self._timeout_seconds):
                places = await self._resolve(target)
                answer = await self._exchange(places, message)
        except TimeoutError:
            raise RequestFailed(
                f"no whole answer within {self._timeout_seconds:g} seconds"
            ) from None
        took = (time.perf_counter_ns() - began) // 1000
        return Response(answer.status, answer.headers, answer.body, took, answer.truncated)

    def _target(self, url: str) -> Target:
        target = targets.parse_url(url)
        if target.literal is not None:
            self._check_addresses(target, (target.literal,))
        elif not self._policy.networks and not self._policy.allows_host(target.host, target.port):
            self._check_name(target)
        return target

    async def _is_allowed(self, target: Target) -> bool:
        """Whether all addresses of a name are among those the operator allows."""
        if not self._policy.networks:
            return False
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                found = await self._resolver.addresses(target.host)
        except (RequestFailed, TimeoutError):
            return False
        return bool(found) and all(self._policy.allows_address(each, target.port) for each in found)

    async def _resolve(self, target: Target) -> list[ConnectionKey]:
        """Where the request may go, every address looked at. Raises Refused and Failed."""
        if target.literal is not None:
            found: tuple[Address, ...] = (target.literal,)
        else:
            found = await self._resolver.addresses(target.host)
            self._check_addresses(target, found)
        return [
            ConnectionKey(target.secure, target.host, target.port, address) for address in found
        ]

    def _check_addresses(self, target: Target, addresses: tuple[Address, ...]) -> None:
        """One address that is not public refuses all: an honest host has none."""
        if self._policy.allows_host(target.host, target.port):
            return
        strangers = [a for a in addresses if not self._policy.allows_address(a, target.port)]
        for address in strangers:
            if why := reason_not_public(address):
                raise Blocked(f"the host's address is {why}")
        if strangers:
            self._check_scheme_and_port(target)

    def _check_name(self, target: Target) -> None:
        """What of a name can be refused before it is looked up."""
        if target.is_special:
            raise Blocked("the URL's host has a name that no public host has")
        self._check_scheme_and_port(target)

    def _check_scheme_and_port(self, target: Target) -> None:
        if not target.secure and not self._plain_http:
            raise Blocked("the URL must start with https://")
        if target.port not in self._ports:
            ports = ", ".join(map(str, sorted(self._ports)))
            raise Blocked(f"the URL's port must be one of {ports}")

    async def _exchange(self, places: list[ConnectionKey], message: bytes) -> ResponseReader:
        for place in places:
            connection = self._pool.take_idle(place)
            if connection is not None:
                try:
                    return await self._exchange_over(connection, place, message)
                except StaleConnection:
                    break
        return await self._exchange_over(
            *await self._connect(places[:MAX_ADDRESSES_TRIED]), message
        )

    async def _connect(self, places: list[ConnectionKey]) -> tuple[Connection, ConnectionKey]:
        """A new connection to the first of the places that takes one."""
        *others, last = places
        for place in others:
            try:
                return await self._pool.open(place), place
            except RequestFailed:
                continue
        return await self._pool.open(last), last

    async def _exchange_over(
        self, connection: Connection, place: ConnectionKey, message: bytes
    ) -> ResponseReader:
        try:
            answer = await connection.exchange(message, self._max_response_bytes)
        except BaseException:
            connection.abort()
            raise
        self._pool.put_back(place, connection)
        return answer
