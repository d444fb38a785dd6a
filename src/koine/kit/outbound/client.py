"""The client: checks where a request goes, then sends it to an address that was checked."""

import asyncio
import ssl
import time

from koine.kit import metrics
from koine.kit.outbound import target as targets
from koine.kit.outbound.address import Address, why_not
from koine.kit.outbound.allowed import Allowed
from koine.kit.outbound.answer import Answer
from koine.kit.outbound.connection import Connection, Stale
from koine.kit.outbound.message import Failed, Refused, Reply, Request, written
from koine.kit.outbound.names import Names, Resolver
from koine.kit.outbound.pool import Place, Pool
from koine.kit.outbound.target import Target

PORTS = frozenset({80, 443, 8443})
TIMEOUT_S = 15.0
MAX_ANSWER = 64 * 1024
TRIED_ADDRESSES = 3
CHECK_S = 5.0
"""How long `check` looks a name up."""


class Outbound:
    """One client for all that the server sends out on somebody's word.

    Only the public internet, only TLS (or `plain_http`), only the ports of the web, but for what
    the operator has `allowed`. Redirects come back as they are, proxies of the environment and
    cookies are not known, and a certificate must be the host's own (`tls` for other authorities).
    """

    def __init__(
        self,
        allowed: Allowed | None = None,
        *,
        plain_http: bool = False,
        ports: frozenset[int] = PORTS,
        timeout_s: float = TIMEOUT_S,
        max_answer: int = MAX_ANSWER,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`timeout_s` is for all of a request; `max_answer` is the bytes read of a body."""
        self._allowed = allowed or Allowed()
        self._plain_http = plain_http
        self._ports = ports
        self._timeout_s = timeout_s
        self._max_answer = max_answer
        self._names = Names(resolver)
        self._pool = Pool(tls)

    async def check(self, url: str) -> None:
        """Raises Refused for a URL that cannot be sent to. A name is looked up only where the
        operator's own addresses must decide: plain http, another port, a name of no public host."""
        target = self._target(url)
        if target.literal is not None or self._allowed.host(target.host, target.port):
            return
        try:
            self._judge_name(target)
        except Refused:
            if not await self._is_allowed(target):
                raise

    async def send(self, request: Request) -> Reply:
        """Send a request, and wait for its answer, of whatever status.

        On a kept connection that turns out closed, a request is sent a second time: a receiver
        may see it twice. Raises Refused and Failed, and nothing else.
        """
        try:
            return await self._send(request)
        except Refused:
            metrics.OUTBOUND_REFUSED.inc()
            raise

    async def close(self) -> None:
        """Close every connection; requests under way fail."""
        self._names.close()
        self._pool.close()

    async def _send(self, request: Request) -> Reply:
        began = time.perf_counter_ns()
        try:
            target = self._target(request.url)
            message = written(request, target.authority, target.path)
            async with asyncio.timeout(self._timeout_s):
                places = await self._places(target)
                answer = await self._exchange(places, message)
        except TimeoutError:
            raise Failed(f"no whole answer within {self._timeout_s:g} seconds") from None
        took = (time.perf_counter_ns() - began) // 1000
        return Reply(answer.status, answer.headers, answer.body, took, answer.cut)

    def _target(self, url: str) -> Target:
        target = targets.read(url)
        if target.literal is not None:
            self._judge(target, (target.literal,))
        elif not self._allowed.networks and not self._allowed.host(target.host, target.port):
            self._judge_name(target)
        return target

    async def _is_allowed(self, target: Target) -> bool:
        """Whether all addresses of a name are among those the operator allows."""
        if not self._allowed.networks:
            return False
        try:
            async with asyncio.timeout(CHECK_S):
                found = await self._names.addresses(target.host)
        except (Failed, TimeoutError):
            return False
        return bool(found) and all(self._allowed.address(each, target.port) for each in found)

    async def _places(self, target: Target) -> list[Place]:
        """Where the request may go, every address looked at. Raises Refused and Failed."""
        if target.literal is not None:
            found: tuple[Address, ...] = (target.literal,)
        else:
            found = await self._names.addresses(target.host)
            self._judge(target, found)
        return [Place(target.secure, target.host, target.port, address) for address in found]

    def _judge(self, target: Target, addresses: tuple[Address, ...]) -> None:
        """One address that is not public refuses all: an honest host has none."""
        if self._allowed.host(target.host, target.port):
            return
        strangers = [a for a in addresses if not self._allowed.address(a, target.port)]
        for address in strangers:
            if why := why_not(address):
                raise Refused(f"the host's address is {why}")
        if strangers:
            self._judge_door(target)

    def _judge_name(self, target: Target) -> None:
        """What of a name can be refused before it is looked up."""
        if target.is_special:
            raise Refused("the URL's host has a name that no public host has")
        self._judge_door(target)

    def _judge_door(self, target: Target) -> None:
        if not target.secure and not self._plain_http:
            raise Refused("the URL must start with https://")
        if target.port not in self._ports:
            ports = ", ".join(map(str, sorted(self._ports)))
            raise Refused(f"the URL's port must be one of {ports}")

    async def _exchange(self, places: list[Place], message: bytes) -> Answer:
        for place in places:
            connection = self._pool.idle(place)
            if connection is not None:
                try:
                    return await self._on(connection, place, message)
                except Stale:
                    break
        return await self._on(*await self._opened(places[:TRIED_ADDRESSES]), message)

    async def _opened(self, places: list[Place]) -> tuple[Connection, Place]:
        """A new connection to the first of the places that takes one."""
        *others, last = places
        for place in others:
            try:
                return await self._pool.open(place), place
            except Failed:
                continue
        return await self._pool.open(last), last

    async def _on(self, connection: Connection, place: Place, message: bytes) -> Answer:
        try:
            answer = await connection.exchange(message, self._max_answer)
        except BaseException:
            connection.abort()
            raise
        self._pool.keep(place, connection)
        return answer
