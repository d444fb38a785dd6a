"""Where a call comes from and where the server is reached, past trusted proxies only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from koine.http.headers import Headers

Networks = tuple[IPv4Network | IPv6Network, ...]
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_HOST = re.compile(r"[A-Za-z0-9._\-\[\]:]{1,255}")


def client_ip(peer: tuple[str, int] | None, headers: Headers, trusted: Networks) -> str:
    """Give the right-most address no trusted proxy vouches beyond.

    X-Forwarded-For counts only when the peer itself is trusted: anyone can send the header.
    """
    address = peer[0] if peer else ""
    if not trusted or not is_trusted(address, trusted):
        return address
    hops = [hop.strip() for line in headers.all(b"x-forwarded-for") for hop in line.split(",")]
    for hop in reversed(hops):
        parsed = _parse(hop)
        if parsed is None:
            break
        address = str(parsed)
        if not is_trusted(address, trusted):
            break
    return address


def rate_limit_ip(address: str) -> str:
    """What counts as one caller: an IPv4 address; of an IPv6 one the /64, which is all its own."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, 64), strict=False))
    return address


def base_url(scope: Mapping[str, Any], headers: Headers, trusted: Networks) -> str:
    """Give "scheme://host" as the caller sees it; forwarded values from trusted peers only.

    What a WebSocket shows is fetched over HTTP: its scheme is that of the same place.
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
    # Each proxy of several adds its own at the end: the first one met the caller.
    return (listed or "").split(",", 1)[0].strip()


def is_trusted(address: str, trusted: Networks) -> bool:
    """Whether the address is that of a trusted proxy."""
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in trusted)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A dual-stack socket shows 10.0.0.1 as ::ffff:10.0.0.1, which no IPv4 network contains.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
