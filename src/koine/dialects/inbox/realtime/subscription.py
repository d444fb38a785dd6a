"""One subscription of a `/cable` socket: a contact's events, and which agents are there."""

from koine.dialects.inbox.realtime import protocol
from koine.dialects.inbox.realtime import schemas as wire
from koine.dialects.inbox.realtime.agent_presence import AgentPresence
from koine.dialects.inbox.realtime.encoder import PRESENCE_CHANGED, InboxReader, event_json
from koine.http.socket import WebSocket
from koine.realtime.subscriber import Batch, Subscriber

_READ_SECONDS = 600.0


class Subscription:
    """Owned by the socket's client, which takes the seat and gives it up."""

    def __init__(
        self,
        socket: WebSocket,
        agents: AgentPresence,
        identifier: str,
        voice: InboxReader,
        seat: Subscriber,
    ) -> None:
        self.identifier = identifier
        self.subscriber = seat
        self._socket = socket
        self._agent_presence = agents
        self._reader = voice
        self._users = b""

    @property
    def is_merged_away(self) -> bool:
        """Whether the place became another contact's, as whom the client may come back."""
        return self._reader.is_merged_away

    async def run(self) -> None:
        """Send all that happens until the seat ends. Raises Closed, Gone, Unavailable."""
        await self._socket.send(protocol.confirmed(self.identifier))
        # Also the first event_id: with it a client comes back that was told nothing else.
        await self.send_presence(self.subscriber.cursor)
        while True:
            await self._send_batch(await self.subscriber.read(_READ_SECONDS))

    async def send_presence(self, event_id: str = "") -> None:
        """Send who of the agents is there. Raises Gone, Unavailable."""
        users = await self._agent_presence.online_users(self._socket.realtime, self._reader.actor)
        self._users = bytes(users)
        told = wire.Present(self._reader.entry.tenant.number, users)
        await self._send(event_json("presence.update", told), event_id)

    async def _send_batch(self, told: Batch) -> None:
        if told.reset is not None:
            reset = wire.Reset(self._reader.entry.tenant.number, told.reset)
            await self._send(event_json("reset", reset), self.subscriber.cursor)
        for cursor, shown in told.frames:
            if shown != PRESENCE_CHANGED:
                await self._send(shown, cursor)
        if any(shown == PRESENCE_CHANGED for _, shown in told.frames):
            users = await self._agent_presence.online_users(
                self._socket.realtime, self._reader.actor
            )
            if bytes(users) != self._users:
                await self.send_presence()

    async def _send(self, payload: bytes, event_id: str = "") -> None:
        await self._socket.send(protocol.message(self.identifier, payload, event_id))
