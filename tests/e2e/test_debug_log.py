"""A server at debug level logs no secret of a request, a handshake or a migration."""

import contextlib
import socket

import httpx
import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.e2e.koine_process import KoineProcess

SECRET = "s3cr3t"
HEADERS = {
    "Cookie": f"session={SECRET}-cookie",
    "X-Identifier-Hash": f"{SECRET}-hash",
    "X-API-Key": f"{SECRET}-key",
    "Authorization": f"Bearer {SECRET}-bearer",
}
QUERY = f"identifier_hash={SECRET}-query&pubsub_token={SECRET}-pubsub"
PATHS = [
    f"/public/api/v1/inboxes/{SECRET}-inbox/contacts/{SECRET}-contact",
    "/api/v1/conversations", "/api/v1/chats", "/messaging/conversations", "/v1/me", "/v1/events",
    "/livez", f"/nowhere/{SECRET}-path",
]  # fmt: skip


def logged(server: KoineProcess) -> str:
    return (server.folder / "log").read_text()


def test_requests_leave_no_secret_in_the_log(server: KoineProcess) -> None:
    with httpx.Client(base_url=server.url, headers=HEADERS) as client:
        for path in PATHS:
            client.get(f"{path}?{QUERY}")
        body = {"email": f"{SECRET}@x.test", "password": f"{SECRET}-password"}
        client.post("/v1/auth/login", json=body)
    assert "koine" in logged(server)
    assert SECRET not in logged(server)


@pytest.mark.parametrize("path", ["/cable", "/v1/socket", f"/{SECRET}-nowhere"])
def test_handshakes_leave_no_secret_in_the_log(server: KoineProcess, path: str) -> None:
    url = f"ws{server.url.removeprefix('http')}{path}?{QUERY}"
    with (
        contextlib.suppress(WebSocketException),
        connect(url, additional_headers=HEADERS) as client,
    ):
        client.send(f'{{"command":"subscribe","identifier":"{SECRET}-channel"}}')
        client.recv(timeout=5)
    assert SECRET not in logged(server)


HEADS = [
    f"GET /cable?{QUERY} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {SECRET}\r\n\r\n",
    f"GET /cable?{QUERY} HTTP/1.1\r\nHost: x\r\nUpgrade: {SECRET}\r\nConnection: Upgrade\r\n\r\n",
    f"GET /v1/me?{QUERY} HTTP/1.1\r\nHost: x\r\nCookie {SECRET}\r\n\r\n",
    f"{SECRET} /v1/me HTTP/1.1\r\nHost: x\r\n\r\n",
]


@pytest.mark.parametrize("head", HEADS)
def test_what_is_no_request_leaves_no_secret_in_the_log(server: KoineProcess, head: str) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(head.encode())
        raw.shutdown(socket.SHUT_WR)
        while raw.recv(4096):
            pass
    assert SECRET not in logged(server)
