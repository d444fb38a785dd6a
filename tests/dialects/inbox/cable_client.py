"""A client of `/cable` that sends and receives objects; a live server of the inbox dialect."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from koine.dialects.inbox import InboxDialect
from koine.dialects.native import NativeDialect
from koine.engine.conversations import conversations, messages
from koine.model.actor import operator
from koine.model.conversation import Conversation, NewConversation
from koine.model.inbox import ContactInbox
from koine.model.message import Draft, Message
from koine.realtime.bus.protocol import Bus
from tests.cast import Cast
from tests.support.live_server import Live, live

Frame = dict[str, Any]


def identifier(contact_inbox: ContactInbox, **more: object) -> str:
    """The identifier of a subscription to a contact's stream."""
    return msgspec.json.encode(
        {"channel": "RoomChannel", "pubsub_token": contact_inbox.pubsub_token, **more}
    ).decode()


class CableClient:
    """One socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.event_id = ""

    async def send(self, command: str, identifier: str, **data: object) -> None:
        """Send a command; `data` as the channel's message."""
        command_frame = {"command": command, "identifier": identifier}
        if data:
            command_frame["data"] = msgspec.json.encode(data).decode()
        await self.socket.send(msgspec.json.encode(command_frame).decode())

    async def receive(self, wait: float = 20.0) -> Frame:
        """The next frame that is no ping."""
        async with asyncio.timeout(wait):
            while True:
                frame: Frame = msgspec.json.decode(await self.socket.recv())
                if frame.get("type") != "ping":
                    return frame

    async def event(self, name: str) -> Frame:
        """Wait for the next event of this name; return the frame's `message`."""
        while (frame := (await self.receive()).get("message")) is None or frame["event"] != name:
            self._keep_event_id(frame)
        self._keep_event_id(frame)
        return dict(frame)

    async def events(self) -> list[str]:
        """The names of all events until none comes for a moment, without those of presence."""
        found = []
        while (frame := await self.receive_or_none()) is not None:
            if "message" in frame:
                self._keep_event_id(frame["message"])
                found.append(frame["message"]["event"])
        return [name for name in found if name != "presence.update"]

    async def receive_or_none(self) -> Frame | None:
        """The next frame; None when none comes for a moment."""
        try:
            return await self.receive(0.3)
        except TimeoutError:
            return None

    async def subscribe(self, name: str) -> Frame:
        """Subscribe; return the first frame. After a confirmation, also receive the presence."""
        await self.send("subscribe", name)
        response = await self.receive()
        if response["type"] == "confirm_subscription":
            await self.event("presence.update")
        return response

    async def until_closed(self) -> list[Frame]:
        """The frames until the server closes."""
        found = []
        try:
            while True:
                found.append(await self.receive())
        except ConnectionClosed:
            return found

    def _keep_event_id(self, result: Frame | None) -> None:
        self.event_id = (result or {}).get("event_id", self.event_id)


class LiveServer(Struct):
    """A live server, the cast behind it, and Carol's conversation in the website inbox."""

    cast: Cast
    server: Live
    conversation: Conversation

    @property
    def carol(self) -> ContactInbox:
        """Carol's contact inbox."""
        return self.cast.acme.contact_inboxes["carol"]

    @property
    def dave(self) -> ContactInbox:
        """Dave's contact inbox."""
        return self.cast.acme.contact_inboxes["dave"]

    @asynccontextmanager
    async def connect(self, *contact_inboxes: ContactInbox) -> AsyncIterator[CableClient]:
        """A socket, subscribed to these contact inboxes."""
        offered = [Subprotocol("actioncable-v1-json"), Subprotocol("actioncable-unsupported")]
        async with connect(f"{self.server.ws}/cable", subprotocols=offered) as socket:
            client = CableClient(socket)
            assert await client.receive() == {"type": "welcome"}
            for contact_inbox in contact_inboxes:
                assert (await client.subscribe(identifier(contact_inbox)))[
                    "type"
                ] == "confirm_subscription"
            yield client

    async def send(self, text: str = "Hello", who: str = "alice", **more: Any) -> Message:
        """Send a message in Carol's conversation, as a user of Acme."""
        draft = Draft(content=text, sender_id=self.cast.acme.id(who), **more)
        actor = self.cast.acme.actor(who)
        return await messages.send(self.cast.engine, actor, self.conversation.id, draft)

    async def events_of(self, client: CableClient, contact_inbox: ContactInbox) -> list[str]:
        """The names of the events that the client was sent until now, without those of presence: a
        new conversation of the contact inbox marks their end, since they arrive in their order."""
        marker = (await self.post(contact_inbox, "/conversations")).json()["id"]
        found: list[str] = []
        while True:
            event = (await client.receive()).get("message", {})
            if event.get("event") == "conversation.created" and event["data"]["id"] == marker:
                return found
            if event and event["event"] != "presence.update":
                found.append(event["event"])

    async def post(self, contact_inbox: ContactInbox, path: str, **body: object) -> httpx.Response:
        """POST as the contact's client."""
        return await self.request("POST", contact_inbox, path, json=body)

    async def get(self, contact_inbox: ContactInbox, path: str) -> Any:
        """GET as the contact's client; return the body."""
        return (await self.request("GET", contact_inbox, path)).json()

    async def request(
        self, method: str, contact_inbox: ContactInbox, path: str, **options: Any
    ) -> httpx.Response:
        """Make a request as the contact's client; `path` is below its source id."""
        inbox, contact = self.cast.acme.inbox.identifier, contact_inbox.source_id
        url = f"{self.server.url}/public/api/v1/inboxes/{inbox}/contacts/{contact}{path}"
        async with httpx.AsyncClient() as web:
            response = await web.request(method, url, **options)
            assert response.status_code == 200, response.text
            return response


async def new_conversation(cast: Cast, who: str = "carol") -> Conversation:
    """A conversation that was opened through the contact inbox of this contact."""
    company = cast.acme
    new = NewConversation(
        inbox_id=company.inbox.id,
        owner_id=company.id(who),
        source_id=company.contact_inboxes[who].source_id,
    )
    return await conversations.create(cast.engine, operator(company.tenant.id), new)


@asynccontextmanager
async def live_server(cast: Cast, bus: Bus | None = None) -> AsyncIterator[LiveServer]:
    """A live server of the inbox and native dialects."""
    conversation = await new_conversation(cast)
    async with live(cast.engine, InboxDialect(), NativeDialect(), bus=bus) as server:
        yield LiveServer(cast, server, conversation)
