"""Which addresses are on the public internet, so that tenants may have requests sent to them.

Own tables instead of `ipaddress.is_global`, which is true for multicast, for site-local addresses,
and for any IPv4 address inside of an IPv6 one (NAT64, 6to4).
"""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

# IANA's special-purpose registry, and networks that are not for single hosts.
_V4 = [
    (IPv4Network(network), what)
    for network, what in [
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared between a provider and its customers"),
        ("127.0.0.0/8", "loopback"),
        # A public address, but inside of Azure it is each machine's own host.
        ("168.63.129.16/32", "a cloud's internal host"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "for documentation"),
        ("192.88.99.0/24", "a relay's"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "for benchmarking"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "broadcast"),
        ("240.0.0.0/4", "reserved"),
    ]
]
# Public hosts have addresses in 2000::/3 only; the table has the exceptions within it.
_V6_PUBLIC = IPv6Network("2000::/3")
_V6 = [
    (IPv6Network(network), what)
    for network, what in [
        ("2001::/32", "a tunnel's (Teredo)"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "for documentation"),
        ("3fff::/20", "for documentation"),
    ]
]
# IPv6 networks with an IPv4 address inside, and by how many bits that is shifted to the left.
_CARRIERS = [
    (IPv6Network("::ffff:0:0/96"), 0),
    (IPv6Network("64:ff9b::/96"), 0),
    (IPv6Network("2002::/16"), 80),
]
_ISATAP = 0x5EFE
_ISATAP_GLOBAL = 0x0200_5EFE


@lru_cache(maxsize=4096)
def reason_not_public(address: Address) -> str:
    """Why an address is not public, as an adjective; empty for a public one."""
    if isinstance(address, IPv4Address):
        return _named(address, _V4)
    if address.scope_id is not None:
        return "of one link alone"
    for network, shift in _CARRIERS:
        if address in network:
            return _named(IPv4Address(int(address) >> shift & 0xFFFF_FFFF), _V4)
    if address not in _V6_PUBLIC:
        return "not public"
    if int(address) >> 32 & 0xFFFF_FFFF in (_ISATAP, _ISATAP_GLOBAL):
        return _named(IPv4Address(int(address) & 0xFFFF_FFFF), _V4)
    return _named(address, _V6)


def _named(
    address: Address, table: Iterable[tuple[IPv4Network, str]] | Iterable[tuple[IPv6Network, str]]
) -> str:
    return next((what for network, what in table if address in network), "")
