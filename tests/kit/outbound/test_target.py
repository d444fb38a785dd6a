"""A URL has one meaning for all parts of the client."""

import pytest

from koine.kit.outbound.message import Blocked
from koine.kit.outbound.target import Target, parse_url


@pytest.mark.parametrize(
    ("url", "authority", "port", "path"),
    [
        ("https://example.com", "example.com", 443, "/"),
        ("HTTPS://Example.COM/A?b=c#d", "example.com", 443, "/A?b=c"),
        ("https://example.com?q", "example.com", 443, "/?q"),
        ("https://example.com#f", "example.com", 443, "/"),
        ("https://example.com.:443/", "example.com", 443, "/"),
        ("http://example.com:80/", "example.com", 80, "/"),
        ("https://example.com:80/", "example.com:80", 80, "/"),
        ("https://example.com:0443/", "example.com", 443, "/"),
        ("https://bücher.example:8443/ü", "", 0, ""),
        ("https://bücher.example:8443/%C3%BC", "xn--bcher-kva.example:8443", 8443, "/%C3%BC"),
        ("https://xn--bcher-kva.example//..//x", "xn--bcher-kva.example", 443, "//..//x"),
        ("https://_dmarc.a_b.example/", "_dmarc.a_b.example", 443, "/"),
        ("https://8.8.8.8/", "8.8.8.8", 443, "/"),
        ("https://8.8.8.8./", "8.8.8.8", 443, "/"),
        ("https://[2606:4700:0:0::1]:8443/", "[2606:4700::1]:8443", 8443, "/"),
        ("https://1and1.example/", "1and1.example", 443, "/"),
    ],
)
def test_the_parts_of_a_url(url: str, authority: str, port: int, path: str) -> None:
    if not authority:
        with pytest.raises(Blocked, match="percent-encoded"):
            parse_url(url)
        return
    target = parse_url(url)
    assert (target.authority, target.port, target.path) == (authority, port, path)


def test_an_address_is_read_as_one() -> None:
    assert [str(parse_url(f"https://{host}/").literal) for host in ("8.8.8.8", "[::8]", "a.b")] == [
        "8.8.8.8", "::8", "None"
    ]  # fmt: skip


def test_a_target_is_a_value() -> None:
    assert parse_url("https://a.b/") == Target(True, "a.b", 443, "/", None)
