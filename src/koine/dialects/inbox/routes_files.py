"""Stored files: whoever knows the key may read them, as in the API this serves (inbox.md, F)."""

from urllib.parse import quote

from koine.engine import files
from koine.http.call import Call, Stream
from koine.http.route import Routes

routes = Routes()
CACHED = "private, max-age=86400"
POLICY = "default-src 'none'; sandbox"


@routes.get(
    "/files/{key}/{name}",
    public=True,
    media="application/octet-stream",
    other_statuses=(404,),
    tags=("Files",),
)
async def get_file(call: Call[None, None]) -> Stream:
    """Download an attachment. Only an image is shown in place; nothing ever runs."""
    opened = await files.open_by_key(call.engine, call.path["key"])
    shown = "inline" if opened.is_image else "attachment"
    return Stream(
        opened.chunks,
        opened.file.content_type,
        headers={
            "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(opened.file.name, safe='')}",
            "Content-Length": str(opened.file.size),
            "Content-Security-Policy": POLICY,
            "Cache-Control": CACHED,
        },
    )
