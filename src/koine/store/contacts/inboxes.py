"""Inboxes and contact inboxes."""

from msgspec import Struct, structs
from sqlalchemy import case, insert, select, update

from koine.model.inbox import ContactInbox, Inbox
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list
from koine.store.core.statements import Command, Query, param
from koine.store.tables import contact_inboxes, inboxes
from koine.store.tables.base import columns_of

_COLUMNS = columns_of(inboxes, Inbox)
_IN_TENANT = inboxes.c.tenant_id == param("tenant_id")
_CONTACT_INBOX_COLUMNS = columns_of(contact_inboxes, ContactInbox)
_CONTACT_INBOX_IN_TENANT = contact_inboxes.c.tenant_id == param("tenant_id")


class InboxAddress(Struct, frozen=True):
    """The inbox with a public identifier."""

    tenant_id: str
    inbox_id: str


class StreamTokenOwner(Struct, frozen=True):
    """The contact inbox with a token for streams."""

    tenant_id: str
    inbox_id: str
    source_id: str


_BY_ID = Query(select(*_COLUMNS).where(_IN_TENANT, inboxes.c.id == param("id")), Inbox)
_LOCK = Query(
    select(*_COLUMNS).where(_IN_TENANT, inboxes.c.id == param("id")).with_for_update(), Inbox
)
_BY_IDS = Query(select(*_COLUMNS).where(_IN_TENANT, in_list(inboxes.c.id, "ids")), Inbox)
_ALL = Query(
    select(*_COLUMNS).where(_IN_TENANT, inboxes.c.removed_at.is_(None)).order_by(inboxes.c.number),
    Inbox,
)
_BY_IDENTIFIER = Query(
    select(inboxes.c.tenant_id, inboxes.c.id).where(
        inboxes.c.identifier == param("identifier"), inboxes.c.removed_at.is_(None)
    ),
    InboxAddress,
    crosses_tenants="the public identifier is what names the tenant",
)
_INSERT = Command(
    insert(inboxes).values(
        {"tenant_id": param("tenant_id")} | {name: param(name) for name in Inbox.__struct_fields__}
    )
)
_CHANGEABLE = [n for n in Inbox.__struct_fields__ if n not in ("id", "number", "created_at")]
_UPDATE = Command(
    update(inboxes)
    .where(_IN_TENANT, inboxes.c.id == param("id"))
    .values({name: param(f"new_{name}") for name in _CHANGEABLE})
)
_BY_SOURCE_ID = Query(
    select(*_CONTACT_INBOX_COLUMNS).where(
        _CONTACT_INBOX_IN_TENANT,
        contact_inboxes.c.inbox_id == param("inbox_id"),
        contact_inboxes.c.source_id == param("source_id"),
    ),
    ContactInbox,
)
_BY_PUBSUB_TOKEN = Query(
    select(
        contact_inboxes.c.tenant_id, contact_inboxes.c.inbox_id, contact_inboxes.c.source_id
    ).where(contact_inboxes.c.pubsub_token == param("token")),
    StreamTokenOwner,
    crosses_tenants="the token is what names the tenant",
)
_CONTACT_INBOXES_OF = Query(
    select(*_CONTACT_INBOX_COLUMNS)
    .where(_CONTACT_INBOX_IN_TENANT, in_list(contact_inboxes.c.contact_id, "contact_ids"))
    .order_by(contact_inboxes.c.created_at),
    ContactInbox,
)
_INSERT_CONTACT_INBOX = Command(
    insert(contact_inboxes).values(
        {"tenant_id": param("tenant_id")}
        | {name: param(name) for name in ContactInbox.__struct_fields__}
    )
)
_CONTACT_INBOX_CHANGEABLE = [
    name for name in ContactInbox.__struct_fields__ if name not in ("inbox_id", "source_id")
]
_UPDATE_CONTACT_INBOX = Command(
    update(contact_inboxes)
    .where(
        _CONTACT_INBOX_IN_TENANT,
        contact_inboxes.c.inbox_id == param("inbox_id"),
        contact_inboxes.c.source_id == param("source_id"),
    )
    .values({name: param(f"new_{name}") for name in _CONTACT_INBOX_CHANGEABLE})
)
_IS_IDENTIFIER_PROVEN = Query(
    select(contact_inboxes.c.contact_id)
    .where(
        _CONTACT_INBOX_IN_TENANT,
        contact_inboxes.c.contact_id == param("contact_id"),
        contact_inboxes.c.proved_identifier == param("identifier"),
    )
    .limit(1)
)
_MOVE = Command(
    update(contact_inboxes)
    .where(_CONTACT_INBOX_IN_TENANT, contact_inboxes.c.contact_id == param("old_contact_id"))
    .values(
        contact_id=param("new_contact_id"),
        origin=case((contact_inboxes.c.origin == "tenant", "tenant"), else_="joined"),
    )
)


async def get(tx: Tx, inbox_id: str) -> Inbox | None:
    """The inbox with this id, removed ones too."""
    return await tx.one(_BY_ID, id=inbox_id)


async def lock(tx: Tx, inbox_id: str) -> Inbox | None:
    """As `get`; locks the row until the transaction ends."""
    return await tx.one(_LOCK, id=inbox_id)


async def get_by_ids(tx: Tx, ids: list[str]) -> dict[str, Inbox]:
    """The inboxes with these ids, by id."""
    return {i.id: i for i in await tx.all(_BY_IDS, ids=ids)} if ids else {}


async def list_all(tx: Tx) -> list[Inbox]:
    """Every inbox of the tenant that is not removed, in the order of creation."""
    return await tx.all(_ALL)


async def get_by_identifier(tx: Tx, identifier: str) -> InboxAddress | None:
    """The inbox with this public identifier, of any tenant."""
    return await tx.one(_BY_IDENTIFIER, identifier=identifier)


async def get_by_pubsub_token(tx: Tx, token: str) -> StreamTokenOwner | None:
    """The contact inbox with this token for streams, of any tenant."""
    return await tx.one(_BY_PUBSUB_TOKEN, token=token)


async def insert_one(tx: Tx, inbox: Inbox) -> None:
    """Add an inbox."""
    await tx.run(_INSERT, **structs.asdict(inbox))


async def change(tx: Tx, inbox: Inbox) -> None:
    """Write the inbox over the row with its id."""
    values = structs.asdict(inbox)
    await tx.run(_UPDATE, id=inbox.id, **{f"new_{n}": values[n] for n in _CHANGEABLE})


async def get_contact_inbox(tx: Tx, inbox_id: str, source_id: str) -> ContactInbox | None:
    """The contact inbox with this source id."""
    return await tx.one(_BY_SOURCE_ID, inbox_id=inbox_id, source_id=source_id)


async def contact_inboxes_of(tx: Tx, contact_ids: list[str]) -> list[ContactInbox]:
    """The contact inboxes of these contacts, oldest first."""
    return await tx.all(_CONTACT_INBOXES_OF, contact_ids=contact_ids)


async def insert_contact_inbox(tx: Tx, row: ContactInbox) -> None:
    """Add a contact inbox. Raises Duplicate if the source id is in use."""
    await tx.run(_INSERT_CONTACT_INBOX, **structs.asdict(row))


async def change_contact_inbox(tx: Tx, row: ContactInbox) -> None:
    """Write the contact inbox over the row with its inbox and source id."""
    values = structs.asdict(row)
    await tx.run(
        _UPDATE_CONTACT_INBOX,
        inbox_id=row.inbox_id,
        source_id=row.source_id,
        **{f"new_{name}": values[name] for name in _CONTACT_INBOX_CHANGEABLE},
    )


async def is_identifier_proven(tx: Tx, contact_id: str, identifier: str) -> bool:
    """Whether a contact inbox of the contact has proven this identifier."""
    return bool(await tx.all(_IS_IDENTIFIER_PROVEN, contact_id=contact_id, identifier=identifier))


async def reassign_contact_inboxes(tx: Tx, old_contact_id: str, new_contact_id: str) -> None:
    """Make another contact the owner of the contact inboxes of `old_contact_id` (merging
    contacts)."""
    await tx.run(_MOVE, old_contact_id=old_contact_id, new_contact_id=new_contact_id)
