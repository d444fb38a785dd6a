"""The authenticated caller. A dialect's auth.py creates it, and it is passed to every operation."""

from typing import Literal

from msgspec import Struct, structs

ActorKind = Literal["user", "contact", "key", "operator"]


class Actor(Struct, frozen=True):
    """One authenticated caller in one tenant.

    `identity_id` is the user or contact that the caller acts as; None for a system administrator
    from outside the tenant and for the operator (command line). `permissions` are constants of
    `model.permissions`; `role` is the user's role or None (a user without one is a customer).
    `session_id` is that of a login; `expires_at` (µs) is when the credential expires.
    `reads_private` is False for a key whose creator reads no private notes. `depends_on` are the
    ids of the key's creators, whose change may end the key or restrict its rights. `address` is the
    IP address of the client that sent a request other than GET, for the audit log.
    """

    tenant_id: str
    kind: ActorKind
    identity_id: str | None = None
    role: str | None = None
    permissions: frozenset[str] = frozenset()
    is_system_admin: bool = False
    key_id: str | None = None
    session_id: str | None = None
    expires_at: int | None = None
    reads_private: bool = True
    depends_on: frozenset[str] = frozenset()
    address: str | None = None

    @property
    def caller(self) -> str:
        """What rate limits and idempotency keys are kept by: the key, else the identity, else the
        kind of actor."""
        return self.key_id or self.identity_id or self.kind

    def may(self, *any_of: str) -> bool:
        """Whether the actor holds one of these; the operator and system admins hold all."""
        return self.is_system_admin or not self.permissions.isdisjoint(any_of)


def at_address(actor: Actor, address: str) -> Actor:
    """The actor as the sender of a request from an IP address ("": unknown)."""
    return structs.replace(actor, address=address or None)


def operator(tenant_id: str) -> Actor:
    """The operator of the server, at its command line: may do everything in the tenant."""
    return Actor(tenant_id=tenant_id, kind="operator", is_system_admin=True)
