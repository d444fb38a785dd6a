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
async def list_contacts(call: Request[None, schemas.ContactQuery]) -> schemas.Contacts:
    """List contacts, oldest first."""
    q = call.query
    inbox_ids = fields.parse_ids("inbox_id", q.inbox_id)
    f = PeopleFilter(kinds=("contact",), search=q.search, inbox_ids=inbox_ids)
    page = await directory.find(call.engine, call.actor, f, pagination.parse_window(q))
    return pagination.render_page(schemas.Contacts, page, render_contact)


@routes.post(CONTACTS, body=schemas.CreateContact, returns=schemas.Contact, status=201, tags=TAGS)
async def create_contact(call: Request[schemas.CreateContact, None]) -> schemas.Contact:
    """Add a contact; with `inbox_id` also its contact inbox, shown in this response alone."""
    given = fields.provided_fields(call.body, ids=("inbox_id",), objects=OBJECTS)
    inbox_id = given.pop("inbox_id")
    new = NewIdentity(kind="contact", **given)
    if inbox_id is None:
        return render_contact(await directory.create(call.engine, call.actor, new))
    contact, place = await directory.create_at(call.engine, call.actor, new, inbox_id)
    return render_contact(contact, place)


@routes.get(CONTACT, returns=schemas.Contact, path_types=TYPES, tags=TAGS)
async def get_contact(call: Request[None, None]) -> schemas.Contact:
    """Get one contact."""
    contact_id = fields.path_id(call, "contact_id")
    return render_contact(await directory.get(call.engine, call.actor, contact_id, "contact"))


@routes.patch(
    CONTACT, body=schemas.ChangeContact, returns=schemas.Contact, path_types=TYPES, tags=TAGS
)
async def change_contact(call: Request[schemas.ChangeContact, None]) -> schemas.Contact:
    """Change a contact."""
    contact_id = fields.path_id(call, "contact_id")
    changes = PersonChanges(**fields.provided_fields(call.body, objects=OBJECTS))
    changed = await directory.change(call.engine, call.actor, contact_id, "contact", changes)
    return render_contact(changed)


@routes.post(
    CONTACT + "/merge",
    body=schemas.MergeContact,
    returns=schemas.Contact,
    path_types=TYPES,
    tags=TAGS,
)
async def merge_contact(call: Request[schemas.MergeContact, None]) -> schemas.Contact:
    """Merge another contact into this one, with its messages and conversations."""
    contact_id = fields.path_id(call, "contact_id")
    merged_id = fields.provided_fields(call.body, ids=("contact_id",))["contact_id"]
    return render_contact(await merge.merge(call.engine, call.actor, contact_id, merged_id))


@routes.delete(CONTACT, status=204, path_types=TYPES, tags=TAGS)
async def remove_contact(call: Request[None, None]) -> None:
    """Remove a contact; its messages stay."""
    await offboarding.remove(call.engine, call.actor, fields.path_id(call, "contact_id"), "contact")
