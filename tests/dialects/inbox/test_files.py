"""Stored files: browsers show images inline, download all else, and run nothing."""

from urllib.parse import urlsplit

import pytest

from tests.dialects.inbox.conftest import InboxClient
from tests.dialects.inbox.pictures import PNG


async def served(
    client: InboxClient, name: str, body: bytes, media: str
) -> tuple[dict[str, str], str]:
    conversation = await client.carol.create_conversation()
    path = f"/conversations/{conversation['id']}/messages"
    files = {"attachments[]": (name, body, media)}
    sent = (await client.carol.request("POST", path, files=files)).json()
    url = sent["attachments"][0]["data_url"]
    got = await client.web.get(url)
    assert got.content == body
    return dict(got.headers), url


async def test_an_image_is_shown_in_place(inbox_client: InboxClient) -> None:
    headers, _ = await served(inbox_client, "a.png", PNG, "text/html")
    assert headers["content-type"] == "image/png"
    assert headers["content-disposition"].startswith("inline")
    assert headers["content-length"] == str(len(PNG))


@pytest.mark.parametrize("media", ["text/html", "image/svg+xml", "image/png", "x", "a/b\r\nc: d"])
async def test_all_else_is_a_download_that_cannot_run(
    inbox_client: InboxClient, media: str
) -> None:
    headers, _ = await served(inbox_client, "a.html", b"<script>alert(1)</script>", media)
    assert headers["content-disposition"].startswith("attachment")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert not headers["content-type"].startswith("image/png")


async def test_a_file_name_is_encoded_safely(inbox_client: InboxClient) -> None:
    headers, _ = await served(inbox_client, "../x é;.txt", b"x", "text/plain")
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''x%20%C3%A9%3B.txt"


@pytest.mark.parametrize("key", ["x", "%2e%2e%2f", "A" * 32, "a" * 33])
async def test_an_unknown_key_is_not_found(inbox_client: InboxClient, key: str) -> None:
    response = await inbox_client.web.get(f"/files/{key}/a.png")
    assert (response.status_code, response.json()) == (404, {"status": 404, "error": "Not Found"})


async def test_the_key_alone_gives_access(inbox_client: InboxClient) -> None:
    _, url = await served(inbox_client, "a.txt", b"x", "text/plain")
    other = urlsplit(url).path.rpartition("/")[0] + "/other.txt"
    assert (await inbox_client.web.get(other)).content == b"x"
    assert (await inbox_client.web.head(other)).status_code == 200


@pytest.mark.parametrize(
    "spelled",
    [
        "filename*=UTF-8''N%C3%BAmero.docx",
        'filename="N%C3%BAmero.docx"',
        "filename=\"=?utf-8?B?TsO6bWVyby5kb2N4?=\"; filename*=utf-8''N%C3%BAmero.docx",
    ],
)
async def test_a_file_is_attached_however_its_name_is_spelled(
    inbox_client: InboxClient, spelled: str
) -> None:
    conversation = await inbox_client.carol.create_conversation()
    head = f'Content-Disposition: form-data; name="attachments[]"; {spelled}'
    empty = 'Content-Disposition: form-data; name="attachments[]"; filename=""'
    response = await inbox_client.carol.request(
        "POST",
        f"/conversations/{conversation['id']}/messages",
        content=f"--x\r\n{head}\r\n\r\nbytes\r\n--x\r\n{empty}\r\n\r\n\r\n--x--\r\n".encode(),
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    (file,) = response.json()["attachments"]
    assert (file["extension"], file["file_size"]) == ("docx", 5)
    assert file["data_url"].endswith("/N%C3%BAmero.docx")


async def test_a_file_in_another_field_is_refused_and_no_message_sent(
    inbox_client: InboxClient,
) -> None:
    conversation = await inbox_client.carol.create_conversation()
    path = f"/conversations/{conversation['id']}/messages"
    response = await inbox_client.carol.request(
        "POST", path, data={"content": "x"}, files={"file": b"bytes"}
    )
    assert response.status_code == 422
    assert response.json()["attributes"] == ["file"]
    assert (await inbox_client.carol.request("GET", path)).json() == []
