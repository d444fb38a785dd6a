"""The client's address and the server's URL, from forwarded headers of trusted proxies only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from koine.http.headers import Headers

Networks = tuple[IPv4Network | IPv6Network, ...]
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_HOST = re.compile(r"[A-Za-z0-9._\-\[\]:]{1,255}")
_BRACKETS_OR_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?|([0-9.]+):\d{1,5}")
_LONGEST = 64
"""More characters than any address has."""


def client_ip(peer: tuple[str, int] | None, headers: Headers, trusted: Networks) -> str:
    """Give the last address in X-Forwarded-For that is not a trusted proxy's; "" when unknown.

    The header is read only when the peer itself is trusted: anyone can send it. An address has one
    form: IPv6 is compressed and without a zone, and IPv4 in IPv6 is IPv4.
    """
    address = _normal(peer[0]) if peer else ""
    if not trusted or not is_trusted(address, trusted):
        return address
    hops = [hop.strip() for line in headers.all(b"x-forwarded-for") for hop in line.split(",")]
    for hop in reversed(hops):
        parsed = _parse(hop) or _parse(_without_port(hop))
        if parsed is None:
            break
        address = str(parsed)
        if not is_trusted(address, trusted):
            break
    return address


def rate_limit_ip(address: str) -> str:
    """What rate limits count as one client: an IPv4 address, or the /64 network of an IPv6 one,
    since one client usually has all of it."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, 64), strict=False))
    return address


def base_url(scope: Mapping[str, Any], headers: Headers, trusted: Networks) -> str:
    """Give "scheme://host" as the client sees it; forwarded values from trusted peers only.

    On a WebSocket it is http or https: the URLs in its messages are fetched over HTTP.
    """
    scheme = _SCHEMES.get(str(scope.get("scheme", "http")), "http")
    host = headers.get("host")
    peer = scope.get("client")
    if trusted and peer and is_trusted(peer[0], trusted):
        scheme = _SCHEMES.get(_first_value(headers.get("x-forwarded-proto")).lower(), scheme)
        host = _first_value(headers.get("x-forwarded-host")) or host
    if host is None or not _HOST.fullmatch(host):
        server = scope.get("server") or ("localhost", None)
        host = server[0] if server[1] is None else f"{server[0]}:{server[1]}"
    return f"{scheme}://{host}"


def _first_value(listed: str | None) -> str:
    # Each proxy appends its value: the first one is that of the proxy nearest to the client.
    return (listed or "").split(",", 1)[0].strip()


def is_trusted(address: str, trusted: Networks) -> bool:
    """Whether the address is that of a trusted proxy."""
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in trusted)


def _normal(address: str) -> str:
    # An IPv4 address has one form only.
    parsed = _parse(address) if ":" in address else None
    return address if parsed is None else str(parsed)


def _without_port(hop: str) -> str:
    """The address in `192.0.2.1:80`, `[2001:db8::1]:80` and `[2001:db8::1]`, as some proxies
    write it; anything else as it is."""
    found = _BRACKETS_OR_PORT.fullmatch(hop)
    return hop if found is None else found[1] or found[2]


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    return _parsed(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    # A dual-stack socket reports 10.0.0.1 as ::ffff:10.0.0.1, which is in no IPv4 network. The zone
    # (fe80::1%eth0) may be any text.
    return address.ipv4_mapped or IPv6Address(int(address))
