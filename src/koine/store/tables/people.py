"""Tenants, identities, inboxes and deliveries; counters and values of the server."""

from sqlalchemy import Index, Table

from koine.store.tables.base import (
    blob,
    flag,
    id_,
    int_,
    metadata,
    partial_index,
    primary_key,
    same_tenant_reference,
    text_,
    text_with_default,
)

tenants = Table(
    "tenants",
    metadata,
    id_("id"),
    int_("number"),
    text_("slug", False),
    text_("name", False),
    id_("default_responder_id", True),
    text_("settings", False),
    int_("created_at"),
    int_("suspended_at", True),
    int_("delete_at", True),
    int_("delete_requested_at", True),
    primary_key("id"),
    Index("tenants_number", "number", unique=True),
    Index("tenants_slug", "slug", unique=True),
)

deleted_tenants = Table(
    "deleted_tenants",
    metadata,
    id_("id"),
    int_("number"),
    int_("started_at"),
    int_("finished_at", True),
    text_("counts", False),
    primary_key("id"),
)
"""The tombstones: what is left of a tenant is its id and number, and how many rows of each table
were deleted (`counts`, JSON). The number is never given to another tenant."""

server = Table(
    "server",
    metadata,
    text_("name", False),
    text_("value", False),
    primary_key("name"),
)
"""Values of the server as a whole, such as the key that signs its tokens."""

counters = Table(
    "counters",
    metadata,
    id_("tenant_id"),
    text_("name", False),
    int_("value"),
    primary_key("tenant_id", "name"),
)
"""The last number of each sequence (`number:…`), the conversations for each filter value
(`total:…`), and the bytes of uploads (`uploads:…`)."""

identities = Table(
    "identities",
    metadata,
    id_("tenant_id"),
    id_("id"),
    int_("number"),
    text_("kind", False),
    text_("name"),
    text_("first_name"),
    text_("last_name"),
    text_("email"),
    text_("phone"),
    text_("identifier"),
    text_("avatar_url"),
    text_("role"),
    text_("permissions", False),
    flag("blocked"),
    text_("company"),
    text_("job_title"),
    text_("location"),
    text_("country_code"),
    text_("custom_attributes", False),
    text_("additional_attributes", False),
    text_("labels", False),
    text_("settings", False),
    int_("last_activity_at", True),
    int_("created_at"),
    int_("updated_at"),
    int_("removed_at", True),
    flag("email_verified", default=True),
    flag("phone_verified", default=True),
    flag("identifier_verified", default=True),
    text_with_default("claims", "{}"),
    # Folded (core/text_folding.py), a line each: names, e-mail and identifier; phone and company.
    text_("search_names"),
    text_("search_details"),
    id_("merged_into", True),
    primary_key("tenant_id", "id"),
    Index("identities_number", "tenant_id", "number", unique=True),
    partial_index(
        "identities_contact_identifier",
        "tenant_id",
        "identifier",
        unique=True,
        where="kind = 'contact' AND identifier IS NOT NULL",
    ),
    Index("identities_email", "tenant_id", "kind", "email"),
    Index("identities_phone", "tenant_id", "kind", "phone"),
    partial_index("identities_removed", "tenant_id", "id", where="removed_at IS NOT NULL"),
    partial_index("identities_claims", "tenant_id", "id", where="claims <> '{}'"),
    partial_index(
        "identities_merged_into", "tenant_id", "merged_into", where="merged_into IS NOT NULL"
    ),
    Index("identities_kind", "tenant_id", "kind", "created_at", "id"),
)

responder_versions = Table(
    "responder_versions",
    metadata,
    id_("tenant_id"),
    id_("id"),
    id_("responder_id"),
    int_("number"),
    text_("settings", False),
    int_("created_at"),
    primary_key("tenant_id", "id"),
    same_tenant_reference("responder_id", "identities"),
    Index("responder_versions_number", "tenant_id", "responder_id", "number", unique=True),
)

inboxes = Table(
    "inboxes",
    metadata,
    id_("tenant_id"),
    id_("id"),
    int_("number"),
    text_("name", False),
    text_("channel_type", False),
    text_("identifier", False),
    text_("hmac_token", False),
    flag("identity_required"),
    flag("single_conversation"),
    id_("responder_id", True),
    text_("settings", False),
    int_("created_at"),
    int_("updated_at"),
    int_("removed_at", True),
    blob("sealed_hmac_token"),
    blob("old_hmac_token"),
    int_("old_hmac_token_until", True),
    primary_key("tenant_id", "id"),
    same_tenant_reference("responder_id", "identities"),
    Index("inboxes_number", "tenant_id", "number", unique=True),
    Index("inboxes_identifier", "identifier", unique=True),
)

contact_inboxes = Table(
    "contact_inboxes",
    metadata,
    id_("tenant_id"),
    id_("inbox_id"),
    id_("contact_id"),
    text_("source_id", False),
    text_("pubsub_token", False),
    flag("proof_required"),
    int_("created_at"),
    text_("proved_identifier"),
    text_with_default("origin", "joined"),
    text_("given"),
    primary_key("tenant_id", "inbox_id", "source_id"),
    same_tenant_reference("inbox_id", "inboxes"),
    same_tenant_reference("contact_id", "identities"),
    Index("contact_inboxes_contact", "tenant_id", "contact_id"),
    Index("contact_inboxes_pubsub", "pubsub_token", unique=True),
)

deliveries = Table(
    "deliveries",
    metadata,
    id_("tenant_id"),
    id_("id"),
    text_("external_reference_id"),
    text_("delivery_code", False),
    id_("customer_id"),
    id_("driver_id", True),
    text_("status", False),
    int_("created_at"),
    int_("updated_at"),
    primary_key("tenant_id", "id"),
    same_tenant_reference("customer_id", "identities"),
    same_tenant_reference("driver_id", "identities"),
    Index("deliveries_reference", "tenant_id", "external_reference_id", unique=True),
    Index("deliveries_created", "tenant_id", "created_at", "id"),
    Index("deliveries_customer", "tenant_id", "customer_id"),
    partial_index("deliveries_driver", "tenant_id", "driver_id", where="driver_id IS NOT NULL"),
)

tenant_exports = Table(
    "tenant_exports",
    metadata,
    id_("tenant_id"),
    id_("id"),
    text_("state", False),
    flag("encrypted"),
    int_("rows_done"),
    int_("rows_total"),
    int_("files_done"),
    int_("files_total"),
    int_("size", True),
    text_("error"),
    id_("requested_by", True),
    int_("created_at"),
    int_("alive_until"),
    int_("finished_at", True),
    int_("expires_at", True),
    primary_key("tenant_id", "id"),
    Index("tenant_exports_id", "id", unique=True),
    partial_index("tenant_exports_running", "tenant_id", where="state = 'running'", unique=True),
)
"""The archives that the server made on request over its API."""
