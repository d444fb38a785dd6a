"""From the engine's exports to those of the API. Pure."""

from koine.dialects.native import fields
from koine.dialects.native.exports import schemas
from koine.engine.archive.jobs import DownloadLink
from koine.kit.times import SECOND, iso_ms
from koine.model.tenant_export import TenantExport


def render_export(export: TenantExport, base_url: str, link: DownloadLink | None) -> schemas.Export:
    """An export, with a link to its archive if there is one."""
    url = None
    if link is not None:
        signature = f"expires={link.expires // SECOND}&token={link.token}"
        url = f"{base_url}/v1/tenant/export/{export.id}/archive?{signature}"
    return schemas.Export(
        id=export.id,
        state=export.state,
        encrypted=export.encrypted,
        progress=schemas.Progress(
            export.rows_done, export.rows_total, export.files_done, export.files_total
        ),
        size=export.size,
        error=export.error,
        requested_by=export.requested_by,
        created_at=iso_ms(export.created_at),
        finished_at=fields.render_time(export.finished_at),
        expires_at=fields.render_time(export.expires_at),
        download_url=url,
        download_expires_at=None if link is None else iso_ms(link.expires),
    )
