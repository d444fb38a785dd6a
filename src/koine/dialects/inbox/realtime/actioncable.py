"""`/cable`: ActionCable, over which a contact's client hears what happens (inbox.md, F)."""

import asyncio
import contextlib

from msgspec import Struct

from koine.dialects.inbox.realtime import protocol
from koine.dialects.inbox.realtime.agent_presence import AgentPresence
from koine.dialects.inbox.realtime.encoder import InboxEventEncoder, InboxReader
from koine.dialects.inbox.realtime.heartbeat import Heartbeat
from koine.dialects.inbox.realtime.subscription import Subscription
from koine.engine.contacts import session
from koine.engine.contacts.session import ContactSession
from koine.http.rate_limits import RateLimiter
from koine.http.request import AnyRequest
from koine.http.socket import NORMAL, POLICY_VIOLATION, SERVICE_RESTART, Disconnected, WebSocket
from koine.kit import metrics
from koine.kit.times import unix
from koine.model.errors import Refusal, TooMany, Unavailable
from koine.realtime.realtime import Realtime
from koine.realtime.subscriber import Closed

SUBSCRIBES_PER_ADDRESS_FACTOR = 10
"""How many times the rate of one contact an address may subscribe (an office, a proxy)."""
COMMANDS_PER_MINUTE = 600
MAX_SUBSCRIPTIONS = 20


class RunningSubscription(Struct, frozen=True):
    """The task that follows a subscription, and what it counts towards."""

    task: asyncio.Task[None]
    connection_slots: list[str]


class ActionCableServer:
    """What the sockets of a process share."""

    def __init__(self) -> None:
        self.agent_presence = AgentPresence()
        self.subscribe_limiter = RateLimiter()
        self.command_limiter = RateLimiter()
        self._heartbeat: Heartbeat | None = None

    def heartbeat(self, relay: Realtime) -> Heartbeat:
        """The one heartbeat."""
        if self._heartbeat is None:
            self._heartbeat = Heartbeat(lambda: protocol.ping(unix(relay.engine.clock.now())))
        return self._heartbeat

    async def serve(self, socket: WebSocket) -> None:
        """One connection, from its handshake to its end."""
        relay = socket.realtime
        await socket.accept(protocol.PROTOCOL if protocol.PROTOCOL in socket.subprotocols else None)
        client = ActionCableClient(self, socket)
        with contextlib.suppress(Disconnected):
            await socket.send(protocol.WELCOME)
            beats = self.heartbeat(relay)
            beats.add(client)
            try:
                await client.run()
            finally:
                beats.remove(client)
                self.command_limiter.reset(socket.request.request_id)
                await client.close()


class ActionCableClient:
    """One socket, and its subscriptions by identifier. Each is followed by a task of its own; an
    identifier that was given up may be subscribed to anew while the old one's task still ends."""

    def __init__(self, cable: ActionCableServer, socket: WebSocket) -> None:
        self.socket = socket
        self.relay = socket.realtime
        self.cable = cable
        self._by_identifier: dict[str, Subscription] = {}
        self._running: dict[Subscription, RunningSubscription] = {}
        self._ended = False
        self._subscribe_deadline = self._next_deadline()
        self._pinging = False

    async def run(self) -> None:
        """Do what the client says until it is gone. Raises Gone."""
        engine, name = self.relay.engine, self.socket.request.request_id
        while not self._ended:
            said = await self.socket.receive()
            try:
                self.cable.command_limiter.check(name, COMMANDS_PER_MINUTE, engine.clock.now())
                await self._run_command(protocol.parse_command(said))
            except TooMany:
                await self._disconnect("invalid_request", True)
            except Unavailable:
                await self._disconnect("server_restart", True)

    async def ping(self, text: str) -> None:
        """Say that the server is there; or that it is about to go."""
        if self._pinging:
            return
        self._pinging = True
        with contextlib.suppress(Disconnected):
            if not self._running and asyncio.get_running_loop().time() > self._subscribe_deadline:
                metrics.CONNECTIONS_ENDED.labels("hello").inc()
                await self._disconnect("unauthorized", False)
            elif self.relay.draining.started:
                await self._disconnect("server_restart", True)
            else:
                await self.socket.send(text)
        self._pinging = False

    async def close(self) -> None:
        """The client is gone."""
        tasks = [each.task for each in self._running.values()]
        for task in tasks:
            task.cancel()
        for subscription in list(self._running):
            self._drop(subscription)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _disconnect(self, reason: protocol.Reason, reconnect: bool) -> None:
        """Say the last word, once, and close. Raises Gone."""
        if self._ended:
            return
        self._ended = True
        await self.socket.send(protocol.disconnect(reason, reconnect))
        code = {"unauthorized": POLICY_VIOLATION, "server_restart": SERVICE_RESTART}.get(
            reason, NORMAL
        )
        await self.socket.close(code, reason)

    def _next_deadline(self) -> float:
        """When a socket must follow something, on the clock of the loop."""
        return asyncio.get_running_loop().time() + self.relay.engine.settings.socket_login_seconds

    async def _run_command(self, said: protocol.Command | None) -> None:
        """What is no command, or is about no subscription, is ignored (F)."""
        if said is None:
            return
        known = self._by_identifier.get(said.identifier)
        match said.command:
            case "subscribe" if known is None:
                await self._subscribe(said.identifier)
            case "unsubscribe" if known is not None:
                del self._by_identifier[said.identifier]
                known.subscriber.leave()
            case "message" if (
                known is not None and protocol.parse_action(said.data) == "update_presence"
            ):
                await known.send_presence()

    async def _subscribe(self, identifier: str) -> None:
        """Raises TooMany, Unavailable, Gone."""
        if self.relay.draining.started:
            raise Unavailable()
        asked, call = protocol.parse_identifier(identifier), self.socket.request
        per_minute = (
            call.engine.settings.inbox_rate_limit_per_minute * SUBSCRIBES_PER_ADDRESS_FACTOR
        )
        self.cable.subscribe_limiter.check(call.rate_limit_ip, per_minute, call.engine.clock.now())
        if asked is None or len(self._by_identifier) >= MAX_SUBSCRIPTIONS:
            await self.socket.send(protocol.rejected(identifier))
            return
        rights = self.relay.hub.rights_version
        try:
            voice = await _reader(call, asked.pubsub_token)
        except (TooMany, Unavailable):
            raise
        except Refusal:
            await self.socket.send(protocol.rejected(identifier))
            return
        held: list[str] = []
        call.take_credential_slot_in(held, voice.actor)
        try:
            seat = await self.relay.connect(
                voice, asked.last_event_id or None, rights_version=rights
            )
        except BaseException:
            call.release_slots(held)
            raise
        made = Subscription(self.socket, self.cable.agent_presence, identifier, voice, seat)
        self._by_identifier[identifier] = made
        self._running[made] = RunningSubscription(
            asyncio.create_task(self._run_subscription(made)), held
        )

    async def _run_subscription(self, subscription: Subscription) -> None:
        try:
            with contextlib.suppress(Disconnected):
                try:
                    await subscription.run()
                except Closed as closed:
                    await self._on_closed(subscription, closed)
                except Unavailable:
                    await self._disconnect("server_restart", True)
        finally:
            self._drop(subscription)

    async def _on_closed(self, subscription: Subscription, closed: Closed) -> None:
        match closed.reason:
            case "gone":
                return
            case "revoked" | "expired":
                await self._reject_revoked(subscription)
            case "slow":
                await self._disconnect("remote", True)
            case "draining" | "moved":
                await self._disconnect("server_restart", True)

    async def _reject_revoked(self, subscription: Subscription) -> None:
        """A subscription has lost its right. The socket ends with its last one. Raises Gone."""
        reconnect = subscription.is_merged_away
        if len(self._by_identifier) > 1 and not reconnect:
            await self.socket.send(protocol.rejected(subscription.identifier))
        else:
            await self._disconnect("remote" if reconnect else "unauthorized", reconnect)

    def _drop(self, subscription: Subscription) -> None:
        """Give up a subscription's seat, once; there may be a newer one by its name."""
        following = self._running.pop(subscription, None)
        if following is None:
            return
        self.socket.request.release_slots(following.connection_slots)
        self.relay.disconnect(subscription.subscriber)
        if self._by_identifier.get(subscription.identifier) is subscription:
            del self._by_identifier[subscription.identifier]
        self._subscribe_deadline = self._next_deadline()


async def _reader(call: AnyRequest, token: str) -> InboxReader:
    """Whose events a token opens. Raises as `contact_entry.listen`."""
    engine = call.engine

    async def ask() -> ContactSession:
        return await session.resolve_stream_token(engine, token)

    return InboxReader(await ask(), ask, InboxEventEncoder(call.base_url))
