"""The permissions, and which role has which: data that engine/auth/access.py decides by."""

from typing import Literal

VIEW_TENANT = "view:tenant"
MANAGE_MESSAGING = "manage:messaging:tenant"
MANAGE_TENANT = "manage:tenant"
MANAGE_OPERATIONS = "manage:operations:tenant"
READ_CONVERSATIONS = "read:conversations"
WRITE_CONVERSATIONS = "write:conversations"
READ_CUSTOMERS = "read:customers"
WRITE_CUSTOMERS = "write:customers"
READ_WEBHOOKS = "read:webhooks"
WRITE_WEBHOOKS = "write:webhooks"
MANAGE_WEBHOOKS = "webhook:manage"

PERMISSIONS: frozenset[str] = frozenset(
    {
        VIEW_TENANT,
        MANAGE_MESSAGING,
        MANAGE_TENANT,
        MANAGE_OPERATIONS,
        READ_CONVERSATIONS,
        WRITE_CONVERSATIONS,
        READ_CUSTOMERS,
        WRITE_CUSTOMERS,
        READ_WEBHOOKS,
        WRITE_WEBHOOKS,
        MANAGE_WEBHOOKS,
    }
)

Role = Literal["tenant_admin", "dispatcher", "agent", "driver"]
"""delivery.md, F: `tenant_admin`, `dispatcher`, `driver`; a user without a role is a customer.
`agent` (D) answers contacts: reads and writes conversations, sees the whole tenant."""

_AGENT_PERMISSIONS = frozenset(
    {VIEW_TENANT, READ_CONVERSATIONS, WRITE_CONVERSATIONS, READ_CUSTOMERS, WRITE_CUSTOMERS}
)

ROLE_PERMISSIONS: dict[str | None, frozenset[str]] = {
    "tenant_admin": PERMISSIONS,
    "dispatcher": frozenset({VIEW_TENANT, MANAGE_OPERATIONS}),
    "agent": _AGENT_PERMISSIONS,
    "driver": frozenset(),
    None: frozenset(),
}
"""The permissions of a user by its role; a user may have more (`Identity.permissions`)."""

STAFF_ROLES: frozenset[str] = frozenset({"tenant_admin", "dispatcher", "agent"})
"""Roles that read private notes. Drivers and customers never do (contracts/README.md, D)."""
