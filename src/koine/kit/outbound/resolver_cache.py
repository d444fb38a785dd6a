"""Resolves host names on a few threads, each name once at a time, and caches the results."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from koine.kit.cache import TTLCache
from koine.kit.daemon_threads import DaemonThreads
from koine.kit.outbound.message import RequestFailed
from koine.kit.outbound.public_address import Address
from koine.kit.times import SECOND

Resolver = Callable[[str], Awaitable[tuple[str, ...]]]
"""Gives the addresses of a name, as text. Raises OSError."""

CACHE_SECONDS = 30
LOOKUP_TIMEOUT_SECONDS = 5.0
THREADS = 8
MAX_NAMES = 10_000
MAX_ADDRESSES = 32


class ResolverCache:
    """Resolves names; results are cached for 30 s only, so that changes take effect soon."""

    def __init__(self, resolver: Resolver | None = None) -> None:
        self._threads = DaemonThreads(THREADS, "names")
        self._resolver = resolver or self._system_resolver
        self._cache: TTLCache[str, tuple[Address, ...]] = TTLCache(MAX_NAMES)
        self._lookups: dict[str, asyncio.Task[tuple[Address, ...]]] = {}

    async def addresses(self, host: str) -> tuple[Address, ...]:
        """Every address of a host, at least one. Raises RequestFailed if none is found in time."""
        now = int(asyncio.get_running_loop().time() * SECOND)
        known = self._cache.get(host, now)
        if known is not None:
            return known
        # A name server that does not respond blocks one thread for each name, not for each caller.
        task = self._lookups.get(host)
        if task is None:
            task = self._lookups[host] = asyncio.create_task(self._look_up(host))
            task.add_done_callback(lambda done: self._looked_up(host, done))
        try:
            async with asyncio.timeout(LOOKUP_TIMEOUT_SECONDS):
                return await asyncio.shield(task)
        except TimeoutError:
            raise RequestFailed("the host's name was not found in time") from None

    def close(self) -> None:
        """Cancel the lookups; running threads end by themselves, or with the process."""
        for task in self._lookups.values():
            task.cancel()

    async def _look_up(self, host: str) -> tuple[Address, ...]:
        try:
            found = tuple(ip_address(text) for text in await self._resolver(host))
        except (OSError, ValueError):
            found = ()
        if not 0 < len(found) <= MAX_ADDRESSES:
            raise RequestFailed("the host's name was not found")
        return found

    def _looked_up(self, host: str, done: asyncio.Task[tuple[Address, ...]]) -> None:
        del self._lookups[host]
        if not done.cancelled() and done.exception() is None:
            now = int(done.get_loop().time() * SECOND)
            self._cache.put(host, done.result(), now + CACHE_SECONDS * SECOND)

    async def _system_resolver(self, host: str) -> tuple[str, ...]:
        looked_up = self._threads.submit(socket.getaddrinfo, host, None, 0, socket.SOCK_STREAM)
        found = await asyncio.wrap_future(looked_up)
        return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
