"""Compares the sends that were acknowledged to clients with the messages in the database."""

from collections import Counter
from itertools import pairwise

from msgspec import Struct
from sqlalchemy import select

from chaos.seed import home_engine
from chaos.seeded_tenant import SeededTenant
from chaos.sends import Send
from chaos.servers import ServerHome
from koine.store.core.db import Tx
from koine.store.core.statements import Query, param
from koine.store.tables.conversations import messages


class StoredMessage(Struct, frozen=True):
    """A message as it is in the database."""

    id: str
    seq: int
    content: str | None
    number: int

    @property
    def key(self) -> str:
        """The key of its send."""
        return (self.content or "").split(" ")[0]


class Consistency(Struct, frozen=True):
    """The result of a comparison. Of the `acknowledged` sends, `lost` have no message with the id
    of their response; `doubled` sends have several messages; `gaps` counts the messages whose `seq`
    does not follow that of the message before; `stored` counts all messages."""

    acknowledged: int
    lost: int
    doubled: int
    gaps: int
    stored: int

    @property
    def ok(self) -> bool:
        """Whether everything that was acknowledged is stored, once and in order."""
        return not (self.lost or self.doubled or self.gaps)

    def __str__(self) -> str:
        return (
            f"{self.acknowledged:,} acknowledged: {self.lost:,} lost, {self.doubled:,} doubled, "
            f"{self.gaps:,} gaps"
        )


class ConsistencyCheck:
    """The record of acknowledged sends: by key, the conversation and the id in the response."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, tuple[str, str]] = {}

    def record(self, send: Send, shown_id: str) -> None:
        """Record that a send was acknowledged with this message id."""
        self.acknowledged[send.key] = (send.conversation.id, shown_id)

    async def compare(self, home: ServerHome, tenant: SeededTenant) -> Consistency:
        """Read all messages of the tenant's conversations and compare."""
        ids: dict[str, tuple[str, set[str]]] = {}
        seen: Counter[str] = Counter()
        gaps = 0
        async with home_engine(home) as engine:
            for conversation in tenant.conversations:
                found = await engine.db.read_long(tenant.tenant_id, _stored, conversation.id)
                gaps += _gaps(found)
                seen.update(each.key for each in found)
                for each in found:
                    ids.setdefault(each.key, (conversation.id, set()))[1].update(_shown_ids(each))
        return Consistency(
            acknowledged=len(self.acknowledged),
            lost=sum(
                not _matches(acknowledged_as, ids.get(key))
                for key, acknowledged_as in self.acknowledged.items()
            ),
            doubled=sum(count > 1 for count in seen.values()),
            gaps=gaps,
            stored=seen.total(),
        )


_MESSAGES = Query(
    select(messages.c.id, messages.c.seq, messages.c.content, messages.c.number)
    .where(
        messages.c.tenant_id == param("tenant_id"),
        messages.c.conversation_id == param("conversation_id"),
    )
    .order_by(messages.c.seq),
    StoredMessage,
)


async def _stored(tx: Tx, conversation_id: str) -> list[StoredMessage]:
    return await tx.all(_MESSAGES, conversation_id=conversation_id)


def _gaps(found: list[StoredMessage]) -> int:
    """How many messages do not follow the one before: `seq` is 1, 2, 3, …, and `number` grows."""
    positions = [(0, 0), *((each.seq, each.number) for each in found)]
    return sum(b[0] - a[0] != 1 or b[1] <= a[1] for a, b in pairwise(positions))


def _shown_ids(stored: StoredMessage) -> set[str]:
    """The ids that the dialects have for the message."""
    return {stored.id, str(stored.number)}


def _matches(acknowledged_as: tuple[str, str], stored: tuple[str, set[str]] | None) -> bool:
    return (
        stored is not None and acknowledged_as[0] == stored[0] and acknowledged_as[1] in stored[1]
    )
