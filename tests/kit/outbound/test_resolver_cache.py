"""A name server that never responds keeps neither a request nor the process from ending."""

import subprocess
import sys

HANGING = """
import asyncio, socket, threading
from koine.kit.outbound import OutboundClient, Request, RequestFailed, resolver_cache

async def main():
    client = OutboundClient()
    try:
        await client.send(Request("POST", "https://hooks.example.com/", {}, b""))
    except RequestFailed as error:
        print(error)
    await client.close()

socket.getaddrinfo = lambda *_: threading.Event().wait()
resolver_cache.LOOKUP_TIMEOUT_SECONDS = 0.05
asyncio.run(main())
"""


def test_a_process_ends_while_a_look_up_hangs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "the host's name was not found in time\n"
