"""Two nodes of Koine on one PostgreSQL, with three NATS servers between them, to experiment with.

    python -m examples.cluster

Starts them on this machine, prints commands to paste, restarts a node that was killed, and stops
everything on Ctrl-C. Needs the packages of the tests; deletes its data at the end.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from chaos.servers import Server, ServerHome
from koine.demo import credentials
from tests.support.nats import NatsCluster
from tests.support.postgres import running_postgres

_POLL_SECONDS = 0.2


def main() -> None:
    """Run the cluster until a signal."""
    parser = argparse.ArgumentParser(prog="python -m examples.cluster", description=__doc__)
    parser.add_argument("--port", type=int, default=8420, help="of node A; B's is one more")
    parser.add_argument(
        "--restart-after", type=float, default=5.0, help="seconds until a killed node is restarted"
    )
    arguments = parser.parse_args()
    # SIGINT, too: a shell ignores it for `make cluster &` in a script.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        run(arguments.port, arguments.restart_after)
    _say("All has ended.")


def run(port: int, restart_after: float) -> None:
    """Start the servers, print the instructions, and restart nodes."""
    _say("Starting PostgreSQL, three NATS servers and two nodes …")
    with (
        tempfile.TemporaryDirectory(prefix="koine-cluster-") as folder,
        running_postgres(fsync=True) as postgres,
        NatsCluster(3).start() as nats,
        two_nodes(ServerHome(Path(folder), postgres.url), port, nats.url) as (a, b),
    ):
        asyncio.run(_until_ready(a))  # the first one creates the tables and the demonstration
        b.start()
        asyncio.run(_until_ready(b))
        _say(_topology(a, b, nats))
        _say(_instructions(a, b))
        asyncio.run(_supervise(a, b, restart_after))


@contextlib.contextmanager
def two_nodes(home: ServerHome, port: int, nats_url: str) -> Iterator[tuple[Server, Server]]:
    """Node A, which is started, and B, which is not; the context kills both at its end."""
    settings: dict[str, object] = {"nats_url": nats_url, "demo": True}
    a, b = (Server(home, port=each, settings=settings) for each in (port, port + 1))
    try:
        a.start()
        yield a, b
    finally:
        a.kill()
        b.kill()


async def _until_ready(node: Server) -> None:
    await node.wait_ready()


async def _supervise(a: Server, b: Server, restart_after: float) -> None:
    """Restart each node a few seconds after it has ended."""
    await asyncio.gather(
        _restart_when_ended("A", a, restart_after), _restart_when_ended("B", b, restart_after)
    )


async def _restart_when_ended(name: str, node: Server, restart_after: float) -> None:
    while True:
        await asyncio.sleep(_POLL_SECONDS)
        if not node.runs:
            _say(f"Node {name} has ended; it starts again in {restart_after:.0f} seconds.")
            await asyncio.sleep(restart_after)
            node.start()
            await node.wait_ready()
            _say(f"Node {name} is back, pid {node.pid}.")


def _topology(a: Server, b: Server, nats: NatsCluster) -> str:
    return f"""
node A        {a.url}   pid {a.pid}   log {a.log}
node B        {b.url}   pid {b.pid}   log {b.log}
NATS          pids {" ".join(map(str, nats.pids))}"""


def _instructions(a: Server, b: Server) -> str:
    stored = credentials.read(a.home.folder / "data" / credentials.FILE)
    assert stored is not None, "a node that is ready has created its demonstration"
    demo = stored.demo
    conversation_id = demo.examples.delivery
    return f"""
# Follow a conversation on node A, in a second terminal
export TOKEN={demo.credentials.delivery.tokens.admin}
curl --no-buffer --header "Authorization: Bearer $TOKEN" \\
  "{a.url}/v1/events?conversation_id={conversation_id}"

# Post to it on node B, in a third: it appears on A at once
export TOKEN={demo.credentials.delivery.tokens.admin}
curl --header "Authorization: Bearer $TOKEN" --header "Content-Type: application/json" \\
  --data '{{"content": "Hello from node B"}}' \\
  "{b.url}/v1/conversations/{conversation_id}/messages"

# Kill a NATS server, or two, or all: nothing is lost; with all of them dead it takes up to 1 s
# Kill node A (kill -9 {a.pid}), post on B, then follow on B from the last id that A showed
curl --no-buffer --header "Authorization: Bearer $TOKEN" --header "Last-Event-ID: THE_LAST_ID" \\
  "{b.url}/v1/events?conversation_id={conversation_id}"

Ctrl-C ends all.
"""


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
