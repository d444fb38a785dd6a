"""The inbox, and the contact as its own client makes and changes it."""

from functools import partial

from msgspec import structs

from koine.dialects.inbox import wire_inbox, wire_people
from koine.dialects.inbox.auth import CONTACT, INBOX, entry_of, shown_hash
from koine.dialects.inbox.blocked import refuse_blocked
from koine.dialects.inbox.bodies import ContactCreate, ContactUpdate
from koine.dialects.inbox.budgets import budgets_of
from koine.dialects.inbox.wire_inbox import Inbox
from koine.dialects.inbox.wire_people import ContactCreated, ContactRecord
from koine.engine.contacts import contacts, session
from koine.engine.contacts.rules import LONGEST_URL, ContactInput
from koine.http.request import Request
from koine.http.route import Routes
from koine.model.links import is_link

routes = Routes()


@routes.get(INBOX, returns=Inbox, other_statuses=(404, 429), tags=("Inbox",))
async def get_inbox(call: Request[None, None]) -> Inbox:
    """Get an inbox: its name, hours and what it asks of contacts."""
    return wire_inbox.inbox(entry_of(call).inbox)


@routes.post(
    INBOX + "/contacts",
    body=ContactCreate,
    returns=ContactCreated,
    forms=True,
    other_statuses=(400, 401, 404, 422, 429),
    tags=("Contacts",),
)
async def create_contact(call: Request[ContactCreate, None]) -> ContactCreated:
    """Create a contact, or find it by its source id or its proven identifier."""
    given = _given(call.body)
    given = structs.replace(given, identifier_hash=given.identifier_hash or shown_hash(call))
    admit = partial(budgets_of(call).admit_contact, call)
    entry = await contacts.create(call.engine, entry_of(call), given, admit)
    return wire_people.contact_created(entry.contact_at_inbox[0], entry.public_contact)


@routes.get(CONTACT, returns=ContactCreated, other_statuses=(401, 404, 429), tags=("Contacts",))
async def get_contact(call: Request[None, None]) -> ContactCreated:
    """Get the contact behind a source id."""
    entry = entry_of(call)
    return wire_people.contact_created(entry.contact_at_inbox[0], entry.public_contact)


@routes.update(
    CONTACT,
    body=ContactUpdate,
    returns=ContactRecord,
    forms=True,
    other_statuses=(400, 401, 403, 404, 422, 429),
    tags=("Contacts",),
)
async def update_contact(call: Request[ContactUpdate, None]) -> ContactRecord:
    """Update the contact, as far as its source id may."""
    refuse_blocked(call)
    shown = call.body.identifier_hash or shown_hash(call)
    given = structs.replace(_given(call.body), identifier_hash=shown)
    entry = await session.verify_identity(call.engine, entry_of(call), shown, given.identifier)
    entry = await contacts.change(call.engine, call.actor, entry, given)
    return wire_people.contact_record(entry.tenant, entry.inbox, entry.public_contact)


def _given(body: ContactCreate | ContactUpdate) -> ContactInput:
    values = structs.asdict(body)
    values["custom_attributes"] = body.custom_attributes or {}
    picture = (body.avatar_url or "").strip()
    if len(picture) <= LONGEST_URL and not is_link(picture):
        # The original fetches it later, and drops it then.
        values["avatar_url"] = None
    return ContactInput(**values)
