"""The cast behind an application with every dialect."""

from msgspec import Struct

from koine.engine.conversations import conversations, delivery_conversations, messages
from koine.engine.conversations.delivery_conversations import NewDeliveryConversation
from koine.http.app import build_app
from koine.http.dialect import Dialect
from koine.http.idempotency_store import DatabaseIdempotencyStore
from koine.model.actor import operator
from koine.model.conversation import Conversation, NewConversation
from koine.model.message import Draft, Message
from koine.realtime.bus.protocol import LocalBus
from koine.realtime.realtime import Realtime
from koine.server import dialects
from koine.store.core.db import Database
from tests.cast import Cast, CastTenant, make_cast
from tests.drivers.asgi import Caller


class CastApp(Struct):
    """The cast, and an application with every dialect."""

    cast: Cast
    call: Caller
    dialects: list[Dialect]

    async def create_conversation(
        self, owner: str = "carol", *people: str, company: str = "acme"
    ) -> Conversation:
        """A contact's conversation in the website inbox; `people` (dan and alice) take part."""
        of: CastTenant = getattr(self.cast, company)
        participants = tuple((of.id(who), "member") for who in people or ("dan", "alice"))
        new = NewConversation(
            title=f"{of.tenant.name} conversation", inbox_id=of.inbox.id, owner_id=of.id(owner),
            source_id=of.contact_inboxes[owner].source_id, participants=participants,  # type: ignore[arg-type]  # "member" is a role
        )  # fmt: skip
        return await conversations.create(self.cast.engine, operator(of.tenant.id), new)

    async def open_delivery_conversation(
        self, number: int = 0, company: str = "acme"
    ) -> Conversation:
        """A delivery's conversation, with its driver and its customer."""
        of: CastTenant = getattr(self.cast, company)
        new = NewDeliveryConversation(delivery_id=of.deliveries[number].id)
        actor = of.actor("dan")
        return (await delivery_conversations.open_(self.cast.engine, actor, new))[0]

    async def add_note(self, conversation: Conversation, text: str) -> Message:
        """Post a private note as Alice."""
        draft = Draft(content=text, sender_id=self.cast.acme.id("alice"), private=True)
        actor = self.cast.acme.actor("alice")
        return await messages.send(self.cast.engine, actor, conversation.id, draft)


async def make_cast_app(db: Database, **settings: object) -> CastApp:
    """A new cast in a database that may have others, and its application."""
    return app_over(await make_cast(db, None, **settings))


def app_over(cast: Cast) -> CastApp:
    """An application over the engine of a cast."""
    all_dialects, engine = dialects(), cast.engine
    # Streams open, but the log reader does not run: nothing is sent to them.
    realtime = Realtime(engine, LocalBus(), engine.shutdown_signal)
    realtime.log_reader.started.set()
    app = build_app(
        all_dialects,
        engine,
        engine.settings,
        idempotency=DatabaseIdempotencyStore(engine),
        realtime=realtime,
    )
    return CastApp(cast, Caller(app), all_dialects)
