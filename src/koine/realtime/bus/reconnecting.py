"""A bus over a transport that may break at any time: it reconnects forever, and sends at a pace.

Every error is retried and none reaches the caller. While the transport is down ephemeral events are
dropped, and of all hints one is kept.

No `kit.batching.Batcher`: a payload has no result, is sent at a pace, and may be dropped.
"""

import asyncio
import logging
import random
import secrets
from collections import deque
from collections.abc import Callable
from typing import get_args

from koine.kit.metrics import BUS_CONNECTED, BUS_RECONNECTS
from koine.realtime.bus.protocol import MessageHandler, Subject
from koine.store.core.db import BusTransport

log = logging.getLogger(__name__)

MAX_PAYLOAD_BYTES = 5 * 1024
"""Bytes of a payload, at most."""
_NODE_ID_BYTES = 16
_MAX_WAITING = 1000
"""Ephemeral events that wait to be sent; of more, the oldest are dropped."""
_TIMEOUT_SECONDS = 2.0
"""Seconds within which the other side must reply, and of silence after which it is probed."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_SUBJECTS = frozenset(get_args(Subject))


class ReconnectingBus:
    """A `Bus` over a transport. `interval` is the least time, in seconds, between two sends:
    messages in between are sent together, and many hints become one."""

    def __init__(self, transport: BusTransport, interval: float) -> None:
        self._transport = transport
        self._interval = interval
        self._node_id = secrets.token_hex(_NODE_ID_BYTES // 2).encode()
        self._log_advanced: bytes | None = None
        self._ephemeral: deque[bytes] = deque(maxlen=_MAX_WAITING)
        self._has_pending = asyncio.Event()
        self.connected = False
        self._task: asyncio.Task[None] | None = None

    async def start(self, on_message: MessageHandler) -> None:
        """Connect in a task that retries forever."""
        self._task = asyncio.create_task(self._run(on_message), name="bus")

    def publish(self, subject: Subject, payload: bytes = b"") -> None:
        """Send soon, or never. A payload that is too large is dropped."""
        if len(payload) > MAX_PAYLOAD_BYTES:
            log.warning(
                "a bus message of %d bytes is too large and was not published", len(payload)
            )
            return
        if subject == "log_advanced":
            self._log_advanced = payload
        elif self.connected:
            self._ephemeral.append(payload)
        self._has_pending.set()

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self, on_message: MessageHandler) -> None:
        pause, connections = _FIRST_PAUSE, 0
        while True:
            try:
                async with asyncio.timeout(2 * _TIMEOUT_SECONDS):
                    await self._transport.open(self._handler(on_message))
                connections += 1
                self._on_connected(again=connections > 1)
                pause = _FIRST_PAUSE
                await self._while_connected()
            # Any error: nothing depends on the bus, and the next attempt follows.
            except Exception as error:
                self._on_disconnected(error, is_retry=pause > _FIRST_PAUSE)
            finally:
                self.connected = False
                BUS_CONNECTED.set(0)
                await self._close_transport()
            await asyncio.sleep(pause * random.uniform(0.5, 1))
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _while_connected(self) -> None:
        """Send until the transport breaks or does not reply in time; then raises."""
        ends = [
            asyncio.create_task(self._send_loop()),
            asyncio.create_task(self._transport.wait_closed()),
        ]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in ends:
                each.cancel()
            results = await asyncio.gather(*ends, return_exceptions=True)
        raise next((r for r in results if isinstance(r, Exception)), ConnectionError("closed"))

    async def _send_loop(self) -> None:
        """Send what is pending; after a time without anything, probe the connection."""
        while True:
            try:
                async with asyncio.timeout(_TIMEOUT_SECONDS):
                    await self._has_pending.wait()
            except TimeoutError:
                pass
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await self._transport.publish(self._take_pending())
            await asyncio.sleep(self._interval)

    def _take_pending(self) -> list[tuple[str, bytes]]:
        self._has_pending.clear()
        pending: list[tuple[str, bytes]] = [
            ("ephemeral", self._node_id + each) for each in self._ephemeral
        ]
        self._ephemeral.clear()
        if self._log_advanced is not None:
            pending.insert(0, ("log_advanced", self._node_id + self._log_advanced))
            self._log_advanced = None
        return pending

    def _handler(self, on_message: MessageHandler) -> Callable[[str, bytes], None]:
        def receive(subject: str, message: bytes) -> None:
            """Pass on another node's message. Others may write to the same transport."""
            node, payload = message[:_NODE_ID_BYTES], message[_NODE_ID_BYTES:]
            if (
                subject not in _SUBJECTS
                or len(payload) > MAX_PAYLOAD_BYTES
                or not _is_node_id(node)
            ):
                return
            if node != self._node_id:
                on_message("log_advanced" if subject == "log_advanced" else "ephemeral", payload)

        return receive

    async def _close_transport(self) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await self._transport.close()
        except Exception as error:
            log.debug("the bus connection could not be closed: %r", error)

    def _on_connected(self, *, again: bool) -> None:
        self.connected = True
        BUS_CONNECTED.set(1)
        if again:
            BUS_RECONNECTS.inc()
        log.info("the bus between nodes is %s", "connected again" if again else "connected")

    def _on_disconnected(self, error: Exception, *, is_retry: bool) -> None:
        """Log each loss of the connection once, not each attempt to reconnect."""
        if not is_retry:
            log.warning(
                "the bus between nodes is disconnected: %s: %s", type(error).__name__, error
            )


def _is_node_id(name: bytes) -> bool:
    return len(name) == _NODE_ID_BYTES and all(c in b"0123456789abcdef" for c in name)
