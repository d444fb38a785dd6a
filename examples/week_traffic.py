"""Sends messages while the operator works, and compares what was acknowledged with what is stored.

    python examples/week_traffic.py send FOLDER
    python examples/week_traffic.py compare FOLDER

`send` goes on until SIGTERM, and exits with 1 if a request failed. `compare` exits with 1 if a
message was lost or stored twice. FOLDER has the files `url`, `ca.pem` (the authority of its
certificate), `conversation` (an id) and `key`, which is read before each request, so that it can be
replaced meanwhile. If there is a file `repeat` in it, requests that fail are repeated with their
Idempotency-Key. Only Python's standard library is needed.
"""

import http.client
import json
import signal
import ssl
import sys
import threading
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SENDERS = 2
PAUSE_S = 0.2
"""Seconds between two messages of a sender."""
PATIENCE_S = 60
"""Seconds for which a request is repeated, and for which a response is waited for."""
BETWEEN_REPEATS_S = 0.1
PAGE = 100
NAMES = ("sent", "acknowledged", "repeated", "failed")


class Failed(Exception):
    """A request without the expected response, and why."""


class Client:
    """The API of the server that FOLDER describes, over one connection."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        place = urlsplit((folder / "url").read_text().strip())
        context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        self._connection = http.client.HTTPSConnection(
            place.netloc, timeout=PATIENCE_S, context=context
        )
        conversation = (folder / "conversation").read_text().strip()
        self._path = f"/v1/conversations/{conversation}/messages"

    def post(self, content: str, key: str) -> None:
        """Send a message under an Idempotency-Key. Raises Failed."""
        self._request("POST", "", 201, {"content": content}, {"Idempotency-Key": key})

    def contents(self) -> list[str]:
        """The text of each stored message, oldest first. Raises Failed."""
        found: list[str] = []
        after = 0
        while items := self._request("GET", f"?order=asc&limit={PAGE}&after={after}", 200)["data"]:
            found += [each["content"] for each in items]
            after = items[-1]["seq"]
        return found

    def _request(
        self,
        method: str,
        query: str,
        expected: int,
        body: object = None,
        more: dict[str, str] | None = None,
    ) -> Any:
        headers = {
            "Authorization": f"Bearer {(self._folder / 'key').read_text().strip()}",
            "Content-Type": "application/json",
        }
        text = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, self._path + query, text, headers | (more or {}))
            response = self._connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Failed(repr(error)) from None
        if response.status != expected:
            raise Failed(f"{response.status} {answer[:200].decode(errors='replace')}")
        return json.loads(answer)


class Traffic:
    """What `send` does: several senders, and what became of their messages."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._repeats = (folder / "repeat").exists()
        self._acknowledged = (folder / "acknowledged").open("a")
        self._unsure = (folder / "unsure").open("a")
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._slowest = 0.0
        self.stopping = threading.Event()

    def work(self) -> None:
        """Send until `stopping` is set."""
        client = Client(self._folder)
        while not self.stopping.wait(PAUSE_S):
            content, began = f"message {uuid.uuid4()}", time.monotonic()
            acknowledged = self._send(client, content)
            with self._lock:
                self._counts["sent"] += 1
                self._counts["acknowledged" if acknowledged else "failed"] += 1
                self._slowest = max(self._slowest, time.monotonic() - began)
                file = self._acknowledged if acknowledged else self._unsure
                file.write(f"{content}\n")
                file.flush()

    def _send(self, client: Client, content: str) -> bool:
        """Send a message, with repetitions if they are wanted; whether it was acknowledged."""
        key, until = str(uuid.uuid4()), time.monotonic() + PATIENCE_S
        while True:
            try:
                client.post(content, key)
            except Failed as fault:
                with self._lock:
                    self._faults[str(fault)] += 1
                if not self._repeats or time.monotonic() > until:
                    return False
                with self._lock:
                    self._counts["repeated"] += 1
                time.sleep(BETWEEN_REPEATS_S)
            else:
                return True

    def report(self) -> bool:
        """Print the counts; whether every message was acknowledged."""
        counts = (f"{name} {self._counts[name]}" for name in NAMES)
        sys.stdout.write(f"{', '.join(counts)}; the longest took {self._slowest:.1f} s\n")
        if self._counts["failed"]:
            sys.stderr.write(f"failed: {dict(self._faults)}\n")
        return not self._counts["failed"]


def send(folder: Path) -> bool:
    """Send until SIGTERM; whether every message was acknowledged."""
    traffic = Traffic(folder)
    signal.signal(signal.SIGTERM, lambda *_: traffic.stopping.set())
    senders = [threading.Thread(target=traffic.work) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    traffic.stopping.wait()
    for sender in senders:
        sender.join()
    return traffic.report()


def compare(folder: Path) -> bool:
    """Compare the messages that were acknowledged with those that are stored; whether each was
    stored once, and nothing else."""
    acknowledged = set((folder / "acknowledged").read_text().splitlines())
    unsure = set((folder / "unsure").read_text().splitlines())
    stored = Counter(Client(folder).contents())
    lost, unknown = acknowledged - stored.keys(), stored.keys() - acknowledged - unsure
    doubled = [content for content, times in stored.items() if times > 1]
    sys.stdout.write(
        f"stored {stored.total()}, acknowledged {len(acknowledged)}; "
        f"lost {len(lost)}, doubled {len(doubled)}, unknown {len(unknown)}\n"
    )
    return not (lost or doubled or unknown)


if __name__ == "__main__":
    command = {"send": send, "compare": compare}[sys.argv[1]]
    sys.exit(not command(Path(sys.argv[2])))
