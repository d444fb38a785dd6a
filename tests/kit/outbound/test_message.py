"""The bytes of a request: no value can add a header or a second request."""

import pytest

from koine.kit.outbound.message import Blocked, Request, encode_request

URL = "https://example.com/"


def test_the_bytes_of_a_request() -> None:
    request = Request("POST", URL, {"Webhook-Id": "evt_1"}, b"{}")
    assert encode_request(request, "example.com", "/x?y") == (
        b"POST /x?y HTTP/1.1\r\nHost: example.com\r\nWebhook-Id: evt_1\r\n"
        b"User-Agent: Koine\r\nContent-Length: 2\r\n\r\n{}"
    )


def test_a_get_has_no_length_and_the_callers_agent_is_its_own() -> None:
    request = Request("GET", URL, {"user-agent": "me"})
    assert (
        encode_request(request, "a", "/") == b"GET / HTTP/1.1\r\nHost: a\r\nuser-agent: me\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x", "a\r\nHost: b"),
        ("x", "a\nb"),
        ("x", "a\rb"),
        ("x", "a\x00b"),
        ("x", "\u2028"),
        ("x", "a" * 9000),
        ("", "a"),
        ("a b", "a"),
        ("a:b", "a"),
        ("a\r\n", "a"),
        ("é", "a"),
        ("Host", "a"),
        ("content-length", "5"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "close"),
        ("Upgrade", "h2c"),
        ("Expect", "100-continue"),
        ("Accept-Encoding", "gzip"),
    ],
)
def test_a_header_that_is_not_sent(name: str, value: str) -> None:
    with pytest.raises(Blocked, match="header"):
        encode_request(Request("POST", URL, {name: value}), "a", "/")


@pytest.mark.parametrize("method", ["HEAD", "CONNECT", "TRACE", "OPTIONS", "post", "", "GET /\r\n"])
def test_a_method_that_is_not_sent(method: str) -> None:
    with pytest.raises(Blocked, match="method"):
        encode_request(Request(method, URL), "a", "/")
