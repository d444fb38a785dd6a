"""`/cable`: the ActionCable sockets over which contacts' clients receive events (inbox.md, F)."""

import asyncio
import contextlib

from msgspec import Struct

from koine.dialects.inbox.realtime import actioncable_protocol as protocol
from koine.dialects.inbox.realtime.agent_presence import AgentPresence
from koine.dialects.inbox.realtime.encoder import InboxEventEncoder, InboxReader
from koine.dialects.inbox.realtime.heartbeat import Heartbeat
from koine.dialects.inbox.realtime.subscription import Subscription
from koine.engine.contacts import callers
from koine.engine.contacts.callers import ContactCaller
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
    """The task that runs a subscription, and the limits of open streams it counts towards."""

    task: asyncio.Task[None]
    connection_slots: list[str]


class ActionCableServer:
    """What all sockets of a process share."""

    def __init__(self) -> None:
        self.agent_presence = AgentPresence()
        self.subscribe_limiter = RateLimiter()
        self.command_limiter = RateLimiter()
        self._heartbeat: Heartbeat | None = None

    def heartbeat(self, realtime: Realtime) -> Heartbeat:
        """The heartbeat of all sockets, created with the first of them."""
        if self._heartbeat is None:
            clock = realtime.engine.clock
            self._heartbeat = Heartbeat(lambda: protocol.ping(unix(clock.now())))
        return self._heartbeat

    async def serve(self, socket: WebSocket) -> None:
        """One connection, from its handshake to its end."""
        await socket.accept(protocol.PROTOCOL if protocol.PROTOCOL in socket.subprotocols else None)
        client = ActionCableClient(self, socket)
        with contextlib.suppress(Disconnected):
            await socket.send(protocol.WELCOME)
            heartbeat = self.heartbeat(socket.realtime)
            heartbeat.add(client)
            try:
                await client.run()
            finally:
                heartbeat.remove(client)
                self.command_limiter.reset(socket.request.request_id)
                await client.close()


class ActionCableClient:
    """One socket, and its subscriptions by identifier. A task of its own runs each subscription. An
    identifier that the client unsubscribed may be subscribed anew while its old task still ends,
    so the running subscriptions are kept beside those by identifier."""

    def __init__(self, server: ActionCableServer, socket: WebSocket) -> None:
        self._server = server
        self._socket = socket
        self._realtime = socket.realtime
        self._by_identifier: dict[str, Subscription] = {}
        self._running: dict[Subscription, RunningSubscription] = {}
        self._ended = False
        self._subscribe_deadline = self._next_deadline()
        self._pinging = False

    async def run(self) -> None:
        """Run the client's commands until it disconnects. Raises Disconnected."""
        clock, name = self._realtime.engine.clock, self._socket.request.request_id
        while not self._ended:
            frame = await self._socket.receive()
            try:
                self._server.command_limiter.check(name, COMMANDS_PER_MINUTE, clock.now())
                await self._run_command(protocol.parse_command(frame))
            except TooMany:
                await self._disconnect("invalid_request", True)
            except Unavailable:
                await self._disconnect("server_restart", True)

    async def ping(self, text: str) -> None:
        """Send the heartbeat. Ends a socket that subscribed to nothing in time, and every socket of
        a process that is about to stop."""
        if self._pinging:
            # The last one is not sent yet: the client does not read.
            return
        self._pinging = True
        with contextlib.suppress(Disconnected):
            if not self._running and asyncio.get_running_loop().time() > self._subscribe_deadline:
                metrics.CONNECTIONS_ENDED.labels("login_time").inc()
                await self._disconnect("unauthorized", False)
            elif self._realtime.shutdown_signal.started:
                await self._disconnect("server_restart", True)
            else:
                await self._socket.send(text)
        self._pinging = False

    async def close(self) -> None:
        """End all subscriptions: the socket is closed."""
        tasks = [each.task for each in self._running.values()]
        for task in tasks:
            task.cancel()
        for subscription in list(self._running):
            self._drop(subscription)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _disconnect(self, reason: protocol.DisconnectReason, reconnect: bool) -> None:
        """Send the last frame, once, and close. Raises Disconnected."""
        if self._ended:
            return
        self._ended = True
        await self._socket.send(protocol.disconnect(reason, reconnect))
        code = {"unauthorized": POLICY_VIOLATION, "server_restart": SERVICE_RESTART}.get(
            reason, NORMAL
        )
        await self._socket.close(code, reason)

    def _next_deadline(self) -> float:
        """By when the socket must have a subscription, on the clock of the event loop."""
        seconds = self._realtime.engine.settings.socket_login_seconds
        return asyncio.get_running_loop().time() + seconds

    async def _run_command(self, command: protocol.Command | None) -> None:
        """Run a command; what is none, or names no subscription, is ignored (F)."""
        if command is None:
            return
        known = self._by_identifier.get(command.identifier)
        match command.command:
            case "subscribe" if known is None:
                await self._subscribe(command.identifier)
            case "unsubscribe" if known is not None:
                del self._by_identifier[command.identifier]
                known.subscriber.leave()
            case "message" if known is not None:
                if protocol.parse_action(command.data) == "update_presence":
                    await known.send_presence()

    async def _subscribe(self, identifier: str) -> None:
        """Start a subscription, or reject it. Raises TooMany, Unavailable, Disconnected."""
        if self._realtime.shutdown_signal.started:
            raise Unavailable()
        parsed, call = protocol.parse_identifier(identifier), self._socket.request
        per_minute = (
            call.engine.settings.inbox_rate_limit_per_minute * SUBSCRIBES_PER_ADDRESS_FACTOR
        )
        now = call.engine.clock.now()
        self._server.subscribe_limiter.check(call.rate_limit_ip, per_minute, now)
        if parsed is None or len(self._by_identifier) >= MAX_SUBSCRIPTIONS:
            await self._socket.send(protocol.rejected(identifier))
            return
        # Read before the token is resolved: `connect` resolves it again if rights change meanwhile.
        rights_version = self._realtime.hub.rights_version
        try:
            reader = await _reader(call, parsed.pubsub_token)
        except (TooMany, Unavailable):
            raise
        except Refusal:
            await self._socket.send(protocol.rejected(identifier))
            return
        slots: list[str] = []
        call.take_credential_slot_in(slots, reader.actor)
        try:
            subscriber = await self._realtime.connect(
                reader, parsed.last_event_id or None, rights_version=rights_version
            )
        except BaseException:
            call.release_slots(slots)
            raise
        subscription = Subscription(
            self._socket, self._server.agent_presence, identifier, reader, subscriber
        )
        self._by_identifier[identifier] = subscription
        task = asyncio.create_task(self._run_subscription(subscription))
        self._running[subscription] = RunningSubscription(task, slots)

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
        """End a subscription whose token opens it no longer; the last one ends the socket, too.
        Raises Disconnected."""
        reconnect = subscription.is_merged_away
        if len(self._by_identifier) > 1 and not reconnect:
            await self._socket.send(protocol.rejected(subscription.identifier))
        else:
            await self._disconnect("remote" if reconnect else "unauthorized", reconnect)

    def _drop(self, subscription: Subscription) -> None:
        """Disconnect a subscription, once; a newer one may have its identifier by now."""
        running = self._running.pop(subscription, None)
        if running is None:
            return
        self._socket.request.release_slots(running.connection_slots)
        self._realtime.disconnect(subscription.subscriber)
        if self._by_identifier.get(subscription.identifier) is subscription:
            del self._by_identifier[subscription.identifier]
        self._subscribe_deadline = self._next_deadline()


async def _reader(request: AnyRequest, token: str) -> InboxReader:
    """The reader whose events a token opens. Raises as `callers.resolve_stream_token`."""
    engine = request.engine

    async def resolve() -> ContactCaller:
        return await callers.resolve_stream_token(engine, token)

    return InboxReader(await resolve(), resolve, InboxEventEncoder(request.base_url))
