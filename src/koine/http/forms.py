"""Form bodies: multipart fields as text pairs, files spooled to disk."""

from __future__ import annotations

from koine.http.body import has_body, read_chunks
from koine.http.headers import Headers
from koine.http.multipart import Form, MultipartReader
from koine.http.request import Receive

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


async def read_multipart(
    receive: Receive, headers: Headers, takes: tuple[str, ...], limit: int, text_limit: int
) -> Form:
    """Read text fields, and files in the fields that `takes` names; without a body, none.

    Raises TooLarge above `limit` bytes in all or `text_limit` bytes of text, Malformed, Invalid for
    a file in another field, and ClientDisconnected. The caller closes the files.
    """
    if not has_body(headers):
        return Form([], [])
    reader = MultipartReader(headers.raw_get(b"content-type") or b"", takes, text_limit)
    return await reader.read(read_chunks(receive, headers, limit if takes else text_limit))
