"""URLs, parsed strictly: what two parsers could understand differently is refused."""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from koine.kit.outbound.message import Blocked
from koine.kit.outbound.public_address import Address

MAX_URL = 2048

_URL = re.compile(r"(?i:(https?))://([^/?#\\]*)((?:/[^?#]*)?(?:\?[^#]*)?)(?:#.*)?")
_TARGET = re.compile(r"[\x21-\x5b\x5d-\x7e]*")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:@%]+)(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Names that no public host has (RFC 6761, 6762, ICANN's `internal`), among them those of cloud
# metadata services ("metadata.google.internal").
_SPECIAL = re.compile(r"(?:.*\.)?(?:localhost|local|internal)")
# Characters that the two standards of international names (IDNA 2003, 2008) map differently.
_AMBIGUOUS = re.compile("[\u00df\u1e9e\u03c2\u200c\u200d]")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes. `host` is ASCII in lower case, an IPv6 address without brackets;
    `literal` is the address when the URL has one; `path` is the path with the query."""

    secure: bool
    host: str
    port: int
    path: str
    literal: Address | None

    @property
    def authority(self) -> str:
        """The `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[bool, str, int]:
        """The origin: scheme, host and port."""
        return self.secure, self.host, self.port

    @property
    def is_special(self) -> bool:
        """Whether the host has a name that no public host can have."""
        return self.literal is None and _SPECIAL.fullmatch(self.host) is not None


@lru_cache(maxsize=1024)
def parse_url(url: str) -> Target:
    """The target of a URL. Raises Blocked, and nothing else; no name is resolved."""
    if len(url) > MAX_URL:
        raise Blocked(f"the URL is longer than {MAX_URL} characters")
    found = _URL.fullmatch(url)
    if found is None:
        raise Blocked("the URL must start with https:// and a host")
    scheme, authority, path = found.groups()
    if not _TARGET.fullmatch(path):
        raise Blocked("the URL's path must be percent-encoded")
    if "@" in authority:
        raise Blocked("the URL must not hold a user or a password")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise Blocked("the URL's host or port is malformed")
    secure = scheme.lower() == "https"
    port = int(parts[2]) if parts[2] else (443 if secure else 80)
    if not 0 < port < 65536:
        raise Blocked("the URL's port is out of range")
    host, literal = _host(parts[1])
    path = path if path.startswith("/") else f"/{path}"
    return Target(secure, host, port, path, literal)


def same_origin(one: str, other: str) -> bool:
    """Whether two URLs have the same scheme, host and port; False for what cannot be parsed."""
    try:
        return parse_url(one).origin == parse_url(other).origin
    except Blocked:
        return False


def host_name(text: str) -> str:
    """The canonical form of a host name: ASCII, lower case, no dot at its end. Raises Blocked."""
    if _AMBIGUOUS.search(text):
        raise Blocked("write the host in its xn-- form")
    try:
        name = text.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        raise Blocked("the URL's host is no name") from None
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise Blocked("the URL's host is no name")
    return name


def _host(text: str) -> tuple[str, Address | None]:
    if text.startswith("["):
        try:
            six = IPv6Address(text[1:-1])
        except AddressValueError:
            raise Blocked("the URL's host is no address") from None
        return str(six), six
    name = host_name(text)
    # As in browsers, a name that ends in a number is an IPv4 address in some form.
    if not _NUMBER.fullmatch(name.rpartition(".")[2]):
        return name, None
    try:
        four = IPv4Address(name)
    except AddressValueError:
        raise Blocked("the URL's host must be four decimal numbers") from None
    return str(four), four
