"""The tables Koine starts with.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

from koine.store.core.types import Uuid

revision = "0001"
down_revision = None
kind = "adds"


def upgrade() -> None:
    """Do it."""
    op.create_table(
        "answers",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("headers", sa.Text(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "slot"),
    )
    op.create_index("answers_taken", "answers", ["tenant_id", "taken_at"], unique=False)
    op.create_table(
        "audit",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("noun_id", Uuid(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("audit_created", "audit", ["tenant_id", "created_at", "id"], unique=False)
    op.create_table(
        "counters",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "name"),
    )
    op.create_table(
        "events",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("conversation_id", Uuid(), nullable=True),
        sa.Column("subject_id", Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sqlite_autoincrement=True,
    )
    op.create_index("events_tenant", "events", ["tenant_id", "position"], unique=False)
    op.create_table(
        "files",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("conversation_id", Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("files_conversation", "files", ["tenant_id", "conversation_id"], unique=False)
    op.create_index("files_key", "files", ["key"], unique=True)
    op.create_table(
        "identities",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("identifier", sa.Text(), nullable=True),
        sa.Column("avatar_url", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("permissions", sa.Text(), nullable=False),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.Column("company", sa.Text(), nullable=True),
        sa.Column("job_title", sa.Text(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("country_code", sa.Text(), nullable=True),
        sa.Column("custom_attributes", sa.Text(), nullable=False),
        sa.Column("additional_attributes", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("last_activity_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index(
        "identities_contact_identifier",
        "identities",
        ["tenant_id", "identifier"],
        unique=True,
        postgresql_where=sa.text("kind = 'contact' AND identifier IS NOT NULL"),
        sqlite_where=sa.text("kind = 'contact' AND identifier IS NOT NULL"),
    )
    op.create_index("identities_email", "identities", ["tenant_id", "kind", "email"], unique=False)
    op.create_index(
        "identities_kind", "identities", ["tenant_id", "kind", "created_at", "id"], unique=False
    )
    op.create_index("identities_number", "identities", ["tenant_id", "number"], unique=True)
    op.create_index("identities_phone", "identities", ["tenant_id", "kind", "phone"], unique=False)
    op.create_table(
        "messages",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("conversation_id", Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("public_seq", sa.BigInteger(), nullable=False),
        sa.Column("sender_id", Uuid(), nullable=True),
        sa.Column("sender_kind", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("content_url", sa.Text(), nullable=True),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("content_attributes", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=True),
        sa.Column("parent_id", Uuid(), nullable=True),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("client_key", sa.Text(), nullable=True),
        sa.Column("attachments", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "conversation_id", "seq"),
    )
    op.create_index(
        "messages_client_key",
        "messages",
        ["tenant_id", "conversation_id", "client_key"],
        unique=True,
        postgresql_where=sa.text("client_key IS NOT NULL"),
        sqlite_where=sa.text("client_key IS NOT NULL"),
    )
    op.create_index("messages_id", "messages", ["tenant_id", "id"], unique=True)
    op.create_table(
        "server",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "tenants",
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("default_responder_id", Uuid(), nullable=True),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("tenants_number", "tenants", ["number"], unique=True)
    op.create_index("tenants_slug", "tenants", ["slug"], unique=True)
    op.create_table(
        "api_keys",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("user_id", Uuid(), nullable=False),
        sa.Column("permissions", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["identities.tenant_id", "identities.id"],
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("api_keys_prefix", "api_keys", ["prefix"], unique=True)
    op.create_table(
        "deliveries",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("external_reference_id", sa.Text(), nullable=True),
        sa.Column("delivery_code", sa.Text(), nullable=False),
        sa.Column("customer_id", Uuid(), nullable=False),
        sa.Column("driver_id", Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["identities.tenant_id", "identities.id"],
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "driver_id"],
            ["identities.tenant_id", "identities.id"],
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index(
        "deliveries_created", "deliveries", ["tenant_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "deliveries_reference", "deliveries", ["tenant_id", "external_reference_id"], unique=True
    )
    op.create_table(
        "inboxes",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("channel_type", sa.Text(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("hmac_token", sa.Text(), nullable=False),
        sa.Column("identity_required", sa.Boolean(), nullable=False),
        sa.Column("single_conversation", sa.Boolean(), nullable=False),
        sa.Column("responder_id", Uuid(), nullable=True),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "responder_id"],
            ["identities.tenant_id", "identities.id"],
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("inboxes_identifier", "inboxes", ["identifier"], unique=True)
    op.create_index("inboxes_number", "inboxes", ["tenant_id", "number"], unique=True)
    op.create_table(
        "logins",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("user_id", Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["identities.tenant_id", "identities.id"],
        ),
        sa.PrimaryKeyConstraint("tenant_id", "user_id"),
    )
    op.create_index("logins_email", "logins", ["email", "tenant_id"], unique=True)
    op.create_table(
        "responder_versions",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("responder_id", Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "responder_id"],
            ["identities.tenant_id", "identities.id"],
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index(
        "responder_versions_number",
        "responder_versions",
        ["tenant_id", "responder_id", "number"],
        unique=True,
    )
    op.create_table(
        "sessions",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("user_id", Uuid(), nullable=False),
        sa.Column("refresh_digest", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["identities.tenant_id", "identities.id"],
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index("sessions_user", "sessions", ["tenant_id", "user_id"], unique=False)
    op.create_table(
        "contact_inboxes",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("inbox_id", Uuid(), nullable=False),
        sa.Column("contact_id", Uuid(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("pubsub_token", sa.Text(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "contact_id"],
            ["identities.tenant_id", "identities.id"],
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "inbox_id"],
            ["inboxes.tenant_id", "inboxes.id"],
        ),
        sa.PrimaryKeyConstraint("tenant_id", "inbox_id", "source_id"),
    )
    op.create_index(
        "contact_inboxes_contact", "contact_inboxes", ["tenant_id", "contact_id"], unique=False
    )
    op.create_index("contact_inboxes_pubsub", "contact_inboxes", ["pubsub_token"], unique=True)
    op.create_table(
        "conversations",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("priority", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("inbox_id", Uuid(), nullable=True),
        sa.Column("owner_id", Uuid(), nullable=True),
        sa.Column("delivery_id", Uuid(), nullable=True),
        sa.Column("assignee_id", Uuid(), nullable=True),
        sa.Column("responder_id", Uuid(), nullable=True),
        sa.Column("responder_version_id", Uuid(), nullable=True),
        sa.Column("responder_active", sa.Boolean(), nullable=False),
        sa.Column("created_by", Uuid(), nullable=True),
        sa.Column("metadata", sa.Text(), nullable=True),
        sa.Column("custom_attributes", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("public_count", sa.BigInteger(), nullable=False),
        sa.Column("last_public_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_content", sa.Text(), nullable=True),
        sa.Column("last_sender_kind", sa.Text(), nullable=True),
        sa.Column("last_message_at", sa.BigInteger(), nullable=True),
        sa.Column("previous_content", sa.Text(), nullable=True),
        sa.Column("previous_sender_kind", sa.Text(), nullable=True),
        sa.Column("previous_message_at", sa.BigInteger(), nullable=True),
        sa.Column("last_activity_at", sa.BigInteger(), nullable=False),
        sa.Column("chat_shown_at", sa.BigInteger(), nullable=True),
        sa.Column("chat_sort_at", sa.BigInteger(), nullable=True),
        sa.Column("contact_seen_at", sa.BigInteger(), nullable=True),
        sa.Column("agent_seen_at", sa.BigInteger(), nullable=True),
        sa.Column("participant_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "assignee_id"],
            ["identities.tenant_id", "identities.id"],
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "delivery_id"],
            ["deliveries.tenant_id", "deliveries.id"],
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "inbox_id"],
            ["inboxes.tenant_id", "inboxes.id"],
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "owner_id"],
            ["identities.tenant_id", "identities.id"],
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "responder_id"],
            ["identities.tenant_id", "identities.id"],
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index(
        "conversations_by_assignee",
        "conversations",
        ["tenant_id", "assignee_id", "last_activity_at", "id"],
        unique=False,
        postgresql_where=sa.text("removed_at IS NULL AND assignee_id IS NOT NULL"),
        sqlite_where=sa.text("removed_at IS NULL AND assignee_id IS NOT NULL"),
    )
    op.create_index(
        "conversations_by_inbox",
        "conversations",
        ["tenant_id", "inbox_id", "last_activity_at", "id"],
        unique=False,
        postgresql_where=sa.text("removed_at IS NULL AND inbox_id IS NOT NULL"),
        sqlite_where=sa.text("removed_at IS NULL AND inbox_id IS NOT NULL"),
    )
    op.create_index(
        "conversations_by_kind",
        "conversations",
        ["tenant_id", "kind", "last_activity_at", "id"],
        unique=False,
        postgresql_where=sa.text("removed_at IS NULL"),
        sqlite_where=sa.text("removed_at IS NULL"),
    )
    op.create_index(
        "conversations_by_owner",
        "conversations",
        ["tenant_id", "owner_id", "last_activity_at", "id"],
        unique=False,
        postgresql_where=sa.text("removed_at IS NULL AND owner_id IS NOT NULL"),
        sqlite_where=sa.text("removed_at IS NULL AND owner_id IS NOT NULL"),
    )
    op.create_index(
        "conversations_by_priority",
        "conversations",
        ["tenant_id", "priority", "last_activity_at", "id"],
        unique=False,
        postgresql_where=sa.text("removed_at IS NULL AND priority IS NOT NULL"),
        sqlite_where=sa.text("removed_at IS NULL AND priority IS NOT NULL"),
    )
    op.create_index(
        "conversations_by_status",
        "conversations",
        ["tenant_id", "status", "last_activity_at", "id"],
        unique=False,
        postgresql_where=sa.text("removed_at IS NULL"),
        sqlite_where=sa.text("removed_at IS NULL"),
    )
    op.create_index(
        "conversations_chat_sort",
        "conversations",
        ["tenant_id", "chat_sort_at"],
        unique=False,
        postgresql_where=sa.text("chat_sort_at IS NOT NULL"),
        sqlite_where=sa.text("chat_sort_at IS NOT NULL"),
    )
    op.create_index(
        "conversations_delivery",
        "conversations",
        ["tenant_id", "delivery_id"],
        unique=True,
        postgresql_where=sa.text("delivery_id IS NOT NULL AND removed_at IS NULL"),
        sqlite_where=sa.text("delivery_id IS NOT NULL AND removed_at IS NULL"),
    )
    op.create_index("conversations_id", "conversations", ["id"], unique=False)
    op.create_index(
        "conversations_newest",
        "conversations",
        ["tenant_id", "last_activity_at", "id"],
        unique=False,
        postgresql_where=sa.text("removed_at IS NULL"),
        sqlite_where=sa.text("removed_at IS NULL"),
    )
    op.create_index("conversations_number", "conversations", ["tenant_id", "number"], unique=True)
    op.create_table(
        "participants",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("conversation_id", Uuid(), nullable=False),
        sa.Column("identity_id", Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.Column("read_seq", sa.BigInteger(), nullable=False),
        sa.Column("read_public", sa.BigInteger(), nullable=False),
        sa.Column("read_message_id", Uuid(), nullable=True),
        sa.Column("last_activity_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "conversation_id"],
            ["conversations.tenant_id", "conversations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "identity_id"],
            ["identities.tenant_id", "identities.id"],
        ),
        sa.PrimaryKeyConstraint("tenant_id", "conversation_id", "identity_id"),
    )
    op.create_index(
        "participants_newest",
        "participants",
        ["tenant_id", "identity_id", "last_activity_at", "conversation_id"],
        unique=False,
        postgresql_where=sa.text("left_at IS NULL"),
        sqlite_where=sa.text("left_at IS NULL"),
    )
    op.create_table(
        "tickets",
        sa.Column("tenant_id", Uuid(), nullable=False),
        sa.Column("id", Uuid(), nullable=False),
        sa.Column("conversation_id", Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("customer_id", Uuid(), nullable=True),
        sa.Column("assignee_id", Uuid(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ongoing_at", sa.BigInteger(), nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "conversation_id"],
            ["conversations.tenant_id", "conversations.id"],
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    op.create_index(
        "tickets_conversation",
        "tickets",
        ["tenant_id", "conversation_id", "created_at"],
        unique=False,
    )


def downgrade() -> None:
    """There is no way back."""
    raise NotImplementedError("restore a backup instead")
