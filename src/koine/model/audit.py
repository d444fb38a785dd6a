"""Audit entries: who did what to which thing, written in the transaction that did it."""

from msgspec import Struct


class AuditEntry(Struct, frozen=True):
    """`actor_kind`/`actor_id` did `action` to the entity `noun_id`, which is a `noun` (the name of
    the field on the wire); `detail` is JSON text. `address` is the IP address of the client, None
    where there is none: at the command line, and in entries that the server itself writes.
    `request_id` is the `X-Request-Id` of the request that did it, None likewise."""

    id: str
    actor_kind: str
    actor_id: str | None
    action: str
    noun: str
    noun_id: str
    detail: str
    created_at: int
    address: str | None = None
    request_id: str | None = None
