"""The responders of the tenant and their versions."""

from koine.dialects.native import cursors, shapes, values, wire, wire_setup
from koine.engine.people import responders
from koine.engine.people.responders import NewResponder, ResponderChanges
from koine.http.request import Request
from koine.http.route import PathType, Routes
from koine.kit.json import json_text

RESPONDERS = "/v1/responders"
RESPONDER = "/v1/responders/{responder_id}"
VERSIONS = RESPONDER + "/versions"
TAGS = ("Responders",)
TYPES: dict[str, PathType] = {"responder_id": "uuid"}

routes = Routes()


@routes.get(RESPONDERS, query=wire_setup.ResponderQuery, returns=wire_setup.Responders, tags=TAGS)
async def list_responders(call: Request[None, wire_setup.ResponderQuery]) -> wire_setup.Responders:
    """List responders, oldest first."""
    q = call.query
    page = await responders.find(
        call.engine, call.actor, cursors.window(q), tuple(q.kind or ()), q.search
    )
    return cursors.shown(wire_setup.Responders, page, shapes.responder)


@routes.post(
    RESPONDERS, body=wire_setup.CreateResponder, returns=wire_setup.Responder, status=201, tags=TAGS
)
async def create_responder(
    call: Request[wire_setup.CreateResponder, None],
) -> wire_setup.Responder:
    """Make a responder with version 1."""
    body = call.body
    new = NewResponder(
        kind=body.kind,
        name=body.name,
        picture=body.avatar_url,
        settings=json_text(body.settings),
    )
    made = await responders.create(call.engine, call.actor, new)
    return shapes.responder(made.identity)


@routes.get(RESPONDER, returns=wire_setup.Responder, path_types=TYPES, tags=TAGS)
async def get_responder(call: Request[None, None]) -> wire_setup.Responder:
    """Get one responder."""
    found = await responders.get(call.engine, call.actor, values.path_id(call, "responder_id"))
    return shapes.responder(found.identity)


@routes.patch(
    RESPONDER,
    body=wire_setup.ChangeResponder,
    returns=wire_setup.Responder,
    path_types=TYPES,
    tags=TAGS,
)
async def change_responder(
    call: Request[wire_setup.ChangeResponder, None],
) -> wire_setup.Responder:
    """Rename a responder or change its picture."""
    responder_id = values.path_id(call, "responder_id")
    changes = ResponderChanges(**values.changed_fields(call.body))
    changed = await responders.update(call.engine, call.actor, responder_id, changes)
    return shapes.responder(changed)


@routes.get(
    VERSIONS, query=wire.PageQuery, returns=wire_setup.Versions, path_types=TYPES, tags=TAGS
)
async def list_versions(call: Request[None, wire.PageQuery]) -> wire_setup.Versions:
    """List a responder's versions, oldest first."""
    found = await responders.get(call.engine, call.actor, values.path_id(call, "responder_id"))
    page = cursors.cut(found.versions, cursors.window(call.query), cursors.creation)
    return cursors.shown(wire_setup.Versions, page, shapes.version)


@routes.post(
    VERSIONS,
    body=wire_setup.AddVersion,
    returns=wire_setup.Version,
    status=201,
    path_types=TYPES,
    tags=TAGS,
)
async def add_version(call: Request[wire_setup.AddVersion, None]) -> wire_setup.Version:
    """Add the next version; conversations that open from now on get it."""
    responder_id = values.path_id(call, "responder_id")
    settings = json_text(call.body.settings)
    return shapes.version(
        await responders.add_version(call.engine, call.actor, responder_id, settings)
    )
