"""Exports of the tenant into a file: start one, watch it, download the archive."""

from koine.dialects.native import fields
from koine.dialects.native.exports import schemas
from koine.dialects.native.exports.render import render_export
from koine.engine.archive import jobs
from koine.engine.archive.jobs import DownloadLink
from koine.http import ranges
from koine.http.ranges import ServedFile
from koine.http.request import AnyRequest, Request, Response, StreamingResponse
from koine.http.route import PathType, Routes
from koine.kit.times import SECOND
from koine.model.tenant_export import TenantExport

EXPORTS = "/v1/tenant/export"
TAGS = ("Tenant",)
ONE: dict[str, PathType] = {"export_id": "uuid"}

routes = Routes()


# Not idempotent: the digest of a payload that is stored would be one of the passphrase.
@routes.post(
    EXPORTS,
    body=schemas.StartExport,
    returns=schemas.Export,
    status=202,
    idempotent=False,
    tags=TAGS,
)
async def start_export(request: Request[schemas.StartExport, None]) -> schemas.Export:
    """Export everything the tenant has into a file, in the background: one at a time."""
    return _render(
        request, await jobs.start(request.engine, request.actor, request.body.passphrase)
    )


@routes.get(EXPORTS, returns=schemas.Exports, tags=TAGS)
async def list_exports(request: Request[None, None]) -> schemas.Exports:
    """List the exports of the last day, newest first."""
    found = await jobs.list_all(request.engine, request.actor)
    return schemas.Exports([_render(request, each) for each in found], None)


@routes.get(EXPORTS + "/{export_id}", returns=schemas.Export, path_types=ONE, tags=TAGS)
async def get_export(request: Request[None, None]) -> schemas.Export:
    """Get an export: how far it is, and when it is done a link to download the archive."""
    export_id = fields.path_id(request, "export_id")
    return _render(request, await jobs.get(request.engine, request.actor, export_id))


@routes.get(
    EXPORTS + "/{export_id}/archive",
    query=schemas.DownloadQuery,
    public=True,
    media="application/octet-stream",
    other_statuses=(206, 304, 404, 416),
    path_types=ONE,
    tags=TAGS,
)
async def download_export(
    request: Request[None, schemas.DownloadQuery],
) -> StreamingResponse | Response:
    """Download an archive by the link that the export names; the link is the credential."""
    link = DownloadLink(request.query.expires * SECOND, request.query.token)
    export_id = fields.path_id(request, "export_id")
    archive = await jobs.open_download(request.engine, export_id, link, request.client_ip)
    named = {
        "Content-Disposition": f'attachment; filename="{archive.export_id}.koine"',
        "Cache-Control": "no-store",
    }
    changed = archive.created_at // SECOND
    tag = f'"{archive.export_id}"'
    served = ServedFile(archive.size, "application/octet-stream", tag, changed, named, archive.part)
    return ranges.file_response(request.method, request.headers, served)


def _render(request: AnyRequest, export: TenantExport) -> schemas.Export:
    link = jobs.download_link(request.engine, export)
    return render_export(export, request.base_url, link)
