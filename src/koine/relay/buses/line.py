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
from koine.relay.bus import Heard, Subject
from koine.store.db import BusTransport

log = logging.getLogger(__name__)

LARGEST = 5 * 1024
"""Bytes of a payload."""
_NODE = 16
_WAITING = 1000
"""Whispers that wait for their turn; of more the oldest are dropped."""
_PATIENCE = 2.0
"""Seconds the other side has for each answer, and after which it is asked whether it is there."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_SUBJECTS = frozenset(get_args(Subject))


class Line:
    """`relay.bus.Bus` over a wire. `pace` is the least time, in seconds, from telling to telling:
    what comes in between is told together, and many wake-ups are one."""

    def __init__(self, wire: BusTransport, pace: float) -> None:
        self._wire = wire
        self._pace = pace
        self._me = secrets.token_hex(_NODE // 2).encode()
        self._moved: bytes | None = None
        self._whispers: deque[bytes] = deque(maxlen=_WAITING)
        self._something = asyncio.Event()
        self.connected = False
        self._task: asyncio.Task[None] | None = None

    async def start(self, heard: Heard) -> None:
        """Begin to listen, and go on trying for ever."""
        self._task = asyncio.create_task(self._live(heard), name="bus")

    def tell(self, subject: Subject, payload: bytes = b"") -> None:
        """Tell the other nodes, soon or never. What is too large is not told."""
        if len(payload) > LARGEST:
            log.warning("%d bytes are too many to tell other nodes", len(payload))
            return
        if subject == "moved":
            self._moved = payload
        elif self.connected:
            self._whispers.append(payload)
        self._something.set()

    async def close(self) -> None:
        """Stop listening and telling."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _live(self, heard: Heard) -> None:
        pause, joined = _FIRST_PAUSE, 0
        while True:
            try:
                async with asyncio.timeout(2 * _PATIENCE):
                    await self._wire.open(self._hearing(heard))
                joined += 1
                self._joined(again=joined > 1)
                pause = _FIRST_PAUSE
                await self._while_it_stands()
            # Whatever it was: nothing depends on the bus, and it is tried again.
            except Exception as error:
                self._lost(error, told=pause > _FIRST_PAUSE)
            finally:
                self.connected = False
                BUS_CONNECTED.set(0)
                await self._hang_up()
            await asyncio.sleep(pause * random.uniform(0.5, 1))
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _while_it_stands(self) -> None:
        """Until the wire breaks, or does not answer in time: then this raises."""
        ends = [asyncio.create_task(self._speak()), asyncio.create_task(self._wire.wait_closed())]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in ends:
                each.cancel()
            results = await asyncio.gather(*ends, return_exceptions=True)
        raise next((r for r in results if isinstance(r, Exception)), ConnectionError("closed"))

    async def _speak(self) -> None:
        """Tell what there is to tell; when there is nothing for a while, ask for a sign of life."""
        while True:
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._something.wait()
            except TimeoutError:
                pass
            async with asyncio.timeout(_PATIENCE):
                await self._wire.publish(self._take())
            await asyncio.sleep(self._pace)

    def _take(self) -> list[tuple[str, bytes]]:
        self._something.clear()
        told: list[tuple[str, bytes]] = [("whisper", self._me + each) for each in self._whispers]
        self._whispers.clear()
        if self._moved is not None:
            told.insert(0, ("moved", self._me + self._moved))
            self._moved = None
        return told

    def _hearing(self, heard: Heard) -> Callable[[str, bytes], None]:
        def listen(subject: str, told: bytes) -> None:
            """Pass on what another node said; others may write to a wire, too."""
            node, payload = told[:_NODE], told[_NODE:]
            if subject not in _SUBJECTS or len(payload) > LARGEST or not _is_node(node):
                return
            if node != self._me:
                heard("moved" if subject == "moved" else "whisper", payload)

        return listen

    async def _hang_up(self) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._wire.close()
        except Exception as error:
            log.debug("the bus did not close well: %r", error)

    def _joined(self, *, again: bool) -> None:
        self.connected = True
        BUS_CONNECTED.set(1)
        if again:
            BUS_RECONNECTS.inc()
        log.info("the bus between nodes is %s", "joined again" if again else "joined")

    def _lost(self, error: Exception, *, told: bool) -> None:
        """Say it once for each time it is lost, not for each attempt."""
        if not told:
            log.warning("the bus between nodes is down: %s: %s", type(error).__name__, error)


def _is_node(name: bytes) -> bool:
    return len(name) == _NODE and all(c in b"0123456789abcdef" for c in name)
