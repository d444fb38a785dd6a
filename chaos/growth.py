"""Anonymous calls that try to fill the disk: new contacts, conversations, messages, attributes,
files, and an answer to be kept for each. What they add is at most what the settings say."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from chaos.http_client import Line, Reply, Request
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import SeededTenant, seed
from chaos.servers import ServerHome, nodes

CALLERS = 8
CALLS = 100_000
MIB = 1 << 20
BUDGETS = {
    "inbox_bytes_per_address": 16 * MIB,
    "upload_budget_per_contact": MIB,
    "upload_budget_per_inbox": 16 * MIB,
    "idempotency_bytes_per_caller": MIB,
    "idempotency_bytes_per_tenant": 16 * MIB,
}
"""Small ones, so that the calls are many times what they allow."""
BOUND = sum(size for name, size in BUDGETS.items() if "per_c" not in name)
_WORDS = "word " * 3000
_BAG = {f"name {n}": "x" * 1000 for n in range(12)}


class GrowthResult(Struct, frozen=True):
    """What was seen: how many calls were answered with 200 and with 429, and the bytes that the
    folder of the server's data grew."""

    calls: int
    done: int
    refused: int
    bytes: int


class Upload(Request, frozen=True):
    """A message with a file of 256 KiB."""

    def encoded(self) -> bytes:
        """As it goes over the wire."""
        part = b'--x\r\nContent-Disposition: form-data; name="attachments[]"; filename="a.bin"\r\n'
        sent = part + b"\r\n" + b"\0" * (256 << 10) + b"\r\n--x--\r\n"
        head = (
            f"{self.method} {self.path} HTTP/1.1\r\nHost: here\r\nContent-Length: {len(sent)}\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        )
        return head.encode() + sent


async def run(settings: RigSettings) -> Figure:
    """One server on SQLite; every caller has the same address."""
    calls = settings.trials(CALLS, 3000)
    grown = await upload_until_refused(ServerHome(settings.folder), calls)
    return Figure(
        rig=RIG.name,
        params={"calls": calls, **BUDGETS},
        counts={name: getattr(grown, name) for name in grown.__struct_fields__},
        ok=grown.bytes <= BOUND and grown.refused > 0,
        line=f"{grown.calls:,} anonymous calls, {grown.refused:,} of them refused: database and "
        f"files grow by {grown.bytes / MIB:.0f} MiB (budgets: {BOUND / MIB:.0f})",
    )


async def upload_until_refused(home: ServerHome, calls: int, *, sabotage: str = "") -> GrowthResult:
    """Let all of them call, in turn what each kind of call adds the most by."""
    seeded = await seed(home, 1)
    async with nodes(home, settings=BUDGETS, sabotage=sabotage) as (server,):
        before, turns = _bytes(home.folder / "data"), itertools.count()
        counts: dict[int, int] = {}

        async def call() -> None:
            line = Line(server.port)
            greedy = GreedyClient(seeded, next(turns))
            while sum(counts.values()) < calls:
                reply = await line.ask(greedy.next(), within=60.0)
                greedy.learn(reply)
                counts[reply.status] = counts.get(reply.status, 0) + 1
            line.close()

        await asyncio.gather(*(call() for _ in range(CALLERS)))
        # Ended properly, for the write-ahead log, of up to 64 MiB, is then part of the database.
        await server.terminate()
    after = _bytes(home.folder / "data")
    unknown = counts.keys() - {200, 429}
    assert not unknown, counts
    return GrowthResult(
        sum(counts.values()), counts.get(200, 0), counts.get(429, 0), after - before
    )


class GreedyClient:
    """One stranger, who begins anew with a contact of its own again and again."""

    def __init__(self, seeded: SeededTenant, number: int) -> None:
        self._inbox = f"/public/api/v1/inboxes/{seeded.inbox_identifier}/contacts"
        self._number = number
        self._kinds = itertools.cycle(["contact", "conversation", "say", "file", "patch", "close"])
        self._asked = "contact"
        self._keys: Iterator[int] = itertools.count()
        self._contact = self._talk = ""

    def next(self) -> Request:
        """The next call; without a contact or a conversation, one that would make it."""
        kind = next(self._kinds)
        if not self._contact:
            kind = "contact"
        elif not self._talk and kind not in ("contact", "patch"):
            kind = "conversation"
        self._asked = kind
        key = {"Idempotency-Key": f"{self._number}-{next(self._keys)}"}
        at = f"{self._inbox}/{self._contact}"
        conversation = f"{at}/conversations/{self._talk}"
        if kind == "file":
            return Upload("POST", f"{conversation}/messages")
        return {
            "contact": Request("POST", self._inbox, key, {"custom_attributes": _BAG}),
            "patch": Request("PATCH", at, key, {"custom_attributes": _BAG}),
            "conversation": Request(
                "POST", f"{at}/conversations", key, {"custom_attributes": _BAG}
            ),
            "say": Request("POST", f"{conversation}/messages", key, {"content": _WORDS}),
            "close": Request("POST", f"{conversation}/toggle_status", key),
        }[kind]

    def learn(self, reply: Reply) -> None:
        """What was made is written to from now on."""
        if reply.status != 200 or self._asked not in ("contact", "conversation"):
            return
        told = json.loads(reply.body)
        if self._asked == "contact":
            self._contact, self._talk = str(told["source_id"]), ""
        else:
            self._talk = str(told["id"])


def _bytes(folder: Path) -> int:
    """What the files below a folder have together."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


RIG = Rig(
    name="growth",
    title="unauthenticated calls from one address that make contacts, conversations, messages, "
    "attributes and files, with each response stored",
    goal="100,000 calls: database and files grow by no more than the budgets of the settings",
    run=run,
)
