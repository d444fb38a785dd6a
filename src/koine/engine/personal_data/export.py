"""Export a person's data: a ZIP file with JSON for programs, pages for people, and its files.

    index.html, person.json              the person, and all but its conversations
    conversations/<number>.{html,json}   what the person wrote, and what it could read
    files/…                              the files that the person sent

It is made while it is sent, a page of messages at a time, so it needs little memory. Private notes,
labels and other notes of staff about conversations are no part of it.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from koine.engine.auth import access
from koine.engine.conversations import files
from koine.engine.core.engine import Engine
from koine.engine.core.operations import write_tx
from koine.engine.core.recorder import record_audit
from koine.engine.personal_data import export_pages as pages
from koine.engine.personal_data import export_records as records
from koine.engine.personal_data.same_person import merged_tx, survivor_tx
from koine.engine.personal_data.zip_stream import ZipStream
from koine.kit.ids import NIL_ID
from koine.kit.times import SECOND, iso_ms
from koine.model.actor import Actor
from koine.model.conversation import Conversation
from koine.model.errors import NotFound
from koine.model.filters import MessageFilter
from koine.model.identity import Identity
from koine.model.message import Attachment, Message
from koine.model.page import Window
from koine.model.permissions import MANAGE_TENANT
from koine.model.personal_data import PersonKind
from koine.store.conversations import conversations, message_lists, participants
from koine.store.core.db import Tx
from koine.store.personal_data import contents, exported

_PAGE = 200
_SCANNED = 200
_json = msgspec.json.encode


class ExportSubject(Struct, frozen=True):
    """Whose data it is: the person, and the ids of the contacts merged into it with its own."""

    tenant_id: str
    person: Identity
    ids: list[str]
    at: int


class _Part(NamedTuple):
    """A conversation, and what the person may read of it: its own messages, and with `reads` those
    of others, until the time (µs) when it left."""

    conversation: Conversation
    reads: bool
    until: int | None


async def export(
    engine: Engine, actor: Actor, identity_id: str, kind: PersonKind | None = None
) -> AsyncIterator[bytes]:
    """The ZIP file, piece by piece. Raises Forbidden, NotFound before the first piece."""
    subject = await _begin(engine, actor, identity_id, kind)
    return _pieces(engine, subject)


@write_tx
async def _begin(
    tx: Tx, now: int, actor: Actor, identity_id: str, kind: PersonKind | None
) -> ExportSubject:
    access.require(actor, MANAGE_TENANT)
    person = await survivor_tx(tx, identity_id, kind)
    ids = [person.id, *await merged_tx(tx, person.id)]
    await record_audit(tx, now, actor, "export", person.kind, person.id)
    return ExportSubject(tx.tenant_id, person, ids, now)


async def _pieces(engine: Engine, subject: ExportSubject) -> AsyncIterator[bytes]:
    made = datetime.fromtimestamp(subject.at // SECOND, UTC)
    out = ZipStream((made.year, made.month, made.day, made.hour, made.minute, made.second))
    about = await engine.db.read_long(subject.tenant_id, _about, subject)
    out.begin("person.json")
    out.write(_json(about))
    yield out.take()
    links: list[str] = []
    async for part in _parts(engine, subject):
        count, own = 0, list[Attachment]()
        async for progress in _write_conversation(engine, subject, out, part):
            count, own, piece = progress
            if piece:
                yield piece
        for file in own:
            async for piece in _write_file(engine, out, file):
                yield piece
        shown = records.exported_conversation(part.conversation, count)
        path = f"conversations/{shown.number}.html"
        links.append(pages.conversation_link(shown, path))
    out.begin("index.html")
    out.write(_index(subject, about, links).encode())
    out.close()
    yield out.take()


async def _about(tx: Tx, subject: ExportSubject) -> dict[str, Any]:
    ids = subject.ids
    entries = [
        {
            "at": iso_ms(e.created_at),
            "action": e.action,
            "about": e.noun,
            "by": "the person" if e.actor_id in ids else e.actor_kind,
            "detail": msgspec.json.decode(e.detail) if e.noun_id in ids else {},
        }
        for e in await exported.entries_of(tx, ids)
    ]
    return {
        "exported_at": iso_ms(subject.at),
        "profile": records.profile_of(subject.person),
        "merged_contacts": ids[1:],
        "inboxes": [records.plain(r) for r in await exported.contact_inboxes_of(tx, ids)],
        "deliveries": [records.plain(r) for r in await exported.deliveries_of(tx, ids)],
        "tickets": [records.plain(r) for r in await exported.tickets_of(tx, ids)],
        "sessions": [records.plain(r) for r in await exported.sessions_of(tx, ids)],
        "api_keys": [records.plain(r) for r in await exported.keys_of(tx, ids)],
        "audit": entries,
    }


async def _parts(engine: Engine, subject: ExportSubject) -> AsyncIterator[_Part]:
    """The person's conversations, in the order of their ids."""
    after, is_contact = NIL_ID, subject.person.kind == "contact"
    while True:
        if is_contact:
            found = page = await engine.db.read_long(
                subject.tenant_id,
                contents.conversations_of,
                subject.ids,
                after,
                _SCANNED,
            )
        else:
            page = await engine.db.read_long(
                subject.tenant_id, contents.page_of_all, after, _SCANNED
            )
            found = sorted(
                await engine.db.read_long(subject.tenant_id, contents.involving, page, subject.ids)
            )
        if not page:
            return
        after = page[-1]
        for conversation_id in found:
            part = await engine.db.read(subject.tenant_id, _part, subject, conversation_id)
            if part is not None:
                yield part


async def _part(tx: Tx, subject: ExportSubject, conversation_id: str) -> _Part | None:
    found = await conversations.get(tx, conversation_id)
    if found is None:
        return None
    joined = [
        me
        for identity_id in subject.ids
        if (me := await participants.get(tx, found.id, identity_id)) is not None
    ]
    owns = found.owner_id in subject.ids and subject.person.kind == "contact"
    reads = owns or bool(joined)
    if found.kind == "support" and subject.person.kind == "user":
        readers = await access.support_readers(tx, [found])
        reads = subject.person.id in readers[found.id]
    left = [me.left_at for me in joined if me.left_at is not None]
    left_all = not owns and joined and len(left) == len(joined)
    return _Part(found, reads, max(left) if left_all else None)


async def _write_conversation(
    engine: Engine, subject: ExportSubject, out: ZipStream, part: _Part
) -> AsyncIterator[tuple[int, list[Attachment], bytes]]:
    """The two files of a conversation, as (messages so far, the person's files, bytes)."""
    number, count, own = part.conversation.number, 0, list[Attachment]()
    out.begin(f"conversations/{number}.json")
    out.write(b'{"messages":[')
    async for shown in _shown(engine, subject, part):
        for message, is_own in shown:
            separator = b"," if count else b""
            out.write(separator + _json(records.exported_message(message, is_own)))
            count += 1
            own += records.attachments_of(message) if is_own else []
        yield count, own, out.take()
    about = _json(records.exported_conversation(part.conversation, count))
    out.write(b'],"conversation":' + about + b"}")
    out.begin(f"conversations/{number}.html")
    out.write(pages.start(part.conversation.title or f"Conversation {number}").encode())
    async for shown in _shown(engine, subject, part):
        for message, is_own in shown:
            out.write(pages.message(records.exported_message(message, is_own)).encode())
        yield count, own, out.take()
    out.write(pages.END.encode())
    yield count, own, out.take()


async def _shown(
    engine: Engine, subject: ExportSubject, part: _Part
) -> AsyncIterator[list[tuple[Message, bool]]]:
    """Pages of the messages that the person sent or could read, oldest first; and whether it sent
    each."""
    after_seq: int | None = 0
    while after_seq is not None:
        f = MessageFilter(oldest_first=True, after_seq=after_seq)
        page = await engine.db.read(
            subject.tenant_id, message_lists.find_page, part.conversation.id, f, Window(limit=_PAGE)
        )
        yield [
            (m, m.sender_id in subject.ids)
            for m in page.items
            if m.sender_id in subject.ids
            or (part.reads and (part.until is None or m.created_at <= part.until))
        ]
        after_seq = page.next[0] if page.next else None


async def _write_file(engine: Engine, out: ZipStream, file: Attachment) -> AsyncIterator[bytes]:
    try:
        opened = await files.open_by_key(engine, file.key)
    except NotFound:
        return
    out.begin(records.file_path(file), compressed=False)
    async for chunk in opened.part(0, opened.file.size):
        out.write(chunk)
        yield out.take()


def _index(subject: ExportSubject, about: dict[str, Any], links: list[str]) -> str:
    name = records.name_of(subject.person)
    sections = [
        pages.section(title, about[part])
        for title, part in (
            ("Inboxes", "inboxes"), ("Deliveries", "deliveries"), ("Tickets", "tickets"),
            ("Logins", "sessions"), ("API keys", "api_keys"), ("Audit log", "audit"),
        )
    ]  # fmt: skip
    listed = "<ul>" + "".join(links) + "</ul>" if links else "<p>None.</p>"
    return "".join(
        (
            pages.start(f"Personal data of {name}"),
            f"<p>Exported at {about['exported_at']}. The same is in person.json and the JSON files"
            " of the folder conversations, for programs.</p>",
            pages.profile(about["profile"]),
            "<h2>Conversations</h2>",
            listed,
            *sections,
            pages.END,
        )
    )
