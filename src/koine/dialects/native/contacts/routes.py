"""The contacts of the tenant."""

from koine.dialects.native import fields, pagination
from koine.dialects.native.contacts import schemas
from koine.dialects.native.contacts.render import render_contact
from koine.engine import offboarding
from koine.engine.contacts import merge
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.http.request import Request
from koine.http.route import PathType, Routes
from koine.model.filters import PeopleFilter
from koine.model.identity import NewIdentity

CONTACTS = "/v1/contacts"
CONTACT = "/v1/contacts/{contact_id}"
TAGS = ("Contacts",)
TYPES: dict[str, PathType] = {"contact_id": "uuid"}
OBJECTS = ("custom_attributes", "additional_attributes")

routes = Routes()


@routes.get(CONTACTS, query=schemas.ContactQuery, returns=schemas.Contacts, tags=TAGS)
async def list_contacts(request: Request[None, schemas.ContactQuery]) -> schemas.Contacts:
    """List contacts, oldest first."""
    q = request.query
    inbox_ids = fields.parse_ids("inbox_id", q.inbox_id)
    f = PeopleFilter(kinds=("contact",), search=q.search, inbox_ids=inbox_ids)
    page = await directory.find_page(request.engine, request.actor, f, pagination.parse_window(q))
    return pagination.render_page(schemas.Contacts, page, render_contact)


@routes.post(CONTACTS, body=schemas.CreateContact, returns=schemas.Contact, status=201, tags=TAGS)
async def create_contact(request: Request[schemas.CreateContact, None]) -> schemas.Contact:
    """Add a contact; with `inbox_id` also its contact inbox, shown in this response alone."""
    given = fields.provided_fields(request.body, ids=("inbox_id",), objects=OBJECTS)
    inbox_id = given.pop("inbox_id")
    new = NewIdentity(kind="contact", **given)
    if inbox_id is None:
        return render_contact(await directory.create(request.engine, request.actor, new))
    contact, contact_inbox = await directory.create_at(request.engine, request.actor, new, inbox_id)
    return render_contact(contact, contact_inbox)


@routes.get(CONTACT, returns=schemas.Contact, path_types=TYPES, tags=TAGS)
async def get_contact(request: Request[None, None]) -> schemas.Contact:
    """Get one contact."""
    contact_id = fields.path_id(request, "contact_id")
    return render_contact(await directory.get(request.engine, request.actor, contact_id, "contact"))


@routes.patch(
    CONTACT, body=schemas.ChangeContact, returns=schemas.Contact, path_types=TYPES, tags=TAGS
)
async def change_contact(request: Request[schemas.ChangeContact, None]) -> schemas.Contact:
    """Change a contact."""
    contact_id = fields.path_id(request, "contact_id")
    changes = PersonChanges(**fields.provided_fields(request.body, objects=OBJECTS))
    changed = await directory.change(request.engine, request.actor, contact_id, "contact", changes)
    return render_contact(changed)


@routes.post(
    CONTACT + "/merge",
    body=schemas.MergeContact,
    returns=schemas.Contact,
    path_types=TYPES,
    tags=TAGS,
)
async def merge_contact(request: Request[schemas.MergeContact, None]) -> schemas.Contact:
    """Merge another contact into this one, with its messages and conversations."""
    contact_id = fields.path_id(request, "contact_id")
    merged_id = fields.provided_fields(request.body, ids=("contact_id",))["contact_id"]
    return render_contact(await merge.merge(request.engine, request.actor, contact_id, merged_id))


@routes.delete(CONTACT, status=204, path_types=TYPES, tags=TAGS)
async def remove_contact(request: Request[None, None]) -> None:
    """Remove a contact; its messages stay."""
    await offboarding.remove(
        request.engine, request.actor, fields.path_id(request, "contact_id"), "contact"
    )
