"""The cast with a local receiver, and a planner and dispatcher that tests run step by step."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from koine.engine.conversations import conversations, messages
from koine.engine.webhooks import deliveries, endpoints
from koine.engine.webhooks.deliveries import LogFilter
from koine.engine.webhooks.endpoints import CreatedEndpoint, NewEndpoint
from koine.event_log.log_reader import LogState
from koine.model.actor import Actor, operator
from koine.model.conversation import Conversation, NewConversation
from koine.model.message import Draft, Message
from koine.model.page import Window
from koine.model.webhook import WebhookDelivery, WebhookEndpoint
from koine.store.core.db import Database
from koine.store.events import events
from koine.webhooks import WebhookService
from tests.cast import Cast, make_cast
from tests.support.webhook_receiver import Receiver, running_receiver


@dataclass
class WebhookHarness:
    """The cast, the receiver, and what a test does with them."""

    cast: Cast
    receiver: Receiver
    service: WebhookService

    @property
    def admin(self) -> Actor:
        """An operator of the tenant."""
        return operator(self.cast.acme.tenant.id)

    async def create_endpoint(self, **given: object) -> CreatedEndpoint:
        """An endpoint at the receiver."""
        url = f"{self.receiver.url}/hook"
        wanted = {"dialect": "native", "url": url, "kinds": ("message.created",)} | given
        return await endpoints.create(self.cast.engine, self.admin, NewEndpoint(**wanted))  # type: ignore[arg-type]  # as given

    async def endpoints(self) -> list[WebhookEndpoint]:
        """Every endpoint, oldest first."""
        return await endpoints.list_all(self.cast.engine, self.admin)

    async def create_conversation(self) -> Conversation:
        """A conversation that Carol owns."""
        acme = self.cast.acme
        new = NewConversation(title="Order 7", inbox_id=acme.inbox.id, owner_id=acme.id("carol"))
        return await conversations.create(self.cast.engine, self.admin, new)

    async def send_message(
        self, conversation: Conversation, text: str = "hello", **more: object
    ) -> Message:
        """A message of Alice's."""
        given = {"content": text, "sender_id": self.cast.acme.id("alice")} | more
        draft = Draft(**given)  # type: ignore[arg-type]  # as given
        return await messages.send(self.cast.engine, self.admin, conversation.id, draft)

    async def plan(self) -> int:
        """Plan the deliveries of all events in the log."""
        look = await self.cast.engine.db.read("", events.log_snapshot)
        await self.service.planner.log_advanced(LogState("", look.last))
        return await self.service.planner.advance()

    async def send_due(self) -> None:
        """Send everything that is due now."""
        while await self.service.dispatcher.dispatch_once():
            await self.service.dispatcher.idle()
        await self.service.dispatcher.idle()

    async def plan_and_send(self) -> None:
        """Plan and send."""
        await self.plan()
        await self.send_due()

    @asynccontextmanager
    async def request_in_flight(self) -> AsyncIterator[None]:
        """Wait for a request to the receiver, which responds when the context ends."""
        await self.plan()
        self.receiver.hold = hold = asyncio.Event()
        await self.service.dispatcher.dispatch_once()
        while not self.receiver.count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        yield
        hold.set()
        await self.service.dispatcher.idle()

    async def log(self, endpoint: WebhookEndpoint, *states: str) -> list[WebhookDelivery]:
        """The endpoint's deliveries, oldest first."""
        wanted = LogFilter(states=states)  # type: ignore[arg-type]  # states
        page = await deliveries.find_page(
            self.cast.engine, self.admin, endpoint.id, wanted, Window(limit=500)
        )
        return page.items[::-1]


@asynccontextmanager
async def webhook_harness(db: Database) -> AsyncIterator[WebhookHarness]:
    """A new cast and receiver; the tasks of planner and dispatcher do not run."""
    async with running_receiver() as receiver:
        cast = await make_cast(db, outbound_allow="127.0.0.1", base_url="http://koine.test")
        try:
            yield WebhookHarness(cast, receiver, WebhookService(cast.engine))
        finally:
            await cast.engine.outbound.close()
