"""What clients were told, against what the database holds."""

from collections import Counter
from itertools import pairwise

from msgspec import Struct
from sqlalchemy import select

from chaos.seed import SeededTenant, open_engine
from chaos.sends import Send
from chaos.servers import ServerHome
from koine.store.core.db import Tx
from koine.store.core.statements import Query, param
from koine.store.tables.conversations import messages


class StoredMessage(Struct, frozen=True):
    """A message as the database holds it."""

    id: str
    seq: int
    content: str | None
    number: int

    @property
    def key(self) -> str:
        """The key of the send it came from."""
        return (self.content or "").split(" ")[0]


class Consistency(Struct, frozen=True):
    """What the comparison found. `acknowledged` sends were told a success; `lost` of them are not
    there under the id that was told; `doubled` sends are there more than once; `gaps` counts
    the numbers in a conversation that do not follow the one before; `held` counts the messages."""

    acknowledged: int
    lost: int
    doubled: int
    gaps: int
    held: int

    @property
    def ok(self) -> bool:
        """Whether all is as it was told."""
        return not (self.lost or self.doubled or self.gaps)

    def __str__(self) -> str:
        return (
            f"{self.acknowledged:,} acknowledged: {self.lost:,} lost, {self.doubled:,} doubled, "
            f"{self.gaps:,} gaps"
        )


class ConsistencyCheck:
    """What clients were told: the id shown for each key, and in which conversation."""

    def __init__(self) -> None:
        self.told: dict[str, tuple[str, str]] = {}

    def acknowledged(self, send: Send, shown_id: str) -> None:
        """A client was told that its message is kept, under this id."""
        self.told[send.key] = (send.conversation.id, shown_id)

    async def compare(self, home: ServerHome, seeded: SeededTenant) -> Consistency:
        """Read every message of the seeded's conversations and compare."""
        ids: dict[str, tuple[str, set[str]]] = {}
        seen: Counter[str] = Counter()
        gaps = 0
        async with open_engine(home) as engine:
            for conversation in seeded.conversations:
                found = await engine.db.read_long(seeded.tenant_id, _stored, conversation.id)
                gaps += _gaps(found)
                seen.update(each.key for each in found)
                for each in found:
                    ids.setdefault(each.key, (conversation.id, set()))[1].update(_shown_ids(each))
        return Consistency(
            acknowledged=len(self.told),
            lost=sum(not _matches(told, ids.get(key)) for key, told in self.told.items()),
            doubled=sum(count > 1 for count in seen.values()),
            gaps=gaps,
            held=seen.total(),
        )


_HELD = Query(
    select(messages.c.id, messages.c.seq, messages.c.content, messages.c.number)
    .where(
        messages.c.tenant_id == param("tenant_id"),
        messages.c.conversation_id == param("conversation_id"),
    )
    .order_by(messages.c.seq),
    StoredMessage,
)


async def _stored(tx: Tx, conversation_id: str) -> list[StoredMessage]:
    return await tx.all(_HELD, conversation_id=conversation_id)


def _gaps(found: list[StoredMessage]) -> int:
    """How many places do not follow the one before them: 1, 2, 3, …, with growing numbers."""
    places = [(0, 0), *((each.seq, each.number) for each in found)]
    return sum(b[0] - a[0] != 1 or b[1] <= a[1] for a, b in pairwise(places))


def _shown_ids(held: StoredMessage) -> set[str]:
    """Every id by which a dialect may show the message."""
    return {held.id, str(held.number)}


def _matches(told: tuple[str, str], held: tuple[str, set[str]] | None) -> bool:
    return held is not None and told[0] == held[0] and told[1] in held[1]
