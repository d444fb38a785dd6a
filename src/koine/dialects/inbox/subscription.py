"""One subscription of a `/cable` socket: a contact's events, and which agents are there."""

from koine.dialects.inbox import frames
from koine.dialects.inbox import wire_live as wire
from koine.dialects.inbox.agents import Agents
from koine.dialects.inbox.stream import PRESENCE, InboxVoice, event
from koine.http.socket import WebSocket
from koine.relay.seat import Seat, Told

_IDLE = 600.0


class Subscription:
    """Owned by the socket's client, which takes the seat and gives it up."""

    def __init__(
        self, socket: WebSocket, agents: Agents, identifier: str, voice: InboxVoice, seat: Seat
    ) -> None:
        self.identifier = identifier
        self.seat = seat
        self._socket = socket
        self._agents = agents
        self._voice = voice
        self._users = b""

    @property
    def moved(self) -> bool:
        """Whether the place became another contact's, as whom the client may come back."""
        return self._voice.moved

    async def follow(self) -> None:
        """Send all that happens until the seat ends. Raises Closed, Gone, Unavailable."""
        await self._socket.send(frames.confirmed(self.identifier))
        # Also the first event_id: with it a client comes back that was told nothing else.
        await self.tell_presence(self.seat.cursor)
        while True:
            await self._tell(await self.seat.read(_IDLE))

    async def tell_presence(self, event_id: str = "") -> None:
        """Send who of the agents is there. Raises Gone, Unavailable."""
        users = await self._agents.users(self._socket.realtime, self._voice.actor)
        self._users = bytes(users)
        told = wire.Present(self._voice.entry.tenant.number, users)
        await self._send(event("presence.update", told), event_id)

    async def _tell(self, told: Told) -> None:
        if told.reset is not None:
            reset = wire.Reset(self._voice.entry.tenant.number, told.reset)
            await self._send(event("reset", reset), self.seat.cursor)
        for cursor, shown in told.frames:
            if shown != PRESENCE:
                await self._send(shown, cursor)
        if any(shown == PRESENCE for _, shown in told.frames):
            users = await self._agents.users(self._socket.realtime, self._voice.actor)
            if bytes(users) != self._users:
                await self.tell_presence()

    async def _send(self, told: bytes, event_id: str = "") -> None:
        await self._socket.send(frames.message(self.identifier, told, event_id))
