"""Ranges of an attachment, as players and download managers request them (RFC 9110, 13 and 14)."""

from email.utils import formatdate, parsedate_to_datetime

import httpx
import pytest

from tests.dialects.inbox.conftest import InboxClient

BODY = bytes(range(256)) * 4096


async def url_of(client: InboxClient, body: bytes = BODY, media: str = "audio/mpeg") -> str:
    conversation = await client.carol.create_conversation()
    files = {"attachments[]": ("a.mp3", body, media)}
    path = f"/conversations/{conversation['id']}/messages"
    sent = (await client.carol.request("POST", path, files=files)).json()
    return str(sent["attachments"][0]["data_url"])


async def get(client: InboxClient, url: str, asked: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.web.get(url, headers={"Range": asked} | named)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-1", 0, 2), ("bytes=300000-", 300_000, None), ("bytes=-5", -5, None)],
)
async def test_a_range_is_a_206(
    inbox_client: InboxClient, asked: str, start: int, end: int | None
) -> None:
    response = await get(inbox_client, await url_of(inbox_client), asked)
    assert response.status_code == 206
    assert response.content == BODY[start:end]
    assert response.headers["content-length"] == str(len(response.content))
    first = range(len(BODY))[start]
    result = f"bytes {first}-{first + len(response.content) - 1}/{len(BODY)}"
    assert response.headers["content-range"] == result


async def test_the_whole_file_announces_ranges(inbox_client: InboxClient) -> None:
    url = await url_of(inbox_client)
    for response in (
        await inbox_client.web.get(url),
        await inbox_client.web.head(url, headers={"Range": "bytes=0-1"}),
    ):
        assert response.status_code == 200
        assert response.headers["accept-ranges"] == "bytes"
        assert response.headers["content-length"] == str(len(BODY))
        assert response.headers["cross-origin-resource-policy"] == "cross-origin"


async def test_a_range_beyond_the_end_is_a_416(inbox_client: InboxClient) -> None:
    response = await get(inbox_client, await url_of(inbox_client), f"bytes={len(BODY)}-")
    assert (response.status_code, response.content) == (416, b"")
    assert response.headers["content-range"] == f"bytes */{len(BODY)}"


async def test_several_ranges_come_in_parts(inbox_client: InboxClient) -> None:
    response = await get(inbox_client, await url_of(inbox_client), "bytes=0-1,-2")
    kind, _, boundary = response.headers["content-type"].partition("; boundary=")
    assert (response.status_code, kind) == (206, "multipart/byteranges")
    head = "\r\n--{}\r\nContent-Type: audio/mpeg\r\nContent-Range: bytes {}/{}\r\n\r\n"
    size = len(BODY)
    assert response.content == b"".join(
        [
            head.format(boundary, "0-1", size).encode(), BODY[:2],
            head.format(boundary, f"{size - 2}-{size - 1}", size).encode(), BODY[-2:],
            f"\r\n--{boundary}--\r\n".encode(),
        ]
    )  # fmt: skip
    assert response.headers["content-length"] == str(len(response.content))


@pytest.mark.parametrize("asked", ["bytes=1-0", "lines=0-1", "bytes=" + ",".join(["0-0"] * 100)])
async def test_a_range_that_is_none_is_ignored(inbox_client: InboxClient, asked: str) -> None:
    response = await get(inbox_client, await url_of(inbox_client, b"short"), asked)
    assert (response.status_code, response.content) == (200, b"short")


async def test_if_range_compares_the_version(inbox_client: InboxClient) -> None:
    url = await url_of(inbox_client)
    whole = await inbox_client.web.get(url)
    tag, changed = whole.headers["etag"], whole.headers["last-modified"]
    later = formatdate(parsedate_to_datetime(changed).timestamp() + 1, usegmt=True)
    for condition, status in ((tag, 206), (changed, 206), (later, 200), (f"W/{tag}", 200)):
        response = await get(inbox_client, url, "bytes=0-1", If_Range=condition)
        assert response.status_code == status, condition


async def test_a_cached_file_is_not_sent_again(inbox_client: InboxClient) -> None:
    url = await url_of(inbox_client)
    tag = (await inbox_client.web.get(url)).headers["etag"]
    for named, status in ((tag, 304), (f'"x", W/{tag}', 304), ('"x"', 200)):
        response = await inbox_client.web.get(url, headers={"If-None-Match": named})
        assert response.status_code == status
        assert response.content == (b"" if status == 304 else BODY)


@pytest.mark.parametrize(
    ("head", "media", "kind"),
    [
        (b"OggS" + bytes(24) + b"OpusHead", "audio/ogg", "audio"),
        (b"BM" + bytes(12) + (40).to_bytes(4, "little") + bytes(40), "image/bmp", "image"),
    ],
)
async def test_octets_are_recognised_by_their_bytes(
    inbox_client: InboxClient, head: bytes, media: str, kind: str
) -> None:
    conversation = await inbox_client.carol.create_conversation()
    files = {"attachments[]": ("a", head, "application/octet-stream")}
    path = f"/conversations/{conversation['id']}/messages"
    sent = (await inbox_client.carol.request("POST", path, files=files)).json()["attachments"][0]
    assert sent["file_type"] == kind
    assert (await inbox_client.web.get(sent["data_url"])).headers["content-type"] == media
