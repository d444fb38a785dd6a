"""A tenant with an endpoint at a local receiver, and the sender, driven by hand."""

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
from koine.webhooks import WebhookWorker
from tests.cast import Cast, make_cast
from tests.support.webhook_receiver import Receiver, receiving


@dataclass
class WebhookHarness:
    """Everything a test of webhooks needs."""

    cast: Cast
    receiver: Receiver
    hooks: WebhookWorker

    @property
    def boss(self) -> Actor:
        """Who may do everything."""
        return operator(self.cast.acme.tenant.id)

    async def hook(self, **given: object) -> CreatedEndpoint:
        """An endpoint at the receiver."""
        url = f"{self.receiver.url}/hook"
        wanted = {"dialect": "native", "url": url, "kinds": ("message.created",)} | given
        return await endpoints.create(self.cast.engine, self.boss, NewEndpoint(**wanted))  # type: ignore[arg-type]  # as given

    async def all_hooks(self) -> list[WebhookEndpoint]:
        """Every endpoint, oldest first."""
        return await endpoints.list_all(self.cast.engine, self.boss)

    async def talk(self) -> Conversation:
        """A conversation of Carol's."""
        acme = self.cast.acme
        new = NewConversation(title="Talk", inbox_id=acme.inbox.id, owner_id=acme.id("carol"))
        return await conversations.create(self.cast.engine, self.boss, new)

    async def say(self, talk: Conversation, text: str = "hello", **more: object) -> Message:
        """Alice says something there."""
        given = {"content": text, "sender_id": self.cast.acme.id("alice")} | more
        draft = Draft(**given)  # type: ignore[arg-type]  # as given
        return await messages.send(self.cast.engine, self.boss, talk.id, draft)

    async def derive(self) -> int:
        """Everything in the log is settled."""
        look = await self.cast.engine.db.read("", events.log_snapshot)
        await self.hooks.planner.log_advanced(LogState("", look.last))
        return await self.hooks.planner.advance()

    async def send(self) -> None:
        """Post everything that is due now."""
        while await self.hooks.dispatcher.dispatch_once():
            await self.hooks.dispatcher.idle()
        await self.hooks.dispatcher.idle()

    async def tell(self) -> None:
        """Derive and send."""
        await self.derive()
        await self.send()

    @asynccontextmanager
    async def under_way(self) -> AsyncIterator[None]:
        """A post is at the receiver, whose answer comes when the context ends."""
        await self.derive()
        self.receiver.hold = hold = asyncio.Event()
        await self.hooks.dispatcher.dispatch_once()
        while not self.receiver.count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        yield
        hold.set()
        await self.hooks.dispatcher.idle()

    async def log(self, hook: WebhookEndpoint, *states: str) -> list[WebhookDelivery]:
        """What the endpoint's log has, oldest first."""
        wanted = LogFilter(states=states)  # type: ignore[arg-type]  # states
        page = await deliveries.page(
            self.cast.engine, self.boss, hook.id, wanted, Window(limit=500)
        )
        return page.items[::-1]


@asynccontextmanager
async def webhook_harness(db: Database) -> AsyncIterator[WebhookHarness]:
    """A receiver, a cast, and webhooks that nobody drives."""
    async with receiving() as receiver:
        cast = await make_cast(db, outbound_allow="127.0.0.1", base_url="http://koine.test")
        try:
            yield WebhookHarness(cast, receiver, WebhookWorker(cast.engine))
        finally:
            await cast.engine.outbound.close()
