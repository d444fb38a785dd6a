"""What an archive of a tenant has of each table: an allow-list.

`tests/store/archive/test_columns.py` compares it with the tables, so that no new table or column
can be forgotten: a developer who adds one decides here what becomes of it.
"""

from typing import Literal

from msgspec import Struct
from sqlalchemy import Integer, Table

from koine.store import tables

ColumnKind = Literal[
    "plain",
    "id",
    "ids",
    "links",
    "files",
    "sealed",
    "secret",
    "token",
    "position",
    "derived",
    "here",
]
"""What a column holds, and what an import does with it:

- `plain`: a value that is taken as it is.
- `id`: an id of the tenant's, renewed where the tenant gets new ids.
- `ids`: text of this server with such ids in it, renewed with them.
- `links`: text with paths of uploads in it, renewed with the keys of the uploads.
- `files`: the attachments of a message, with ids and keys of uploads.
- `sealed`: bytes encrypted with the server's key; in an archive they are plain, or left out.
- `secret`: a secret that an older Koine stored in plain text, and now in a sealed column, where
  archives have it.
- `token`: text that is unique on the server, renewed where it is taken.
- `position`: a position of the event log, moved to positions of the other log.
- `derived`: computed from the other columns when the row is written, and in no archive.
- `here`: only has a meaning on this server, and is in no archive; then the default is written.
"""


class ArchivedTable(Struct, frozen=True):
    """A table of a tenant with the kinds of its columns, without `tenant_id`."""

    table: Table
    kinds: dict[str, ColumnKind]

    @property
    def name(self) -> str:
        """The table's name, and that of the folder of its rows in an archive."""
        return str(self.table.name)

    def of_kind(self, *kinds: ColumnKind) -> list[str]:
        """The names of the columns of these kinds, in the order of the table."""
        return [name for name, kind in self.kinds.items() if kind in kinds]

    def archived_integers(self) -> list[str]:
        """The names of the columns with numbers and times that an archive has."""
        names = [name for name, kind in self.kinds.items() if kind not in ("derived", "here")]
        return [name for name in names if isinstance(self.table.c[name].type, Integer)]


NOT_ARCHIVED: dict[str, str] = {
    "server": "values of the server as a whole",
    "deleted_tenants": "what is left of tenants that were deleted on this server",
    "login_attempts": "counts of failed logins, kept for minutes",
    "tenant_exports": "archives on the disk of this server",
    "retention_runs": "what this server has deleted",
}
"""The tables that no archive has, each with the reason."""


def _table(table: Table, **columns: str) -> ArchivedTable:
    """A table with the names of its columns by kind, separated by spaces."""
    kind_of = {name: kind for kind, names in columns.items() for name in names.split()}
    unlisted = [c.name for c in table.columns if c.name not in kind_of and c.name != "tenant_id"]
    if unlisted or kind_of.keys() - table.c.keys():
        raise TypeError(f"{table.name}: {unlisted or sorted(kind_of.keys() - table.c.keys())}")
    kinds = {str(c.name): kind_of[c.name] for c in table.columns if c.name != "tenant_id"}
    return ArchivedTable(table, kinds)  # type: ignore[arg-type]  # the keywords are the kinds


TENANT = _table(
    tables.tenants,
    plain="number slug name created_at",
    id="id default_responder_id",
    ids="settings",
    here="suspended_at delete_at delete_requested_at",
)

TABLES: tuple[ArchivedTable, ...] = (
    _table(
        tables.identities,
        plain="number kind name first_name last_name email phone identifier role permissions"
        " blocked company job_title location country_code custom_attributes"
        " additional_attributes labels settings last_activity_at created_at updated_at"
        " removed_at email_verified phone_verified identifier_verified claims",
        id="id merged_into",
        links="avatar_url",
        derived="search_names search_details",
    ),
    _table(
        tables.responder_versions,
        plain="number settings created_at",
        id="id responder_id",
    ),
    _table(
        tables.inboxes,
        plain="number name channel_type identity_required single_conversation created_at"
        " updated_at removed_at old_hmac_token_until",
        id="id responder_id",
        links="settings",
        secret="hmac_token",
        sealed="sealed_hmac_token old_hmac_token",
        token="identifier",
    ),
    _table(
        tables.contact_inboxes,
        plain="source_id proof_required created_at proved_identifier origin given",
        id="inbox_id contact_id",
        token="pubsub_token",
    ),
    _table(
        tables.deliveries,
        plain="external_reference_id delivery_code status created_at updated_at",
        id="id customer_id driver_id",
    ),
    _table(
        tables.api_keys,
        plain="name digest permissions created_at expires_at revoked_at",
        id="id user_id created_by created_by_key",
        token="prefix",
    ),
    _table(tables.logins, plain="email password_hash", id="user_id"),
    _table(
        tables.sessions,
        plain="refresh_digest created_at expires_at revoked_at",
        id="id user_id",
    ),
    _table(
        tables.conversations,
        plain="number kind status title priority channel source responder_active metadata"
        " custom_attributes labels last_seq public_count last_public_seq last_content"
        " last_sender_kind last_message_at previous_content previous_sender_kind"
        " previous_message_at last_activity_at shown_at_override sort_at_override"
        " contact_seen_at agent_seen_at participant_count created_at updated_at removed_at"
        " source_id deleted_seq deleted_public",
        id="id inbox_id owner_id delivery_id assignee_id responder_id responder_version_id"
        " created_by",
        derived="title_folded last_content_folded",
    ),
    _table(
        tables.participants,
        plain="role joined_at left_at read_seq read_public last_activity_at",
        id="conversation_id identity_id read_message_id",
    ),
    _table(
        tables.messages,
        plain="seq public_seq sender_kind type content content_type content_attributes metadata"
        " private client_key created_at updated_at number",
        id="id conversation_id sender_id parent_id",
        links="content_url",
        files="attachments",
    ),
    _table(
        tables.tickets,
        plain="kind status created_at ongoing_at completed_at",
        id="id conversation_id customer_id assignee_id",
    ),
    _table(
        tables.files,
        plain="number name content_type size created_at",
        id="id conversation_id",
        token="key",
    ),
    _table(
        tables.events,
        plain="kind audience seq created_at request_id",
        id="conversation_id subject_id",
        ids="body",
        position="position",
    ),
    _table(tables.event_members, plain="created_at", id="identity_id subject_id"),
    _table(
        tables.webhook_endpoints,
        plain="dialect name url kinds old_secret_until max_retries backoff permissions"
        " include_private_notes status reason failures failing_since open_until created_at"
        " updated_at",
        id="id inbox_id created_by acts_as_user_id owner_key_id",
        sealed="headers secret old_secret",
        position="after_position",
    ),
    _table(
        tables.webhook_deliveries,
        plain="event_id kind state attempt due_at lease_version response_status error event_at"
        " created_at finished_at request_id",
        id="endpoint_id conversation_id",
        position="position",
    ),
    _table(
        tables.webhook_attempts,
        plain="number started_at url headers body response_status response_headers"
        " response_body error duration_us",
        id="endpoint_id",
        position="position",
    ),
    _table(
        tables.audit,
        plain="actor_kind action noun created_at address request_id",
        id="id actor_id noun_id",
        ids="detail",
    ),
    _table(
        tables.idempotency_keys,
        plain="key_digest request_digest claimed_at status headers content",
    ),
    _table(
        tables.erasures,
        plain="kind messages actor_kind requested_at erased_at checked_at counts",
        id="id after_id actor_id",
        ids="also",
    ),
    _table(
        tables.retention_rules,
        plain="messages conversations files events webhook_deliveries audit",
        id="scope_id",
    ),
    _table(tables.legal_holds, plain="kind reason created_at", id="subject_id created_by"),
    _table(tables.counters, plain="value", ids="name"),
)
"""The tables in the order in which rows are written: a row comes after those it refers to."""

BY_NAME = {each.name: each for each in TABLES}
