"""One subscription of a `/cable` socket: a contact's events, and which agents are online."""

from koine.dialects.inbox.realtime import actioncable_protocol as protocol
from koine.dialects.inbox.realtime import schemas
from koine.dialects.inbox.realtime.agent_presence import AgentPresence
from koine.dialects.inbox.realtime.encoder import PRESENCE_CHANGED, InboxReader, event_json
from koine.http.socket import WebSocket
from koine.realtime.subscriber import Batch, Subscriber

_READ_SECONDS = 600.0


class Subscription:
    """Sends the events of one subscriber. The socket's client owns it, and connects and disconnects
    the subscriber."""

    def __init__(
        self,
        socket: WebSocket,
        agent_presence: AgentPresence,
        identifier: str,
        reader: InboxReader,
        subscriber: Subscriber,
    ) -> None:
        self.identifier = identifier
        self.subscriber = subscriber
        self._socket = socket
        self._agent_presence = agent_presence
        self._reader = reader
        self._sent_users = b""

    @property
    def is_merged_away(self) -> bool:
        """Whether the contact inbox belongs to another contact by now, as whom the client may
        reconnect."""
        return self._reader.is_merged_away

    async def run(self) -> None:
        """Send events until the subscriber ends. Raises Closed, Disconnected, Unavailable."""
        await self._socket.send(protocol.confirmed(self.identifier))
        # This also carries the first event_id, with which a client can resume that received no
        # other event.
        await self.send_presence(self.subscriber.cursor)
        while True:
            await self._send_batch(await self.subscriber.read(_READ_SECONDS))

    async def send_presence(self, event_id: str = "") -> None:
        """Send which agents are online. Raises Disconnected, Unavailable."""
        users = await self._agent_presence.online_users(self._socket.realtime, self._reader.actor)
        self._sent_users = bytes(users)
        presence = schemas.Presence(self._reader.caller.tenant.number, users)
        await self._send(event_json("presence.update", presence), event_id)

    async def _send_batch(self, batch: Batch) -> None:
        if batch.reset is not None:
            reset = schemas.Reset(self._reader.caller.tenant.number, batch.reset)
            await self._send(event_json("reset", reset), self.subscriber.cursor)
        for cursor, payload in batch.frames:
            if payload != PRESENCE_CHANGED:
                await self._send(payload, cursor)
        if any(payload == PRESENCE_CHANGED for _, payload in batch.frames):
            users = await self._agent_presence.online_users(
                self._socket.realtime, self._reader.actor
            )
            if bytes(users) != self._sent_users:
                await self.send_presence()

    async def _send(self, payload: bytes, event_id: str = "") -> None:
        await self._socket.send(protocol.message(self.identifier, payload, event_id))
