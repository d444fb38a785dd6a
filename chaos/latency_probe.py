"""One who asks /livez all the time, in a process of its own: how long each answer took.

python -m chaos.latency_probe PORT    # until standard input is closed; then the seconds, as JSON
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chaos.http_client import Line, Request

EVERY_S = 0.02


@asynccontextmanager
async def probing(port: int) -> AsyncIterator[list[float]]:
    """The seconds that each answer took, once the context has ended."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chaos.latency_probe", str(port),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    delays: list[float] = []
    try:
        yield delays
    finally:
        told, _ = await process.communicate(b"")
        delays += json.loads(told)


async def _probe(port: int) -> list[float]:
    done = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    line, delays = Line(port), []
    while not done.done():
        began = time.monotonic()
        assert (await line.ask(Request("GET", "/livez"))).status == 200
        delays.append(time.monotonic() - began)
        await asyncio.sleep(EVERY_S)
    line.close()
    return delays


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_probe(int(sys.argv[1])))))
