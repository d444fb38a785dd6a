"""The responders of the tenant and their versions."""

from koine.dialects.native import fields, pagination
from koine.dialects.native.responders import schemas
from koine.dialects.native.responders.render import render_responder, render_version
from koine.dialects.native.schemas import PageQuery
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


@routes.get(RESPONDERS, query=schemas.ResponderQuery, returns=schemas.Responders, tags=TAGS)
async def list_responders(request: Request[None, schemas.ResponderQuery]) -> schemas.Responders:
    """List responders, oldest first."""
    q = request.query
    page = await responders.find_page(
        request.engine, request.actor, pagination.parse_window(q), tuple(q.kind or ()), q.search
    )
    return pagination.render_page(schemas.Responders, page, render_responder)


@routes.post(
    RESPONDERS, body=schemas.CreateResponder, returns=schemas.Responder, status=201, tags=TAGS
)
async def create_responder(
    request: Request[schemas.CreateResponder, None],
) -> schemas.Responder:
    """Make a responder with version 1."""
    body = request.body
    new = NewResponder(
        kind=body.kind,
        name=body.name,
        picture=body.avatar_url,
        settings=json_text(body.settings),
    )
    made = await responders.create(request.engine, request.actor, new)
    return render_responder(made.identity)


@routes.get(RESPONDER, returns=schemas.Responder, path_types=TYPES, tags=TAGS)
async def get_responder(request: Request[None, None]) -> schemas.Responder:
    """Get one responder."""
    found = await responders.get(
        request.engine, request.actor, fields.path_id(request, "responder_id")
    )
    return render_responder(found.identity)


@routes.patch(
    RESPONDER,
    body=schemas.ChangeResponder,
    returns=schemas.Responder,
    path_types=TYPES,
    tags=TAGS,
)
async def change_responder(
    request: Request[schemas.ChangeResponder, None],
) -> schemas.Responder:
    """Rename a responder or change its picture."""
    responder_id = fields.path_id(request, "responder_id")
    changes = ResponderChanges(**fields.provided_fields(request.body))
    changed = await responders.change(request.engine, request.actor, responder_id, changes)
    return render_responder(changed)


@routes.get(VERSIONS, query=PageQuery, returns=schemas.Versions, path_types=TYPES, tags=TAGS)
async def list_versions(request: Request[None, PageQuery]) -> schemas.Versions:
    """List a responder's versions, oldest first."""
    found = await responders.get(
        request.engine, request.actor, fields.path_id(request, "responder_id")
    )
    page = pagination.slice_page(
        found.versions, pagination.parse_window(request.query), pagination.creation_position
    )
    return pagination.render_page(schemas.Versions, page, render_version)


@routes.post(
    VERSIONS,
    body=schemas.AddVersion,
    returns=schemas.Version,
    status=201,
    path_types=TYPES,
    tags=TAGS,
)
async def add_version(request: Request[schemas.AddVersion, None]) -> schemas.Version:
    """Add the next version; conversations that open from now on get it."""
    responder_id = fields.path_id(request, "responder_id")
    settings = json_text(request.body.settings)
    return render_version(
        await responders.add_version(request.engine, request.actor, responder_id, settings)
    )
