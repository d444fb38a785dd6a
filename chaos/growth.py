"""Unauthenticated requests that try to fill the disk of a server.

Clients of one address create contacts, conversations, messages, attributes and files by the inbox
dialect, most of them with an idempotency key, so that the response is stored. The rig checks that
the files of the server grow by no more than the byte budgets of its settings.
"""

import asyncio
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from chaos.http_client import Connection, Request, Response
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import seed
from chaos.seeded_tenant import SeededTenant
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
"""Small ones, so that the requests ask for many times as much."""
SHORT_BUDGETS = {name: size // 4 for name, size in BUDGETS.items()}
_LONG_TEXT = "word " * 3000
_ATTRIBUTES = {f"name {n}": "x" * 1000 for n in range(12)}


class GrowthResult(Struct, frozen=True):
    """How many requests were accepted (200) and refused (429), and by how many bytes the folder of
    the server's data grew."""

    calls: int
    accepted: int
    refused: int
    bytes: int


class Upload(Request, frozen=True):
    """A message with a file of 256 KiB."""

    def encoded(self) -> bytes:
        """The bytes of the request."""
        part = b'--x\r\nContent-Disposition: form-data; name="attachments[]"; filename="a.bin"\r\n'
        body = part + b"\r\n" + b"\0" * (256 << 10) + b"\r\n--x--\r\n"
        head = (
            f"{self.method} {self.path} HTTP/1.1\r\nHost: here\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        )
        return head.encode() + body


async def run(settings: RigSettings) -> Figure:
    """Measure one server on SQLite; all clients have the same address."""
    calls, budgets = settings.trials(CALLS, 800), settings.pick(BUDGETS, SHORT_BUDGETS)
    result = await upload_until_refused(ServerHome(settings.folder), calls, budgets)
    return Figure(
        rig=RIG.name,
        params={"calls": calls, **budgets},
        counts={name: getattr(result, name) for name in result.__struct_fields__},
        ok=result.bytes <= budget_sum(budgets) and result.refused > 0,
        line=f"{result.calls:,} anonymous calls, {result.refused:,} of them refused: database and "
        f"files grow by {result.bytes / MIB:.0f} MiB (budgets: {budget_sum(budgets) / MIB:.0f})",
    )


def budget_sum(budgets: dict[str, int]) -> int:
    """The bytes that clients of one address may store in all. The budget of a contact or a caller
    counts within that of its inbox or tenant."""
    return sum(size for name, size in budgets.items() if "per_c" not in name)


async def upload_until_refused(
    home: ServerHome, calls: int, budgets: dict[str, int], *, fault: str = ""
) -> GrowthResult:
    """Let all clients send requests of each kind in turn, each as large as it may be."""
    tenant = await seed(home, 1)
    async with nodes(home, settings=budgets, fault=fault) as (server,):
        before, numbers = _bytes(home.folder / "data"), itertools.count()
        counts: dict[int, int] = {}

        async def call() -> None:
            connection = Connection(server.port)
            client = GreedyClient(tenant, next(numbers))
            while sum(counts.values()) < calls:
                response = await connection.send(client.next(), within=60.0)
                client.learn(response)
                counts[response.status] = counts.get(response.status, 0) + 1
            connection.close()

        await asyncio.gather(*(call() for _ in range(CALLERS)))
        # A clean end moves the write-ahead log, of up to 64 MiB, into the database.
        await server.terminate()
    after = _bytes(home.folder / "data")
    unknown = counts.keys() - {200, 429}
    assert not unknown, counts
    return GrowthResult(
        sum(counts.values()), counts.get(200, 0), counts.get(429, 0), after - before
    )


class GreedyClient:
    """A client that stores as much as it can, and regularly creates another contact."""

    def __init__(self, tenant: SeededTenant, number: int) -> None:
        self._inbox = f"/public/api/v1/inboxes/{tenant.inbox_identifier}/contacts"
        self._number = number
        self._kinds = itertools.cycle(
            ["contact", "conversation", "message", "file", "patch", "close"]
        )
        self._kind = "contact"
        self._keys: Iterator[int] = itertools.count()
        self._contact = self._conversation = ""

    def next(self) -> Request:
        """The next request; while there is no contact or conversation, one that creates it."""
        kind = next(self._kinds)
        if not self._contact:
            kind = "contact"
        elif not self._conversation and kind not in ("contact", "patch"):
            kind = "conversation"
        self._kind = kind
        key = {"Idempotency-Key": f"{self._number}-{next(self._keys)}"}
        contact_path = f"{self._inbox}/{self._contact}"
        conversation = f"{contact_path}/conversations/{self._conversation}"
        if kind == "file":
            return Upload("POST", f"{conversation}/messages")
        return {
            "contact": Request("POST", self._inbox, key, {"custom_attributes": _ATTRIBUTES}),
            "patch": Request("PATCH", contact_path, key, {"custom_attributes": _ATTRIBUTES}),
            "conversation": Request(
                "POST", f"{contact_path}/conversations", key, {"custom_attributes": _ATTRIBUTES}
            ),
            "message": Request("POST", f"{conversation}/messages", key, {"content": _LONG_TEXT}),
            "close": Request("POST", f"{conversation}/toggle_status", key),
        }[kind]

    def learn(self, response: Response) -> None:
        """Use the contact or conversation that was created for the next requests."""
        if response.status != 200 or self._kind not in ("contact", "conversation"):
            return
        body = json.loads(response.body)
        if self._kind == "contact":
            self._contact, self._conversation = str(body["source_id"]), ""
        else:
            self._conversation = str(body["id"])


def _bytes(folder: Path) -> int:
    """The size of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


RIG = Rig(
    name="growth",
    title="unauthenticated calls from one address that make contacts, conversations, messages, "
    "attributes and files, with each response stored",
    goal="100,000 calls: database and files grow by no more than the budgets of the settings",
    run=run,
)
