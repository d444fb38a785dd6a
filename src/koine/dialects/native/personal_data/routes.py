"""Export and erase the data of contacts and users."""

from koine.dialects.native import fields, pagination
from koine.dialects.native.personal_data import schemas
from koine.dialects.native.personal_data.render import render_erasure
from koine.dialects.native.schemas import PageQuery
from koine.engine.personal_data import erasure
from koine.engine.personal_data.export import export
from koine.http.request import AnyRequest, Request, Response, StreamingResponse
from koine.http.route import PathType, Routes
from koine.kit.structs import provided_fields
from koine.model.personal_data import PersonKind

CONTACT = "/v1/contacts/{contact_id}"
USER = "/v1/users/{user_id}"
TAGS = ("Personal data",)
ZIP = "application/zip"
CONTACT_ID: dict[str, PathType] = {"contact_id": "uuid"}
USER_ID: dict[str, PathType] = {"user_id": "uuid"}

routes = Routes()


@routes.get(CONTACT + "/export", media=ZIP, path_types=CONTACT_ID, tags=TAGS)
async def export_contact(request: Request[None, None]) -> StreamingResponse:
    """Download all data of a contact: a ZIP file."""
    return await _export(request, "contact")


@routes.get(USER + "/export", media=ZIP, path_types=USER_ID, tags=TAGS)
async def export_user(request: Request[None, None]) -> StreamingResponse:
    """Download all data of a user: a ZIP file."""
    return await _export(request, "user")


@routes.post(
    CONTACT + "/erase",
    body=schemas.ErasePerson,
    returns=schemas.Erasure,
    other_statuses=(202,),
    path_types=CONTACT_ID,
    tags=TAGS,
)
async def erase_contact(request: Request[schemas.ErasePerson, None]) -> Response:
    """Erase a contact for good, also one that was removed. 202: it takes longer and goes on."""
    return await _erase(request, "contact")


@routes.post(
    USER + "/erase",
    body=schemas.ErasePerson,
    returns=schemas.Erasure,
    other_statuses=(202,),
    path_types=USER_ID,
    tags=TAGS,
)
async def erase_user(request: Request[schemas.ErasePerson, None]) -> Response:
    """Erase a user for good, also one that was removed. 202: it takes longer and goes on."""
    return await _erase(request, "user")


@routes.get("/v1/erasures", query=PageQuery, returns=schemas.Erasures, tags=TAGS)
async def list_erasures(request: Request[None, PageQuery]) -> schemas.Erasures:
    """List erasures, newest first."""
    window = pagination.parse_window(request.query)
    page = await erasure.find_page(request.engine, request.actor, window)
    return pagination.render_page(schemas.Erasures, page, render_erasure)


@routes.get(
    "/v1/erasures/{person_id}",
    returns=schemas.Erasure,
    path_types={"person_id": "uuid"},
    tags=TAGS,
)
async def get_erasure(request: Request[None, None]) -> schemas.Erasure:
    """Get the erasure of a person."""
    person_id = fields.path_id(request, "person_id")
    return render_erasure(await erasure.get(request.engine, request.actor, person_id))


async def _export(request: AnyRequest, kind: PersonKind) -> StreamingResponse:
    person_id = fields.path_id(request, f"{kind}_id")
    chunks = await export(request.engine, request.actor, person_id, kind)
    name = f"{kind}-{person_id}.zip"
    return StreamingResponse(
        chunks,
        ZIP,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
        write_seconds=request.engine.settings.stream_write_seconds,
    )


async def _erase(request: Request[schemas.ErasePerson, None], kind: PersonKind) -> Response:
    person_id = fields.path_id(request, f"{kind}_id")
    messages = provided_fields(request.body).get("messages")
    done = await erasure.erase_for(request.engine, request.actor, person_id, kind, messages)
    status = 202 if done.erasure.erased_at is None else 200
    return Response(render_erasure(done.erasure, done.similar), status)
