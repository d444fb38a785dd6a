"""Measures how long /livez takes, again and again, from a process of its own.

python -m chaos.latency_probe PORT    # until standard input is closed; then prints seconds as JSON
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chaos.http_client import Connection, Request

EVERY_S = 0.02


@asynccontextmanager
async def probing(port: int) -> AsyncIterator[list[float]]:
    """A list that contains the seconds of each response after the end of the context."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chaos.latency_probe", str(port),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    delays: list[float] = []
    try:
        yield delays
    finally:
        output, _ = await process.communicate(b"")
        delays += json.loads(output)


async def _probe(port: int) -> list[float]:
    done = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    connection, delays = Connection(port), []
    while not done.done():
        began = time.monotonic()
        assert (await connection.send(Request("GET", "/livez"))).status == 200
        delays.append(time.monotonic() - began)
        await asyncio.sleep(EVERY_S)
    connection.close()
    return delays


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_probe(int(sys.argv[1])))))
