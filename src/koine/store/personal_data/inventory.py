"""Where personal data is: every column of every table, by what an erasure does with it.

A test compares this with the tables, so that a new column cannot be forgotten; another erases
people whose every value is a marked text, and looks for it in the database's files.
"""

from typing import Literal

from koine.store.tables import metadata

Fate = Literal["emptied", "deleted", "by_policy", "stays"]
"""`emptied`: the value is removed, the row stays. `deleted`: the row is deleted. `by_policy`: with
the person's messages. `stays`: there is no personal data in it, or it is the tenant's."""

ERASED: dict[str, dict[Fate, str]] = {
    "identities": {
        "emptied": "name first_name last_name email phone identifier avatar_url permissions"
        " company job_title location country_code custom_attributes additional_attributes labels"
        " settings claims search_names search_details last_activity_at"
    },
    "logins": {"deleted": "email password_hash"},
    "sessions": {"deleted": "id refresh_digest created_at expires_at revoked_at"},
    "contact_inboxes": {
        "deleted": "source_id pubsub_token proof_required created_at proved_identifier origin given"
    },
    "api_keys": {"emptied": "name"},
    "conversations": {
        "by_policy": "title metadata custom_attributes labels last_content previous_content"
        " title_folded last_content_folded",
        "emptied": "source_id",
    },
    "messages": {
        "by_policy": "type content content_url content_type content_attributes metadata client_key"
        " attachments"
    },
    "files": {"by_policy": "number name content_type size key created_at"},
    "events": {"by_policy": "body", "emptied": "request_id"},
    "webhook_attempts": {"emptied": "body response_headers response_body"},
    "idempotency_keys": {"emptied": "headers content"},
    "audit": {"emptied": "detail address request_id"},
    "webhook_deliveries": {"emptied": "request_id"},
}
"""The columns whose values an erasure removes, by table and fate; those of the conversations are
`by_policy` where the person is the owner."""

STAYS: dict[str, dict[str, str]] = {
    "ids and numbers: they refer to rows, and tell nothing of whom": {
        "identities": "tenant_id id number merged_into",
        "logins": "tenant_id user_id",
        "sessions": "tenant_id user_id",
        "contact_inboxes": "tenant_id inbox_id contact_id",
        "api_keys": "tenant_id id user_id created_by created_by_key",
        "conversations": "tenant_id id number inbox_id owner_id delivery_id assignee_id"
        " responder_id responder_version_id created_by",
        "participants": "tenant_id conversation_id identity_id read_message_id",
        "messages": "tenant_id id conversation_id seq public_seq sender_id parent_id number",
        "files": "tenant_id id conversation_id",
        "tickets": "tenant_id id conversation_id customer_id assignee_id",
        "events": "position tenant_id conversation_id subject_id seq",
        "event_members": "tenant_id identity_id subject_id",
        "deliveries": "tenant_id id customer_id driver_id",
        "webhook_endpoints": "tenant_id id inbox_id created_by acts_as_user_id owner_key_id",
        "webhook_deliveries": "tenant_id endpoint_id position event_id conversation_id",
        "webhook_attempts": "tenant_id endpoint_id position number",
        "idempotency_keys": "tenant_id",
        "audit": "tenant_id id actor_id noun_id",
        "erasures": "tenant_id id also after_id actor_id",
        "inboxes": "tenant_id id number responder_id",
        "responder_versions": "tenant_id id responder_id number",
        "tenants": "id number default_responder_id",
        "deleted_tenants": "id number",
        "tenant_exports": "tenant_id id requested_by",
        "retention_rules": "tenant_id scope_id",
        "legal_holds": "tenant_id subject_id created_by",
        "retention_runs": "tenant_id scope_id after_id",
        "counters": "tenant_id",
    },
    "kinds, states, counts and times of the record itself": {
        "identities": "kind role blocked created_at updated_at removed_at email_verified"
        " phone_verified identifier_verified",
        "api_keys": "prefix permissions created_at expires_at revoked_at",
        "conversations": "kind status priority channel source responder_active last_seq"
        " public_count last_public_seq last_sender_kind last_message_at previous_sender_kind"
        " previous_message_at last_activity_at shown_at_override sort_at_override contact_seen_at"
        " agent_seen_at participant_count created_at updated_at removed_at deleted_seq"
        " deleted_public",
        "participants": "role joined_at left_at read_seq read_public last_activity_at",
        "messages": "sender_kind private created_at updated_at",
        "tickets": "kind status created_at ongoing_at completed_at",
        "events": "kind audience created_at",
        "event_members": "created_at",
        "deliveries": "status created_at updated_at",
        "webhook_endpoints": "dialect kinds max_retries backoff permissions include_private_notes"
        " after_position status reason failures failing_since open_until created_at updated_at"
        " old_secret_until",
        "webhook_deliveries": "kind state attempt due_at lease_version response_status error"
        " event_at created_at finished_at",
        "webhook_attempts": "started_at response_status error duration_us",
        "idempotency_keys": "claimed_at status",
        "login_attempts": "full_at",
        "audit": "actor_kind action noun created_at",
        "erasures": "kind messages actor_kind requested_at erased_at checked_at counts",
        "inboxes": "channel_type identity_required single_conversation created_at updated_at"
        " old_hmac_token_until"
        " removed_at",
        "responder_versions": "created_at",
        "tenants": "created_at suspended_at delete_at delete_requested_at",
        "deleted_tenants": "started_at finished_at counts",
        "tenant_exports": "state encrypted rows_done rows_total files_done files_total size error"
        " created_at alive_until finished_at expires_at",
        "retention_rules": "messages conversations files events webhook_deliveries audit",
        "legal_holds": "kind created_at",
        "retention_runs": "started_at finished_at alive_until counts",
        "counters": "name value",
    },
    "digests, of which nothing can be read": {
        "api_keys": "digest",
        "idempotency_keys": "key_digest request_digest",
        "login_attempts": "key_digest",
    },
    "the tenant's record of the order, without the person's name": {
        "deliveries": "external_reference_id delivery_code",
    },
    "of the tenant or server, and of no person": {
        "webhook_endpoints": "name url headers secret old_secret",
        "webhook_attempts": "url headers",
        "inboxes": "name identifier hmac_token sealed_hmac_token old_hmac_token settings",
        "responder_versions": "settings",
        "tenants": "slug name settings",
        "legal_holds": "reason",
        "server": "name value",
    },
}
"""The other columns, by the reason why they stay, and table."""


def unclassified() -> list[str]:
    """The columns ("table.column") that are in neither list, in both, or in a list and no table."""
    listed = [
        f"{table}.{column}"
        for table, by_fate in ERASED.items()
        for columns in by_fate.values()
        for column in columns.split()
    ]
    listed += [
        f"{table}.{column}"
        for by_table in STAYS.values()
        for table, columns in by_table.items()
        for column in columns.split()
    ]
    real = {
        f"{table.name}.{column.name}" for table in metadata.tables.values() for column in table.c
    }
    twice = {name for name in listed if listed.count(name) > 1}
    return sorted((real ^ set(listed)) | twice)
