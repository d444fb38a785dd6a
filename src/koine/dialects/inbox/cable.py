"""`/cable`: ActionCable, over which a contact's client hears what happens (inbox.md, F)."""

import asyncio
import contextlib

from koine.dialects.inbox import frames
from koine.dialects.inbox import wire_live as wire
from koine.dialects.inbox.agents import Agents
from koine.dialects.inbox.beats import Beats
from koine.dialects.inbox.stream import PRESENCE, InboxEventEncoder, InboxVoice, event
from koine.engine import contact_entry
from koine.engine.contact_entry import Entry
from koine.http.limits import RateLimiter
from koine.http.socket import COME_BACK, NORMAL, POLICY, Gone, Socket
from koine.kit import metrics
from koine.kit.times import unix
from koine.model.errors import Refusal, TooMany, Unavailable
from koine.relay.relay import Relay
from koine.relay.seat import Closed, Seat, Told

PER_ADDRESS = 10
"""How many times the rate of one contact an address may subscribe (an office, a proxy)."""
COMMANDS_PER_MINUTE = 600
MOST_SUBSCRIPTIONS = 20
_IDLE = 600.0


class Cable:
    """What the sockets of a process share."""

    def __init__(self) -> None:
        self.agents = Agents()
        self.subscribing = RateLimiter()
        self.saying = RateLimiter()
        self._beats: Beats | None = None

    def beats(self, relay: Relay) -> Beats:
        """The one heartbeat."""
        if self._beats is None:
            self._beats = Beats(lambda: frames.ping(unix(relay.engine.clock.now())))
        return self._beats

    async def serve(self, socket: Socket) -> None:
        """One connection, from its handshake to its end."""
        relay = socket.relay
        await socket.accept(frames.PROTOCOL if frames.PROTOCOL in socket.offered else None)
        client = Client(self, socket)
        with contextlib.suppress(Gone):
            await socket.send(frames.WELCOME)
            beats = self.beats(relay)
            beats.join(client)
            try:
                await client.listen()
            finally:
                beats.leave(client)
                self.saying.forget(socket.call.request_id)
                await client.leave()


class Client:
    """One socket, and what it is subscribed to, by identifier."""

    def __init__(self, cable: Cable, socket: Socket) -> None:
        self.socket = socket
        self.relay = socket.relay
        self.cable = cable
        self._subscribed: dict[str, Subscription] = {}
        self._following: set[Subscription] = set()
        self._ended = False
        self._due = self._soon()
        self._pinging = False

    async def listen(self) -> None:
        """Do what the client says until it is gone. Raises Gone."""
        engine, name = self.relay.engine, self.socket.call.request_id
        while not self._ended:
            said = await self.socket.receive()
            try:
                self.cable.saying.check(name, COMMANDS_PER_MINUTE, engine.clock.now())
                await self._do(frames.command(said))
            except TooMany:
                await self.end("invalid_request", True)
            except Unavailable:
                await self.end("server_restart", True)

    async def ping(self, text: str) -> None:
        """Say that the server is there; or that it is about to go."""
        if self._pinging:
            return
        self._pinging = True
        with contextlib.suppress(Gone):
            if not self._following and asyncio.get_running_loop().time() > self._due:
                metrics.CONNECTIONS_ENDED.labels("hello").inc()
                await self.end("unauthorized", False)
            elif self.relay.draining.begun:
                await self.end("server_restart", True)
            else:
                await self.socket.send(text)
        self._pinging = False

    async def end(self, reason: frames.Reason, reconnect: bool) -> None:
        """Say the last word, once, and close. Raises Gone."""
        if self._ended:
            return
        self._ended = True
        await self.socket.send(frames.disconnect(reason, reconnect))
        code = {"unauthorized": POLICY, "server_restart": COME_BACK}.get(reason, NORMAL)
        await self.socket.close(code, reason)

    async def revoke(self, identifier: str, reconnect: bool) -> None:
        """A subscription has lost its right. The socket ends with its last one. Raises Gone."""
        if len(self._subscribed) > 1 and not reconnect:
            await self.socket.send(frames.rejected(identifier))
        else:
            await self.end("remote" if reconnect else "unauthorized", reconnect)

    def drop(self, identifier: str, over: "Subscription") -> None:
        """A subscription is over; there may be a newer one by its name."""
        self._following.discard(over)
        if self._subscribed.get(identifier) is over:
            del self._subscribed[identifier]
        self._due = self._soon()

    def _soon(self) -> float:
        """When a socket must follow something, on the clock of the loop."""
        return asyncio.get_running_loop().time() + self.relay.engine.settings.hello_seconds

    async def leave(self) -> None:
        """The client is gone."""
        left = list(self._following)
        for each in left:
            each.task.cancel()
            each.over()
        await asyncio.gather(*(each.task for each in left), return_exceptions=True)

    async def _do(self, said: frames.Command | None) -> None:
        """What is no command, or is about no subscription, is ignored (F)."""
        if said is None:
            return
        known = self._subscribed.get(said.identifier)
        match said.command:
            case "subscribe" if known is None:
                await self._subscribe(said.identifier)
            case "unsubscribe" if known is not None:
                del self._subscribed[said.identifier]
                known.stop()
            case "message" if known is not None and frames.action(said.data) == "update_presence":
                await known.tell_presence()

    async def _subscribe(self, identifier: str) -> None:
        """Raises TooMany, Unavailable, Gone."""
        if self.relay.draining.begun:
            raise Unavailable()
        asked, call = frames.wanted(identifier), self.socket.call
        engine = call.engine
        per_minute = engine.settings.inbox_rate_limit_per_minute * PER_ADDRESS
        self.cable.subscribing.check(call.counted_ip, per_minute, engine.clock.now())
        if asked is None or len(self._subscribed) >= MOST_SUBSCRIPTIONS:
            await self.socket.send(frames.rejected(identifier))
            return
        token = asked.pubsub_token

        async def ask() -> Entry:
            return await contact_entry.listen(engine, token)

        try:
            voice = InboxVoice(await ask(), ask, InboxEventEncoder(call.base_url))
        except (TooMany, Unavailable):
            raise
        except Refusal:
            await self.socket.send(frames.rejected(identifier))
            return
        held: list[str] = []
        call.count_credential(held, voice.actor)
        try:
            seat = await self.relay.seat(voice, asked.last_event_id or None)
        except BaseException:
            call.release(held)
            raise
        made = self._subscribed[identifier] = Subscription(self, identifier, voice, seat, held)
        self._following.add(made)


class Subscription:
    """One contact's ear on a socket."""

    def __init__(
        self, client: Client, identifier: str, voice: InboxVoice, seat: Seat, held: list[str]
    ) -> None:
        self._client = client
        self._identifier = identifier
        self._voice = voice
        self._seat = seat
        self._held = held
        self._users = b""
        self._is_over = False
        self.task = asyncio.create_task(self._run())

    def stop(self) -> None:
        """Hear no more."""
        self._seat.leave()

    def over(self) -> None:
        """Give up the seat, once."""
        if not self._is_over:
            self._is_over = True
            self._client.socket.call.release(self._held)
            self._client.relay.leave(self._seat)
            self._client.drop(self._identifier, self)

    async def tell_presence(self, event_id: str = "") -> None:
        """Say who of the agents is there. Raises Gone, Unavailable."""
        entry, client = self._voice.entry, self._client
        users = await client.cable.agents.users(client.relay, self._voice.actor)
        self._users = bytes(users)
        told = wire.Present(entry.tenant.number, users)
        await self._send(event("presence.update", told), event_id)

    async def _run(self) -> None:
        client = self._client
        try:
            with contextlib.suppress(Gone):
                try:
                    await self._follow()
                except Closed as closed:
                    await self._closed(closed)
                except Unavailable:
                    await client.end("server_restart", True)
        finally:
            self.over()

    async def _follow(self) -> None:
        """Raises Closed, Gone, Unavailable."""
        await self._client.socket.send(frames.confirmed(self._identifier))
        # Also the first event_id: with it a client comes back that was told nothing else.
        await self.tell_presence(self._seat.cursor)
        while True:
            await self._tell(await self._seat.read(_IDLE))

    async def _tell(self, told: Told) -> None:
        entry, seat = self._voice.entry, self._seat
        if told.reset is not None:
            reset = wire.Reset(entry.tenant.number, told.reset)
            await self._send(event("reset", reset), seat.cursor)
        for cursor, shown in told.frames:
            if shown != PRESENCE:
                await self._send(shown, cursor)
        if any(shown == PRESENCE for _, shown in told.frames):
            users = await self._client.cable.agents.users(self._client.relay, self._voice.actor)
            if bytes(users) != self._users:
                await self.tell_presence()

    async def _closed(self, closed: Closed) -> None:
        client = self._client
        match closed.reason:
            case "gone":
                return
            case "revoked" | "expired":
                await client.revoke(self._identifier, self._voice.moved)
            case "slow":
                await client.end("remote", True)
            case "draining" | "moved":
                await client.end("server_restart", True)

    async def _send(self, told: bytes, event_id: str = "") -> None:
        await self._client.socket.send(frames.message(self._identifier, told, event_id))
