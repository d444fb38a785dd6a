"""Conversations: find, get, create, change, remove and delete."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from koine.engine.auth import access
from koine.engine.contacts.rights import may_own_new_conversation
from koine.engine.conversations import files
from koine.engine.conversations.related import load_related
from koine.engine.conversations.surveys import send_survey_tx
from koine.engine.core import attributes
from koine.engine.core.engine import Engine
from koine.engine.core.legal_holds import require_conversation_free_tx
from koine.engine.core.operations import long_read_tx, read_tx, write_tx
from koine.engine.core.recorder import record_audit, record_change, record_event
from koine.engine.people import references
from koine.kit.ids import new_id
from koine.kit.structs import provided_fields
from koine.model.actor import Actor
from koine.model.conversation import Conversation, NewConversation, Priority, Status
from koine.model.errors import Invalid, NotFound
from koine.model.filters import ConversationFilter
from koine.model.inbox import Inbox
from koine.model.page import Window
from koine.model.permissions import WRITE_CONVERSATIONS
from koine.model.related import ConversationPage, Include, Related
from koine.store import number_sequences, tenants
from koine.store.contacts import inboxes
from koine.store.conversations import (
    conversations,
    filters,
    lists,
    messages,
    participants,
    tickets,
)
from koine.store.conversations import files as file_rows
from koine.store.conversations.files import StoredFile
from koine.store.core.db import Tx
from koine.store.people import identities
from koine.store.webhooks import delivery_log

NO_RELATED: frozenset[Include] = frozenset()
PARTICIPANT_ADMIN_FIELDS = frozenset({"title", "metadata", "status"})
"""What a participant with the role admin may change; the rest is for staff."""
LONGEST_TITLE = 1000
"""Characters. The title that is made for a delivery is shorter."""


class ConversationChanges(Struct, frozen=True, kw_only=True):
    """What to change; UNSET leaves a field as it is.

    `shown_at` overrides the time that is shown as the last message's (chats.md, D), µs or None.
    With one of `unless_status` the status stays as it is, for a dialect that shows several of our
    statuses as one.
    """

    title: str | None | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    priority: Priority | None | UnsetType = UNSET
    assignee_id: str | None | UnsetType = UNSET
    labels: str | UnsetType = UNSET
    metadata: str | None | UnsetType = UNSET
    custom_attributes: str | UnsetType = UNSET
    shown_at: int | None | UnsetType = UNSET
    unless_status: tuple[Status, ...] = ()


async def find_page(
    engine: Engine,
    actor: Actor,
    f: ConversationFilter,
    window: Window,
    parts: frozenset[Include] = NO_RELATED,
    with_total: bool = True,
) -> ConversationPage:
    """A page of the conversations that the actor may list, newest activity first, with the exact
    total where wanted.

    A filter that may have to look at many rows (a text, a time range) waits for a search slot, and
    does not delay short reads. Raises Forbidden where it asks for another identity's conversations
    without permission, Unavailable when too many searches wait.
    """
    read = _find_by_index if filters.reads_few_rows(f) else _find_by_scan
    return await read(engine, actor, f, window, parts, with_total)


async def _find(
    tx: Tx,
    actor: Actor,
    f: ConversationFilter,
    window: Window,
    parts: frozenset[Include],
    with_total: bool,
) -> ConversationPage:
    f = await access.restrict_search(tx, actor, access.restrict_to_own(actor, f))
    page = await lists.find_page(tx, f, window, with_total, "latest" in parts)
    items: list[Conversation] = list(page.items)
    latest = {c.id: c.latest for c in page.items if c.latest is not None}
    surrounding = structs.replace(await load_related(tx, items, parts - {"latest"}), latest=latest)
    return ConversationPage(items, surrounding, page.total, page.next)


_find_by_index = read_tx(_find)
_find_by_scan = long_read_tx(_find)


@read_tx
async def get(
    tx: Tx,
    actor: Actor,
    conversation_id: str,
    parts: frozenset[Include] = NO_RELATED,
    removed: bool = False,
) -> ConversationPage:
    """One conversation the actor may see; removed ones only with `removed`. Raises NotFound."""
    found, _ = await access.conversation(tx, actor, conversation_id, removed=removed)
    return ConversationPage([found], await load_related(tx, [found], parts))


@read_tx
async def related(
    tx: Tx, actor: Actor, items: list[Conversation], parts: frozenset[Include]
) -> Related:
    """The related entities of conversations that another operation returned: it checked access."""
    return await load_related(tx, items, parts)


@write_tx
async def create(tx: Tx, now: int, actor: Actor, new: NewConversation) -> Conversation:
    """Open a conversation, in an inbox or without one.

    Raises Forbidden, NotFound("inbox" | "owner"), Invalid for unknown participants.
    """
    if not (actor.kind == "contact" and actor.identity_id == new.owner_id):
        access.require(actor, WRITE_CONVERSATIONS)
    await references.check_owner(tx, new.owner_id)
    await references.check_participants(tx, [identity_id for identity_id, _ in new.participants])
    return await create_tx(tx, now, actor, new)


async def create_tx(tx: Tx, now: int, actor: Actor, new: NewConversation) -> Conversation:
    """Create a conversation; every new one is created here. The caller has checked access, and the
    identities that the request named. Participants that were removed are left out."""
    _check_limits(new)
    inbox = await _inbox(tx, new.inbox_id)
    joining = dict(new.participants)
    if new.owner_id is not None:
        joining.setdefault(new.owner_id, "member")
    joining = {i: joining[i] for i in await references.existing_ids(tx, joining)}
    conversation = await _new_conversation(tx, now, actor, new, inbox)
    await conversations.insert_one(tx, conversation)
    await record_event(
        tx, now, "conversation.created", conversation.id, conversation_id=conversation.id
    )
    for identity_id, role in sorted(joining.items()):
        await participants.join(tx, conversation, identity_id, role, now)
    return structs.replace(conversation, participant_count=len(joining))


@write_tx
async def change(
    tx: Tx, now: int, actor: Actor, conversation_id: str, changes: ConversationChanges
) -> Conversation:
    """Change a conversation the actor may write. Raises NotFound("conversation" | "assignee"),
    Forbidden."""
    fetch = (
        access.conversation_for_change
        if _given(changes).keys() <= PARTICIPANT_ADMIN_FIELDS
        else access.conversation_for_staff_change
    )
    before, _ = await fetch(tx, actor, conversation_id)
    return await change_tx(tx, now, actor, before, changes)


async def change_tx(
    tx: Tx, now: int, actor: Actor, before: Conversation, changes: ConversationChanges
) -> Conversation:
    """Change a locked conversation. Nothing is written when nothing changes.

    A new assignee becomes a participant, and the responder stops; without assignee it goes on.
    Closing the conversation sends the survey.
    """
    _check_limits(changes)
    values = _given(changes)
    if before.status in changes.unless_status:
        values.pop("status", None)
    if "shown_at" in values:
        shown = values.pop("shown_at")
        values["shown_at_override"] = shown
        values["sort_at_override"] = before.created_at if shown is None else shown
    if "assignee_id" in values:
        await references.check_assignee(tx, values["assignee_id"], before.assignee_id)
        if values["assignee_id"] != before.assignee_id:
            values["responder_active"] = values["assignee_id"] is None
    moved = {name for name, value in values.items() if getattr(before, name) != value}
    if not moved:
        return before
    after = structs.replace(before, **values, updated_at=max(now, before.updated_at + 1))
    await conversations.change(tx, before, after)
    if "assignee_id" in moved and after.assignee_id is not None:
        after = await _with_participant(tx, now, after, after.assignee_id)
    await record_change(tx, now, before, after)
    if "status" in moved and after.status == "closed":
        return await send_survey_tx(tx, now, after)
    return after


@write_tx
async def remove(tx: Tx, now: int, actor: Actor, conversation_id: str) -> Conversation:
    """Take a conversation out of every list, softly (chats.md); twice is as once."""
    access.require(actor, WRITE_CONVERSATIONS)
    before, _ = await access.locked_conversation(tx, actor, conversation_id, removed=True)
    if before.removed_at is not None:
        return before
    after = structs.replace(before, removed_at=now, updated_at=now)
    await conversations.change(tx, before, after)
    await record_change(tx, now, before, after)
    return after


async def delete(
    engine: Engine, actor: Actor, conversation_id: str, reason: str | None, removed: bool = False
) -> None:
    """Delete a conversation for good, with all in it (helpdesk.md, S), then the bytes of its files.
    With `removed` also one that was taken out of the lists. The audit log keeps who, when, why.
    Raises NotFound, Forbidden, Conflict("held")."""
    await files.delete_bytes(engine, await _delete(engine, actor, conversation_id, reason, removed))


@write_tx
async def _delete(
    tx: Tx, now: int, actor: Actor, conversation_id: str, reason: str | None, removed: bool
) -> list[StoredFile]:
    access.require(actor, WRITE_CONVERSATIONS)
    gone, _ = await access.locked_conversation(tx, actor, conversation_id, removed=removed)
    await require_conversation_free_tx(tx, gone.id)
    count, stored = await delete_tx(tx, now, gone)
    await record_audit(
        tx, now, actor, "delete", "conversation", gone.id,
        reason=reason, messages=count, number=gone.number,
    )  # fmt: skip
    return stored


async def delete_tx(tx: Tx, now: int, gone: Conversation) -> tuple[int, list[StoredFile]]:
    """Delete a locked conversation with all in it; readers receive an event. Returns how many
    messages it had, and its files, whose bytes the caller deletes after the commit."""
    members = {gone.owner_id or gone.id, *await participants.all_ids(tx, gone.id)}
    count = await messages.delete_of(tx, gone.id)
    stored = await file_rows.delete_of(tx, gone.id)
    await tickets.delete_of(tx, gone.id)
    await delivery_log.cancel_and_erase(tx, gone.id, now)
    await conversations.delete_one(tx, gone)
    await record_event(tx, now, "conversation.deleted", gone.id, members=sorted(members))
    return count, stored


def _given(changes: ConversationChanges) -> dict[str, Any]:
    given = provided_fields(changes)
    given.pop("unless_status", None)
    return given


async def _with_participant(
    tx: Tx, now: int, found: Conversation, assignee_id: str
) -> Conversation:
    if not await participants.join(tx, found, assignee_id, "member", now):
        return found
    await record_event(tx, now, "participant.joined", assignee_id, conversation_id=found.id)
    return structs.replace(found, participant_count=found.participant_count + 1)


async def _inbox(tx: Tx, inbox_id: str | None) -> Inbox | None:
    if inbox_id is None:
        return None
    inbox = await inboxes.get(tx, inbox_id)
    if inbox is None or inbox.removed_at is not None:
        raise NotFound("inbox")
    return inbox


async def _new_conversation(
    tx: Tx, now: int, actor: Actor, new: NewConversation, inbox: Inbox | None
) -> Conversation:
    responder_id = inbox.responder_id if inbox and inbox.responder_id else None
    if responder_id is None:
        tenant = await tenants.get(tx, tx.tenant_id)
        responder_id = tenant.default_responder_id if tenant else None
    versions = await identities.versions(tx, responder_id) if responder_id else []
    return Conversation(
        id=new_id(),
        number=await number_sequences.next_number(tx, "conversation"),
        kind=new.kind,
        status=new.status or "open",
        title=new.title,
        # A priority is always stored, so that filters find a conversation by what is shown.
        priority=new.priority or "medium",
        channel=new.channel or (inbox.channel_type if inbox else None),
        source=new.source,
        inbox_id=new.inbox_id,
        owner_id=new.owner_id,
        delivery_id=new.delivery_id,
        assignee_id=None,
        responder_id=responder_id,
        responder_version_id=versions[0].id if versions else None,
        responder_active=True,
        created_by=actor.identity_id,
        metadata=new.metadata,
        custom_attributes=new.custom_attributes,
        labels="[]",
        last_activity_at=now,
        created_at=now,
        updated_at=now,
        source_id=new.source_id or await _source_of_owner(tx, new),
    )


async def _source_of_owner(tx: Tx, new: NewConversation) -> str | None:
    """The contact inbox at which the owner's client finds a conversation that others open for it:
    one that proved its identity, or that the tenant created (inbox.md, D)."""
    if new.inbox_id is None or new.owner_id is None:
        return None
    owner = await identities.get(tx, new.owner_id)
    places = [
        p
        for p in await inboxes.contact_inboxes_of(tx, [new.owner_id])
        if p.inbox_id == new.inbox_id
    ]
    found = [p for p in places if owner and may_own_new_conversation(p, owner)]
    return found[0].source_id if found else None


def _check_limits(given: Struct) -> None:
    """Raise Invalid for a title, metadata or custom attributes beyond the limits: lists send all of
    them."""
    for name in ("metadata", "custom_attributes"):
        text = getattr(given, name)
        attributes.check(name, text if isinstance(text, str) else None)
    title = getattr(given, "title", None)
    if isinstance(title, str) and len(title) > LONGEST_TITLE:
        text = f"title is too long (maximum is {LONGEST_TITLE} characters)"
        raise Invalid("title", "too_long", text)
