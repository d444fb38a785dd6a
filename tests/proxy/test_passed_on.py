"""What passes through the proxies: sockets, streams, uploads, errors, and the client's address."""

import asyncio

import httpx
import pytest

from tests.cast import Cast
from tests.dialects.inbox.pictures import PNG
from tests.dialects.native.api_client import list_all
from tests.dialects.native.sse_client import follow_stream
from tests.dialects.native.websocket_client import authenticated
from tests.proxy.conftest import CLIENT, UPLOAD_LIMIT, Proxied

FORGED = {
    "X-Forwarded-For": "192.0.2.66",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
}


def contact_path(cast: Cast) -> str:
    """Carol's path in the inbox dialect."""
    source_id = cast.acme.contact_inboxes["carol"].source_id
    return f"/public/api/v1/inboxes/{cast.acme.inbox.identifier}/contacts/{source_id}"


async def test_a_websocket_receives_events(proxied: Proxied) -> None:
    async with authenticated(proxied.front.server, proxied.cast.token("ada")) as socket:
        sent = await proxied.behind.send("through the socket")
        frame = await socket.event("message.created")
        assert frame["event"]["data"]["message"]["id"] == str(sent.id)


async def test_actioncable_receives_events(proxied: Proxied) -> None:
    async with proxied.front.connect(proxied.front.carol) as client:
        await proxied.behind.send("through the cable")
        assert (await client.event("message.created"))["data"]["content"] == "through the cable"


async def test_events_arrive_at_once_and_a_cut_stream_resumes(proxied: Proxied) -> None:
    ada, url = proxied.cast.bearer("ada"), proxied.proxy.url
    async with follow_stream(url, ada, verify=proxied.context) as stream:
        await stream.until("ready")
        first = await proxied.behind.send("first")
        event = (await stream.until("message.created"))[-1]
        assert event.data["data"]["message"]["id"] == str(first.id)
    second = await proxied.behind.send("second")
    async with follow_stream(url, ada, event.cursor, verify=proxied.context) as stream:
        missed = await stream.until("message.created")
    ids = [each.data["data"]["message"]["id"] for each in missed if each.kind == "message.created"]
    assert ids == [str(second.id)]


async def test_an_upload_of_the_limit_passes_and_one_above_is_refused_by_koine(
    proxied: Proxied,
) -> None:
    path = f"{contact_path(proxied.cast)}/conversations/1/messages"
    parts = int(upload(proxied, path, b"").headers["content-length"])
    content = PNG + b"x" * (UPLOAD_LIMIT - parts - len(PNG))
    sent = await proxied.web.send(upload(proxied, path, content))
    assert sent.status_code == 200, sent.text
    url = sent.json()["attachments"][0]["data_url"]
    assert url.startswith("https://localhost")
    assert (await proxied.web.get(httpx.URL(url).path)).content == content
    refused = await proxied.web.send(upload(proxied, path, content + b"x"))
    assert refused.status_code == 413
    assert refused.json() == {"status": 413, "error": "Payload Too Large"}


def upload(proxied: Proxied, path: str, content: bytes) -> httpx.Request:
    """A request with one file."""
    files = {"attachments[]": ("a.png", content)}
    return proxied.web.build_request("POST", path, files=files, headers=FORGED)


@pytest.mark.parametrize("size", [3_000, 3_000_000])
async def test_a_body_that_is_too_large_gets_koines_response(proxied: Proxied, size: int) -> None:
    # The longer one does not fit into the buffers between client and server: Koine responds, and
    # closes the connection, before it was sent whole.
    body = {"name": "x" * size}
    refused = await proxied.web.patch("/v1/tenant", json=body, headers=proxied.cast.bearer("ada"))
    assert refused.status_code == 413, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "/problems/too-large"


async def test_the_clients_own_address_is_audited_and_no_forged_one(proxied: Proxied) -> None:
    body = {"name": "bot", "permissions": []}
    headers = proxied.cast.bearer("ada") | FORGED
    assert (await proxied.web.post("/v1/api-keys", json=body, headers=headers)).status_code == 201
    proxied.web.headers.update(proxied.cast.bearer("ada"))
    newest = (await list_all(proxied.web, "/v1/audit", noun="api_key", action="create"))[0]
    assert newest["address"] == CLIENT


async def test_many_requests_at_once_and_a_request_id_pass(proxied: Proxied) -> None:
    headers = proxied.cast.bearer("alice")
    path = f"/v1/conversations/{proxied.behind.conversation.id}/messages"
    sent = [
        proxied.web.post(
            path, json={"content": f"{n}"}, headers=headers | {"X-Request-Id": f"r{n}"}
        )
        for n in range(20)
    ]
    responses = await asyncio.gather(*sent)
    assert [each.status_code for each in responses] == [201] * 20
    assert [each.headers["x-request-id"] for each in responses] == [f"r{n}" for n in range(20)]


async def test_plain_http_is_redirected(proxied: Proxied) -> None:
    async with httpx.AsyncClient() as web:
        response = await web.get(f"{proxied.proxy.plain_url}/v1/me")
    assert response.status_code in (301, 308)
    # Caddy leaves out a port of its own choice, here the test's.
    location = httpx.URL(response.headers["location"])
    assert (location.scheme, location.host, location.path) == ("https", "localhost", "/v1/me")
