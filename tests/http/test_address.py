from ipaddress import ip_network

import pytest

from koine.http.address import base_url, client_ip, rate_limit_ip
from koine.http.headers import Headers

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("::1"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", ["1.1.1.1"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1"], "1.1.1.1"),
        ("10.0.0.1", ["6.6.6.6, 1.1.1.1, 10.0.0.2"], "1.1.1.1"),
        ("10.0.0.1", ["6.6.6.6", "1.1.1.1"], "1.1.1.1"),
        ("10.0.0.1", ["1.1.1.1, rubbish"], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["1.1.1.1"], "1.1.1.1"),
        ("::1", ["2001:db8::5"], "2001:db8::5"),
        ("::1", ["2001:DB8:0:0::0005"], "2001:db8::5"),
        ("::1", ["::ffff:192.0.2.1"], "192.0.2.1"),
        ("::1", ["fe80::1%anything at all"], "fe80::1"),
        ("10.0.0.1", ["192.0.2.1:4711"], "192.0.2.1"),
        ("10.0.0.1", ["[2001:db8::5]:4711, [::1]"], "2001:db8::5"),
        ("10.0.0.1", ["1.1.1.1, [rubbish]:1"], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1, " + "1" * 5000], "10.0.0.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, forwarded: list[str], expected: str) -> None:
    headers = Headers([(b"x-forwarded-for", text.encode()) for text in forwarded])
    assert client_ip((peer, 1), headers, TRUSTED) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("", ""),
    ],
)
def test_a_caller_cannot_hide_among_its_own_addresses(address: str, expected: str) -> None:
    assert rate_limit_ip(address) == expected


def test_without_trusted_proxies_no_forwarded_header_is_read() -> None:
    headers = Headers([(b"x-forwarded-for", b"1.1.1.1")])
    assert client_ip(("127.0.0.1", 1), headers, ()) == "127.0.0.1"


@pytest.mark.parametrize(
    ("peer", "expected"), [("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%eth0", "fe80::1")]
)
def test_an_address_has_one_form(peer: str, expected: str) -> None:
    assert client_ip((peer, 1), Headers([]), ()) == expected
    assert client_ip((peer, 1), Headers([]), TRUSTED) == expected


@pytest.mark.parametrize(
    ("peer", "expected"), [("10.0.0.1", "https://a.test"), ("8.8.8.8", "http://h:1")]
)
def test_the_base_url_follows_trusted_proxies(peer: str, expected: str) -> None:
    headers = Headers(
        [(b"host", b"h:1"), (b"x-forwarded-proto", b"https"), (b"x-forwarded-host", b"a.test")]
    )
    assert base_url({"scheme": "http", "client": (peer, 1)}, headers, TRUSTED) == expected


def test_a_host_that_is_none_is_not_repeated() -> None:
    headers = Headers([(b"host", b"a/<script>")])
    scope = {"scheme": "http", "client": ("8.8.8.8", 1), "server": ("127.0.0.1", 8420)}
    assert base_url(scope, headers, ()) == "http://127.0.0.1:8420"
