"""One who read everything, and follows since."""

from typing import Any

import msgspec
from msgspec import structs

from koine.dialects.native.realtime import encoder
from koine.dialects.native.realtime.filter import EventFilter
from koine.realtime.realtime import Realtime
from koine.realtime.subscriber import Subscriber
from tests.cast import Cast
from tests.convergence.client_state import ById, ClientState, apply
from tests.drivers.asgi import Caller

BASE = "http://koine.test"


class Follower:
    """A person: what they keep, and the seat they hear on."""

    def __init__(self, cast: Cast, call: Caller, relay: Realtime, name: str) -> None:
        self.name = name
        self.state = ClientState()
        self._actor = cast.acme.actor(name)
        self._call = call.as_(cast.bearer(name))
        self._relay = relay
        self._seat: Subscriber | None = None

    async def begin(self, tickets: list[str], deliveries: list[str]) -> None:
        """Take the cursor, then read everything, then follow."""
        cursor = (await self._get("/v1/events/cursor"))["cursor"]
        self.state = await self.snapshot(tickets, deliveries)
        actor = self._actor

        async def ask() -> Any:
            return actor

        events = encoder.NativeEventEncoder(BASE, _unframed)
        voice = encoder.NativeReader(actor, ask, EventFilter(), events)
        self._seat = await self._relay.connect(voice, cursor)

    async def follow(self) -> list[str]:
        """Apply all that is told by now; the types of it."""
        assert self._seat is not None
        types = []
        while True:
            told = await self._seat.read(0.02)
            assert told.reset is None, told.reset
            events = [msgspec.json.decode(frame) for cursor, frame in told.frames if cursor]
            for event in events:
                types.append(event["type"])
                apply(self.state, event)
            if not told.frames:
                break
        for conversation_id in sorted(self.state.unloaded):
            await self._load_conversation(self.state, conversation_id)
        self.state.unloaded.clear()
        return types

    async def snapshot(self, tickets: list[str], deliveries: list[str]) -> ClientState:
        """Everything the reader sees now, read through the API."""
        kept = ClientState(
            me=(await self._get("/v1/me"))["user"],
            tenant=await self._get("/v1/tenant"),
            conversations=await self._list_all("/v1/conversations") or {},
            users=await self._list_all("/v1/users"),
            contacts=await self._list_all("/v1/contacts"),
            responders=await self._list_all("/v1/responders"),
            inboxes=await self._list_all("/v1/inboxes"),
            deliveries=await self._get_each("/v1/deliveries", deliveries),
        )
        shown = await self._get_each("/v1/tickets", tickets)
        kept.tickets = {
            i: t for i, t in shown.items() if t["conversation_id"] in kept.conversations
        }
        for responder_id in kept.responders or {}:
            found = await self._list_all(f"/v1/responders/{responder_id}/versions")
            kept.versions[responder_id] = found or {}
        for conversation_id in kept.conversations:
            await self._load_conversation(kept, conversation_id)
        return kept

    def differences(self, fresh: ClientState) -> list[str]:
        """Where what is kept is not what is there."""
        found: list[str] = []
        for field in structs.fields(ClientState):
            _compare(
                f"{self.name}: {field.name}",
                getattr(self.state, field.name),
                getattr(fresh, field.name),
                found,
            )
        return found

    async def _load_conversation(self, kept: ClientState, conversation_id: str) -> None:
        path = f"/v1/conversations/{conversation_id}"
        kept.participants[conversation_id] = (
            await self._list_all(f"{path}/participants", "identity_id") or {}
        )
        kept.messages[conversation_id] = await self._list_all(f"{path}/messages")

    async def _get(self, path: str) -> Any:
        reply = await self._call("GET", path, host="koine.test")
        assert reply.status in (200, 403, 404), (path, reply.text)
        return reply.json() if reply.status == 200 else None

    async def _get_each(self, path: str, ids: list[str]) -> ById:
        found = {each: await self._get(f"{path}/{each}") for each in ids}
        return {name: thing for name, thing in found.items() if thing is not None}

    async def _list_all(self, path: str, name: str = "id") -> ById | None:
        found: ById = {}
        cursor: str | None = ""
        while cursor is not None:
            more = f"&cursor={cursor}" if cursor else ""
            page = await self._get(f"{path}?limit=100{more}")
            if page is None:
                return None
            found |= {each[name]: each for each in page["data"]}
            cursor = page["next_cursor"]
        return found


def _unframed(kind: str, data: bytes) -> bytes:
    return data


def _compare(where: str, kept: Any, fresh: Any, found: list[str]) -> None:
    if isinstance(kept, dict) and isinstance(fresh, dict):
        for key in sorted({*kept, *fresh}):
            missing = "(nothing)"
            _compare(f"{where}.{key}", kept.get(key, missing), fresh.get(key, missing), found)
    elif kept != fresh:
        found.append(f"{where}: kept {str(kept)[:200]}, there is {str(fresh)[:200]}")
