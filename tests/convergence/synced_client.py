"""A client that loaded everything once, and applies events since."""

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


class SyncedClient:
    """A client of one person: its state, and its subscriber."""

    def __init__(self, cast: Cast, call: Caller, realtime: Realtime, name: str) -> None:
        self.name = name
        self.state = ClientState()
        self._actor = cast.acme.actor(name)
        self._call = call.with_headers(cast.bearer(name))
        self._realtime = realtime
        self._keys = cast.engine.encryption
        self._subscriber: Subscriber | None = None

    async def begin(self, tickets: list[str], deliveries: list[str]) -> None:
        """Get the cursor, then load everything, then subscribe after the cursor."""
        cursor = (await self._get("/v1/events/cursor"))["cursor"]
        self.state = await self.snapshot(tickets, deliveries)
        actor = self._actor

        async def ask() -> Any:
            return actor

        events = encoder.NativeEventEncoder(BASE, _unframed, self._keys)
        reader = encoder.NativeReader(actor, ask, EventFilter(), events)
        self._subscriber = await self._realtime.connect(reader, cursor)

    async def follow(self) -> list[str]:
        """Apply all events that the hub has dispatched; their types."""
        assert self._subscriber is not None
        types = []
        while True:
            batch = await self._subscriber.read(0)
            assert batch.reset is None, batch.reset
            events = [msgspec.json.decode(frame) for cursor, frame in batch.frames if cursor]
            for event in events:
                types.append(event["type"])
                apply(self.state, event)
            if not batch.frames:
                break
        for conversation_id in sorted(self.state.unloaded):
            await self._load_conversation(self.state, conversation_id)
        self.state.unloaded.clear()
        return types

    async def snapshot(self, tickets: list[str], deliveries: list[str]) -> ClientState:
        """Everything that the person may read now, loaded through the API."""
        state = ClientState(
            me=(await self._get("/v1/me"))["user"],
            tenant=await self._get("/v1/tenant"),
            conversations=await self._list_all("/v1/conversations") or {},
            users=await self._list_all("/v1/users"),
            contacts=await self._list_all("/v1/contacts"),
            responders=await self._list_all("/v1/responders"),
            inboxes=await self._list_all("/v1/inboxes"),
            deliveries=await self._get_each("/v1/deliveries", deliveries),
        )
        all_tickets = await self._get_each("/v1/tickets", tickets)
        state.tickets = {
            i: t for i, t in all_tickets.items() if t["conversation_id"] in state.conversations
        }
        for responder_id in state.responders or {}:
            found = await self._list_all(f"/v1/responders/{responder_id}/versions")
            state.versions[responder_id] = found or {}
        for conversation_id in state.conversations:
            await self._load_conversation(state, conversation_id)
        return state

    def differences(self, fresh: ClientState) -> list[str]:
        """Where the state differs from a fresh snapshot."""
        found: list[str] = []
        for field in structs.fields(ClientState):
            _compare(
                f"{self.name}: {field.name}",
                getattr(self.state, field.name),
                getattr(fresh, field.name),
                found,
            )
        return found

    async def _load_conversation(self, state: ClientState, conversation_id: str) -> None:
        path = f"/v1/conversations/{conversation_id}"
        state.participants[conversation_id] = (
            await self._list_all(f"{path}/participants", "identity_id") or {}
        )
        state.messages[conversation_id] = await self._list_all(f"{path}/messages")

    async def _get(self, path: str) -> Any:
        response = await self._call("GET", path, host="koine.test")
        assert response.status in (200, 403, 404), (path, response.text)
        return response.json() if response.status == 200 else None

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


def _compare(where: str, state: Any, fresh: Any, found: list[str]) -> None:
    if isinstance(state, dict) and isinstance(fresh, dict):
        for key in sorted({*state, *fresh}):
            missing = "(missing)"
            _compare(f"{where}.{key}", state.get(key, missing), fresh.get(key, missing), found)
    elif state != fresh:
        found.append(f"{where}: state {str(state)[:200]}, fresh {str(fresh)[:200]}")
