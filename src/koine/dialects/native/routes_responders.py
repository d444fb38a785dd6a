"""The responders of the tenant and their versions."""

from koine.dialects.native import cursors, shapes, values, wire
from koine.dialects.native import wire_people as people_wire
from koine.engine import responders
from koine.engine.responders import NewResponder, ResponderChanges
from koine.http.call import Call
from koine.http.route import PathType, Routes

RESPONDERS = "/v1/responders"
RESPONDER = "/v1/responders/{responder_id}"
VERSIONS = RESPONDER + "/versions"
TAGS = ("Responders",)
TYPES: dict[str, PathType] = {"responder_id": "uuid"}

routes = Routes()


@routes.get(RESPONDERS, query=people_wire.ResponderQuery, returns=people_wire.Responders, tags=TAGS)
async def list_responders(call: Call[None, people_wire.ResponderQuery]) -> people_wire.Responders:
    """List responders, oldest first."""
    q = call.query
    page = await responders.find(
        call.engine, call.actor, cursors.window(q), tuple(q.kind or ()), q.search
    )
    shown = [shapes.responder(each) for each in page.items]
    return people_wire.Responders(shown, cursors.written(page.next))


@routes.post(
    RESPONDERS,
    body=people_wire.CreateResponder,
    returns=people_wire.Responder,
    status=201,
    tags=TAGS,
)
async def create_responder(
    call: Call[people_wire.CreateResponder, None],
) -> people_wire.Responder:
    """Make a responder with version 1."""
    body = call.body
    new = NewResponder(
        kind=body.kind,
        name=body.name,
        picture=body.avatar_url,
        settings=values.bag(body.settings),
    )
    made = await responders.create(call.engine, call.actor, new)
    return shapes.responder(made.identity)


@routes.get(RESPONDER, returns=people_wire.Responder, path_types=TYPES, tags=TAGS)
async def get_responder(call: Call[None, None]) -> people_wire.Responder:
    """Get one responder."""
    found = await responders.get(call.engine, call.actor, values.path_id(call, "responder_id"))
    return shapes.responder(found.identity)


@routes.patch(
    RESPONDER,
    body=people_wire.ChangeResponder,
    returns=people_wire.Responder,
    path_types=TYPES,
    tags=TAGS,
)
async def change_responder(
    call: Call[people_wire.ChangeResponder, None],
) -> people_wire.Responder:
    """Rename a responder or change its picture."""
    responder_id = values.path_id(call, "responder_id")
    changes = ResponderChanges(**values.given(call.body))
    changed = await responders.update(call.engine, call.actor, responder_id, changes)
    return shapes.responder(changed)


@routes.get(
    VERSIONS,
    query=wire.PageQuery,
    returns=people_wire.Versions,
    path_types=TYPES,
    tags=TAGS,
)
async def list_versions(call: Call[None, wire.PageQuery]) -> people_wire.Versions:
    """List a responder's versions, oldest first."""
    found = await responders.get(call.engine, call.actor, values.path_id(call, "responder_id"))
    page = cursors.cut(
        found.versions, cursors.window(call.query), lambda each: (each.created_at, each.id)
    )
    shown = [shapes.version(each) for each in page.items]
    return people_wire.Versions(shown, cursors.written(page.next))


@routes.post(
    VERSIONS,
    body=people_wire.AddVersion,
    returns=people_wire.Version,
    status=201,
    path_types=TYPES,
    tags=TAGS,
)
async def add_version(call: Call[people_wire.AddVersion, None]) -> people_wire.Version:
    """Add the next version; conversations that open from now on get it."""
    responder_id = values.path_id(call, "responder_id")
    settings = values.bag(call.body.settings)
    return shapes.version(
        await responders.add_version(call.engine, call.actor, responder_id, settings)
    )
