"""Conversations, participants, messages, files, tickets, and the event log."""

from sqlalchemy import Column, Index, Integer, Table

from koine.store.tables.base import (
    flag,
    id_,
    int_,
    int_with_default,
    metadata,
    numbered,
    partial_index,
    position,
    primary_key,
    same_tenant_reference,
    text_,
)


def _newest(name: str, *columns: str, where: str = "removed_at IS NULL") -> Index:
    """An index that a list of conversations, newest activity first, scans backwards."""
    return partial_index(
        f"conversations_{name}", "tenant_id", *columns, "last_activity_at", "id", where=where
    )


conversations = Table(
    "conversations",
    metadata,
    id_("tenant_id"),
    id_("id"),
    int_("number"),
    text_("kind", False),
    text_("status", False),
    text_("title"),
    text_("priority"),
    text_("channel"),
    text_("source", False),
    id_("inbox_id", True),
    id_("owner_id", True),
    id_("delivery_id", True),
    id_("assignee_id", True),
    id_("responder_id", True),
    id_("responder_version_id", True),
    flag("responder_active"),
    id_("created_by", True),
    text_("metadata"),
    text_("custom_attributes", False),
    text_("labels", False),
    int_("last_seq"),
    int_("public_count"),
    int_("last_public_seq"),
    text_("last_content"),
    text_("last_sender_kind"),
    int_("last_message_at", True),
    text_("previous_content"),
    text_("previous_sender_kind"),
    int_("previous_message_at", True),
    int_("last_activity_at"),
    int_("shown_at_override", True),
    int_("sort_at_override", True),
    int_("contact_seen_at", True),
    int_("agent_seen_at", True),
    Column("participant_count", Integer(), nullable=False),
    int_("created_at"),
    int_("updated_at"),
    int_("removed_at", True),
    text_("source_id"),
    # Folded (core/text_folding.py); NULL where that is the ASCII lower case.
    text_("title_folded"),
    text_("last_content_folded"),
    int_with_default("deleted_seq", 0),
    int_with_default("deleted_public", 0),
    primary_key("tenant_id", "id"),
    same_tenant_reference("inbox_id", "inboxes"),
    same_tenant_reference("owner_id", "identities"),
    same_tenant_reference("delivery_id", "deliveries"),
    same_tenant_reference("assignee_id", "identities"),
    same_tenant_reference("responder_id", "identities"),
    # The URL of a survey has the id of the conversation alone, not its tenant.
    Index("conversations_id", "id"),
    Index("conversations_number", "tenant_id", "number", unique=True),
    partial_index(
        "conversations_delivery",
        "tenant_id",
        "delivery_id",
        unique=True,
        where="delivery_id IS NOT NULL AND removed_at IS NULL",
    ),
    _newest("newest"),
    _newest("by_status", "status"),
    _newest("by_kind", "kind"),
    _newest("by_priority", "priority", where="removed_at IS NULL AND priority IS NOT NULL"),
    _newest("by_inbox", "inbox_id", where="removed_at IS NULL AND inbox_id IS NOT NULL"),
    _newest("by_owner", "owner_id", where="removed_at IS NULL AND owner_id IS NOT NULL"),
    _newest("by_assignee", "assignee_id", where="removed_at IS NULL AND assignee_id IS NOT NULL"),
    partial_index(
        "conversations_removed",
        "tenant_id",
        "owner_id",
        where="removed_at IS NOT NULL AND owner_id IS NOT NULL",
    ),
    partial_index(
        "conversations_sort_at_override",
        "tenant_id",
        "sort_at_override",
        where="sort_at_override IS NOT NULL",
    ),
)

participants = Table(
    "participants",
    metadata,
    id_("tenant_id"),
    id_("conversation_id"),
    id_("identity_id"),
    text_("role", False),
    int_("joined_at"),
    int_("left_at", True),
    int_("read_seq"),
    int_("read_public"),
    id_("read_message_id", True),
    int_("last_activity_at"),
    primary_key("tenant_id", "conversation_id", "identity_id"),
    same_tenant_reference("conversation_id", "conversations"),
    same_tenant_reference("identity_id", "identities"),
    partial_index(
        "participants_newest",
        "tenant_id",
        "identity_id",
        "last_activity_at",
        "conversation_id",
        where="left_at IS NULL",
    ),
    partial_index("participants_left", "tenant_id", "identity_id", where="left_at IS NOT NULL"),
)

messages = Table(
    "messages",
    metadata,
    id_("tenant_id"),
    id_("id"),
    id_("conversation_id"),
    int_("seq"),
    int_("public_seq"),
    id_("sender_id", True),
    text_("sender_kind", False),
    text_("type", False),
    text_("content"),
    text_("content_url"),
    text_("content_type", False),
    text_("content_attributes", False),
    text_("metadata"),
    id_("parent_id", True),
    flag("private"),
    text_("client_key"),
    text_("attachments"),
    int_("created_at"),
    int_("updated_at"),
    numbered("number"),
    # No foreign keys: a send has locked the conversation's row, and the checks would cost more than
    # the insert (docs/benchmarks.md).
    primary_key("tenant_id", "conversation_id", "seq"),
    Index("messages_id", "tenant_id", "id", unique=True),
    partial_index(
        "messages_client_key",
        "tenant_id",
        "conversation_id",
        "client_key",
        unique=True,
        where="client_key IS NOT NULL",
    ),
)

files = Table(
    "files",
    metadata,
    id_("tenant_id"),
    id_("id"),
    int_("number"),
    id_("conversation_id", True),
    text_("name", False),
    text_("content_type", False),
    int_("size"),
    text_("key", False),
    int_("created_at"),
    primary_key("tenant_id", "id"),
    Index("files_key", "key", unique=True),
    Index("files_conversation", "tenant_id", "conversation_id"),
)

tickets = Table(
    "tickets",
    metadata,
    id_("tenant_id"),
    id_("id"),
    id_("conversation_id"),
    text_("kind", False),
    text_("status", False),
    id_("customer_id", True),
    id_("assignee_id", True),
    int_("created_at"),
    int_("ongoing_at", True),
    int_("completed_at", True),
    primary_key("tenant_id", "id"),
    same_tenant_reference("conversation_id", "conversations"),
    Index("tickets_conversation", "tenant_id", "conversation_id", "created_at"),
    partial_index("tickets_ongoing", "tenant_id", "assignee_id", where="status = 'ongoing'"),
)

events = Table(
    "events",
    metadata,
    position("position"),
    id_("tenant_id"),
    text_("kind", False),
    text_("audience", False),
    id_("conversation_id", True),
    id_("subject_id"),
    int_("seq", True),
    text_("body", False),
    int_("created_at"),
    text_("request_id"),
    Index("events_tenant", "tenant_id", "position"),
    # What one reader follows. Without tenant_id, as ids are unique, to keep sends cheap.
    partial_index(
        "events_conversation", "conversation_id", "position", where="conversation_id IS NOT NULL"
    ),
    partial_index(
        "events_subject",
        "subject_id",
        "position",
        where="conversation_id IS NULL OR kind = 'participant.left'",
    ),
    sqlite_autoincrement=True,
)

event_members = Table(
    "event_members",
    metadata,
    id_("tenant_id"),
    id_("identity_id"),
    id_("subject_id"),
    int_("created_at"),
    primary_key("tenant_id", "identity_id", "subject_id"),
    Index("event_members_created", "created_at"),
)
"""The members that events name, by identity: who could see a conversation that was deleted since,
or a delivery before it changed. `created_at` is that of the newest such event."""
