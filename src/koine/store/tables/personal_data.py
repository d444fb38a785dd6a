"""The erasures of people."""

from sqlalchemy import Index, Table

from koine.store.tables.base import (
    id_,
    int_,
    metadata,
    partial_index,
    primary_key,
    same_tenant_reference,
    text_,
)

erasures = Table(
    "erasures",
    metadata,
    id_("tenant_id"),
    id_("id"),
    text_("kind", False),
    text_("messages", False),
    text_("also", False),
    id_("after_id", True),
    text_("actor_kind", False),
    id_("actor_id", True),
    int_("requested_at"),
    int_("erased_at", True),
    int_("checked_at", True),
    text_("counts", False),
    primary_key("tenant_id", "id"),
    same_tenant_reference("id", "identities"),
    Index("erasures_requested", "tenant_id", "requested_at", "id"),
    partial_index("erasures_unchecked", "tenant_id", "id", where="checked_at IS NULL"),
)
"""One row for each erased person, whose id it has."""
