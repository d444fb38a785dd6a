"""A bus over a wire that may break at any time: joined again for ever, told to at a pace.

Whatever goes wrong is tried again and never reaches the caller. While the wire is down whispers
are dropped, and of all the wake-ups one is kept.

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
"""Bytes of a payload."""
_NODE_ID_BYTES = 16
_MAX_WAITING = 1000
"""Whispers that wait for their turn; of more the oldest are dropped."""
_TIMEOUT_SECONDS = 2.0
"""Seconds the other side has for each answer, and after which it is asked whether it is there."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_SUBJECTS = frozenset(get_args(Subject))


class ReconnectingBus:
    """`relay.bus.Bus` over a wire. `pace` is the least time, in seconds, from telling to telling:
    what comes in between is told together, and many wake-ups are one."""

    def __init__(self, wire: BusTransport, pace: float) -> None:
        self._transport = wire
        self._pace = pace
        self._node_id = secrets.token_hex(_NODE_ID_BYTES // 2).encode()
        self._log_advanced: bytes | None = None
        self._ephemeral: deque[bytes] = deque(maxlen=_MAX_WAITING)
        self._has_pending = asyncio.Event()
        self.connected = False
        self._task: asyncio.Task[None] | None = None

    async def start(self, heard: MessageHandler) -> None:
        """Begin to listen, and go on trying for ever."""
        self._task = asyncio.create_task(self._run(heard), name="bus")

    def publish(self, subject: Subject, payload: bytes = b"") -> None:
        """Tell the other nodes, soon or never. What is too large is not told."""
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
        """Stop listening and telling."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self, heard: MessageHandler) -> None:
        pause, joined = _FIRST_PAUSE, 0
        while True:
            try:
                async with asyncio.timeout(2 * _TIMEOUT_SECONDS):
                    await self._transport.open(self._handler(heard))
                joined += 1
                self._on_connected(again=joined > 1)
                pause = _FIRST_PAUSE
                await self._while_connected()
            # Whatever it was: nothing depends on the bus, and it is tried again.
            except Exception as error:
                self._on_disconnected(error, told=pause > _FIRST_PAUSE)
            finally:
                self.connected = False
                BUS_CONNECTED.set(0)
                await self._close_transport()
            await asyncio.sleep(pause * random.uniform(0.5, 1))
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _while_connected(self) -> None:
        """Until the wire breaks, or does not answer in time: then this raises."""
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
        """Tell what there is to tell; when there is nothing for a while, ask for a sign of life."""
        while True:
            try:
                async with asyncio.timeout(_TIMEOUT_SECONDS):
                    await self._has_pending.wait()
            except TimeoutError:
                pass
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await self._transport.publish(self._take_pending())
            await asyncio.sleep(self._pace)

    def _take_pending(self) -> list[tuple[str, bytes]]:
        self._has_pending.clear()
        told: list[tuple[str, bytes]] = [
            ("ephemeral", self._node_id + each) for each in self._ephemeral
        ]
        self._ephemeral.clear()
        if self._log_advanced is not None:
            told.insert(0, ("log_advanced", self._node_id + self._log_advanced))
            self._log_advanced = None
        return told

    def _handler(self, heard: MessageHandler) -> Callable[[str, bytes], None]:
        def listen(subject: str, told: bytes) -> None:
            """Pass on what another node said; others may write to a wire, too."""
            node, payload = told[:_NODE_ID_BYTES], told[_NODE_ID_BYTES:]
            if (
                subject not in _SUBJECTS
                or len(payload) > MAX_PAYLOAD_BYTES
                or not _is_node_id(node)
            ):
                return
            if node != self._node_id:
                heard("log_advanced" if subject == "log_advanced" else "ephemeral", payload)

        return listen

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

    def _on_disconnected(self, error: Exception, *, told: bool) -> None:
        """Say it once for each time it is lost, not for each attempt."""
        if not told:
            log.warning(
                "the bus between nodes is disconnected: %s: %s", type(error).__name__, error
            )


def _is_node_id(name: bytes) -> bool:
    return len(name) == _NODE_ID_BYTES and all(c in b"0123456789abcdef" for c in name)
