"""Conversations with old messages, and runs that delete what a dry run has counted."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from koine.engine.conversations import conversations, files, messages
from koine.engine.retention import dry_run, rules, runs
from koine.engine.retention.rules import PeriodChanges
from koine.engine.retention.runs import counts_of
from koine.kit.json import json_text
from koine.model.conversation import Conversation, NewConversation, SenderKind
from koine.model.filters import MessageFilter
from koine.model.message import Draft, Message
from koine.model.page import Window
from koine.model.retention import RetentionCounts
from koine.store.conversations import conversations as rows
from koine.store.events import events
from tests.cast import Cast

DAY = 24 * 3600
ALL = Window(limit=100)


class Bytes(io.BytesIO):
    """An upload."""

    name, content_type = "note.txt", "text/plain"

    async def read(self, size: int = -1) -> bytes:  # type: ignore[override]  # as uploads are read
        return super().read(size)


async def opened(cast: Cast, **more: Any) -> Conversation:
    new = NewConversation(
        owner_id=cast.acme.id("carol"),
        participants=((cast.acme.id("carol"), "member"), (cast.acme.id("alice"), "member")),
        **more,
    )
    return await conversations.create(cast.engine, cast.acme.actor("ada"), new)


async def say(cast: Cast, at: Conversation, *texts: str, **more: Any) -> list[Message]:
    """Carol's messages, a second apart; a text of "(…)" is a private note of Alice."""
    sent = []
    for text in texts:
        cast.clock.advance(1)
        private = text.startswith("(")
        who, kind = ("alice", "user") if private else ("carol", "contact")
        sender_kind: SenderKind = "user" if kind == "user" else "contact"
        draft = Draft(
            content=text,
            sender_id=cast.acme.id(who),
            sender_kind=sender_kind,
            private=private,
            **more,
        )
        sent.append(await messages.send_unchecked(cast.engine, cast.acme.actor(who), at.id, draft))
    return sent


async def attach(cast: Cast, at: Conversation, text: str) -> tuple[Message, Path]:
    stored = await files.save(cast.engine, cast.acme.tenant.id, at.id, Bytes(text.encode()))
    (message,) = await say(cast, at, text, attachments=json_text([stored]))
    return message, Path(cast.engine.settings.data_dir) / files.relative_path(stored.key)


async def row(cast: Cast, at: Conversation) -> Conversation:
    found = await cast.engine.db.read(cast.acme.tenant.id, rows.get, at.id)
    assert found is not None
    return found


async def is_there(cast: Cast, at: Conversation) -> bool:
    return await cast.engine.db.read(cast.acme.tenant.id, rows.get, at.id) is not None


async def texts(cast: Cast, at: Conversation, window: Window = ALL, **f: Any) -> list[str | None]:
    wanted = MessageFilter(with_private=True, **f)
    page = await messages.find_page(cast.engine, cast.acme.actor("ada"), at.id, wanted, window)
    assert page.total == (await row(cast, at)).message_count
    return [m.content for m in page.items]


async def keep(cast: Cast, **days: Any) -> None:
    await rules.change(cast.engine, cast.acme.actor("ada"), PeriodChanges(**days))


async def run(cast: Cast) -> RetentionCounts:
    """Run the rules, after a dry run that must count the same and change nothing."""
    ada = cast.acme.actor("ada")
    counted = await dry_run.count(cast.engine, ada)
    assert await dry_run.count(cast.engine, ada) == counted
    done = counts_of(await runs.run(cast.engine, ada))
    assert done == counted
    return done


async def message_events(cast: Cast) -> Sequence[str]:
    tenant_id = cast.acme.tenant.id
    found = await cast.engine.db.read(tenant_id, events.of_tenant_after, 0, 1 << 62, 1000)
    return [e.subject_id for e in found if e.kind.startswith("message.")]
