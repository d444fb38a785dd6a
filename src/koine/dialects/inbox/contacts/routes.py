"""The contact: create, get, update."""

from functools import partial

from msgspec import structs

from koine.dialects.inbox.auth import contact_caller, identity_hash
from koine.dialects.inbox.budgets import budgets_of
from koine.dialects.inbox.contacts import schemas
from koine.dialects.inbox.contacts.render import render_created, render_record
from koine.dialects.inbox.path_params import CONTACT, INBOX
from koine.engine.contacts import callers, contacts
from koine.engine.contacts.rules import LONGEST_URL, ContactInput
from koine.http.request import Request
from koine.http.route import Routes
from koine.model.links import is_link

TAGS = ("Contacts",)

routes = Routes()


@routes.post(
    INBOX + "/contacts",
    body=schemas.ContactCreate,
    returns=schemas.ContactCreated,
    forms=True,
    other_statuses=(400, 401, 403, 404, 422, 429),
    tags=TAGS,
)
async def create_contact(request: Request[schemas.ContactCreate, None]) -> schemas.ContactCreated:
    """Create a contact, or find it by its source id or its proven identifier."""
    given = _input(request.body)
    given = structs.replace(given, identifier_hash=given.identifier_hash or identity_hash(request))
    admit = partial(budgets_of(request).admit_contact, request)
    created = await contacts.create(request.engine, contact_caller(request), given, admit)
    return render_created(created.contact_at_inbox[0], created.public_contact)


@routes.get(CONTACT, returns=schemas.ContactCreated, other_statuses=(401, 403, 404, 429), tags=TAGS)
async def get_contact(request: Request[None, None]) -> schemas.ContactCreated:
    """Get the contact behind a source id."""
    found = contact_caller(request)
    return render_created(found.contact_at_inbox[0], found.public_contact)


@routes.update(
    CONTACT,
    body=schemas.ContactUpdate,
    returns=schemas.ContactRecord,
    forms=True,
    other_statuses=(400, 401, 403, 404, 422, 429),
    tags=TAGS,
)
async def update_contact(request: Request[schemas.ContactUpdate, None]) -> schemas.ContactRecord:
    """Update the contact, within the rights of its source id."""
    shown = request.body.identifier_hash or identity_hash(request)
    given = structs.replace(_input(request.body), identifier_hash=shown)
    verified = await callers.verify_for_change(
        request.engine, contact_caller(request), shown, given.identifier
    )
    changed = await contacts.change(request.engine, request.actor, verified, given)
    return render_record(changed.tenant, changed.inbox, changed.public_contact)


def _input(body: schemas.ContactCreate | schemas.ContactUpdate) -> ContactInput:
    values = structs.asdict(body)
    values["custom_attributes"] = body.custom_attributes or {}
    picture = (body.avatar_url or "").strip()
    if len(picture) <= LONGEST_URL and not is_link(picture):
        # The original fetches the picture later, and ignores what is no link then.
        values["avatar_url"] = None
    return ContactInput(**values)
