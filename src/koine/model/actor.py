"""Who is asking. Made by a dialect's auth.py, handed to every verb; nothing about it is ambient."""

from typing import Literal

from msgspec import Struct

ActorKind = Literal["user", "contact", "key", "operator"]


class Actor(Struct, frozen=True):
    """One authenticated caller in one tenant.

    `identity_id` is the user or contact the caller acts as; None for a system administrator from
    outside the tenant and for the operator (command line). `permissions` are the words of
    `model.permissions`; `role` is the user's role or None (a user without one is a customer).
    `session_id` is that of a login; `expires_at` (µs) is when the credential ends by itself.
    `reads_private` is False for a key whose maker reads no private notes. `depends_on` are the ids
    of others (who made the key) whose change may end the key or narrow what it may do.
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

    @property
    def caller(self) -> str:
        """What calls are counted and kept by: the key, else the person, else what kind it is."""
        return self.key_id or self.identity_id or self.kind

    def may(self, *any_of: str) -> bool:
        """Whether the actor holds one of these; the operator and system admins hold all."""
        return self.is_system_admin or not self.permissions.isdisjoint(any_of)


def operator(tenant_id: str) -> Actor:
    """The person at the command line of the server itself: may do everything in the tenant."""
    return Actor(tenant_id=tenant_id, kind="operator", is_system_admin=True)
