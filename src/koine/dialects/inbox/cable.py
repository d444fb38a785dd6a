"""`/cable`: ActionCable, over which a contact's client hears what happens (inbox.md, F)."""

import asyncio
import contextlib

from msgspec import Struct

from koine.dialects.inbox import frames
from koine.dialects.inbox.agents import Agents
from koine.dialects.inbox.beats import Beats
from koine.dialects.inbox.stream import InboxEventEncoder, InboxVoice
from koine.dialects.inbox.subscription import Subscription
from koine.engine import contact_entry
from koine.engine.contact_entry import ContactSession
from koine.http.call import AnyRequest
from koine.http.limits import RateLimiter
from koine.http.socket import NORMAL, POLICY_VIOLATION, SERVICE_RESTART, Disconnected, WebSocket
from koine.kit import metrics
from koine.kit.times import unix
from koine.model.errors import Refusal, TooMany, Unavailable
from koine.relay.relay import Relay
from koine.relay.seat import Closed

PER_ADDRESS = 10
"""How many times the rate of one contact an address may subscribe (an office, a proxy)."""
COMMANDS_PER_MINUTE = 600
MOST_SUBSCRIPTIONS = 20


class Following(Struct, frozen=True):
    """The task that follows a subscription, and what it counts towards."""

    task: asyncio.Task[None]
    held: list[str]


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

    async def serve(self, socket: WebSocket) -> None:
        """One connection, from its handshake to its end."""
        relay = socket.realtime
        await socket.accept(frames.PROTOCOL if frames.PROTOCOL in socket.subprotocols else None)
        client = Client(self, socket)
        with contextlib.suppress(Disconnected):
            await socket.send(frames.WELCOME)
            beats = self.beats(relay)
            beats.join(client)
            try:
                await client.listen()
            finally:
                beats.leave(client)
                self.saying.reset(socket.call.request_id)
                await client.leave()


class Client:
    """One socket, and its subscriptions by identifier. Each is followed by a task of its own; an
    identifier that was given up may be subscribed to anew while the old one's task still ends."""

    def __init__(self, cable: Cable, socket: WebSocket) -> None:
        self.socket = socket
        self.relay = socket.realtime
        self.cable = cable
        self._subscribed: dict[str, Subscription] = {}
        self._following: dict[Subscription, Following] = {}
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
                await self._end("invalid_request", True)
            except Unavailable:
                await self._end("server_restart", True)

    async def ping(self, text: str) -> None:
        """Say that the server is there; or that it is about to go."""
        if self._pinging:
            return
        self._pinging = True
        with contextlib.suppress(Disconnected):
            if not self._following and asyncio.get_running_loop().time() > self._due:
                metrics.CONNECTIONS_ENDED.labels("hello").inc()
                await self._end("unauthorized", False)
            elif self.relay.draining.started:
                await self._end("server_restart", True)
            else:
                await self.socket.send(text)
        self._pinging = False

    async def leave(self) -> None:
        """The client is gone."""
        tasks = [each.task for each in self._following.values()]
        for task in tasks:
            task.cancel()
        for subscription in list(self._following):
            self._drop(subscription)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _end(self, reason: frames.Reason, reconnect: bool) -> None:
        """Say the last word, once, and close. Raises Gone."""
        if self._ended:
            return
        self._ended = True
        await self.socket.send(frames.disconnect(reason, reconnect))
        code = {"unauthorized": POLICY_VIOLATION, "server_restart": SERVICE_RESTART}.get(
            reason, NORMAL
        )
        await self.socket.close(code, reason)

    def _soon(self) -> float:
        """When a socket must follow something, on the clock of the loop."""
        return asyncio.get_running_loop().time() + self.relay.engine.settings.socket_login_seconds

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
                known.seat.leave()
            case "message" if known is not None and frames.action(said.data) == "update_presence":
                await known.tell_presence()

    async def _subscribe(self, identifier: str) -> None:
        """Raises TooMany, Unavailable, Gone."""
        if self.relay.draining.started:
            raise Unavailable()
        asked, call = frames.wanted(identifier), self.socket.call
        per_minute = call.engine.settings.inbox_rate_limit_per_minute * PER_ADDRESS
        self.cable.subscribing.check(call.rate_limit_ip, per_minute, call.engine.clock.now())
        if asked is None or len(self._subscribed) >= MOST_SUBSCRIPTIONS:
            await self.socket.send(frames.rejected(identifier))
            return
        rights = self.relay.hub.rights
        try:
            voice = await _voice(call, asked.pubsub_token)
        except (TooMany, Unavailable):
            raise
        except Refusal:
            await self.socket.send(frames.rejected(identifier))
            return
        held: list[str] = []
        call.take_credential_slot_in(held, voice.actor)
        try:
            seat = await self.relay.seat(voice, asked.last_event_id or None, known_at=rights)
        except BaseException:
            call.release_slots(held)
            raise
        made = Subscription(self.socket, self.cable.agents, identifier, voice, seat)
        self._subscribed[identifier] = made
        self._following[made] = Following(asyncio.create_task(self._follow(made)), held)

    async def _follow(self, subscription: Subscription) -> None:
        try:
            with contextlib.suppress(Disconnected):
                try:
                    await subscription.follow()
                except Closed as closed:
                    await self._closed(subscription, closed)
                except Unavailable:
                    await self._end("server_restart", True)
        finally:
            self._drop(subscription)

    async def _closed(self, subscription: Subscription, closed: Closed) -> None:
        match closed.reason:
            case "gone":
                return
            case "revoked" | "expired":
                await self._revoke(subscription)
            case "slow":
                await self._end("remote", True)
            case "draining" | "moved":
                await self._end("server_restart", True)

    async def _revoke(self, subscription: Subscription) -> None:
        """A subscription has lost its right. The socket ends with its last one. Raises Gone."""
        reconnect = subscription.moved
        if len(self._subscribed) > 1 and not reconnect:
            await self.socket.send(frames.rejected(subscription.identifier))
        else:
            await self._end("remote" if reconnect else "unauthorized", reconnect)

    def _drop(self, subscription: Subscription) -> None:
        """Give up a subscription's seat, once; there may be a newer one by its name."""
        following = self._following.pop(subscription, None)
        if following is None:
            return
        self.socket.call.release_slots(following.held)
        self.relay.leave(subscription.seat)
        if self._subscribed.get(subscription.identifier) is subscription:
            del self._subscribed[subscription.identifier]
        self._due = self._soon()


async def _voice(call: AnyRequest, token: str) -> InboxVoice:
    """Whose events a token opens. Raises as `contact_entry.listen`."""
    engine = call.engine

    async def ask() -> ContactSession:
        return await contact_entry.resolve_stream_token(engine, token)

    return InboxVoice(await ask(), ask, InboxEventEncoder(call.base_url))
