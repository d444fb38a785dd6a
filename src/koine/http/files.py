"""The route of stored files, which the links of every dialect name. It needs no credential: who
knows the key in the path may read the file (inbox.md, F)."""

from urllib.parse import quote

from koine.engine.conversations import files
from koine.http import ranges
from koine.http.ranges import ServedFile
from koine.http.request import Request, Response, StreamingResponse
from koine.http.route import Routes
from koine.kit.times import SECOND

routes = Routes()
CACHED = "private, max-age=86400"
POLICY = "default-src 'none'; sandbox"


@routes.get(
    "/files/{key}/{name}",
    public=True,
    media="application/octet-stream",
    other_statuses=(206, 304, 404, 416),
    tags=("Files",),
)
async def get_file(request: Request[None, None]) -> StreamingResponse | Response:
    """Download an attachment, or ranges of its bytes.

    Only images are shown inline, and scripts in a file are never executed.
    """
    opened = await files.open_by_key(request.engine, request.path["key"])
    shown = "inline" if opened.is_image else "attachment"
    file = opened.file
    named = {
        "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(file.name, safe='')}",
        "Content-Security-Policy": POLICY,
        # Pages of other origins embed it (inbox.md, Base: CORS).
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Cache-Control": CACHED,
    }
    changed = file.created_at // SECOND
    served = ServedFile(file.size, file.content_type, f'"{file.id}"', changed, named, opened.part)
    return ranges.file_response(request.method, request.headers, served)
