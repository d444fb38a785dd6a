"""The egress policy: where requests may go besides the public internet over TLS."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from koine.kit.outbound.message import Blocked
from koine.kit.outbound.public_address import Address
from koine.kit.outbound.target import host_name

Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class EgressPolicy:
    """Allowed host names and networks, each with a port, or None for any port."""

    hosts: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[tuple[Network, int | None], ...] = ()

    @classmethod
    def parse(cls, text: str) -> "EgressPolicy":
        """Parse `hooks.internal, 10.1.0.0/16, 127.0.0.1:9000, [::1]:9000`. Raises ValueError."""
        hosts, networks = set[tuple[str, int | None]](), list[tuple[Network, int | None]]()
        for part in filter(None, (part.strip() for part in text.split(","))):
            where, port = _port(part)
            try:
                networks.append((ip_network(where.strip("[]")), port))
            except ValueError:
                hosts.add((_name(where), port))
        return cls(frozenset(hosts), tuple(networks))

    def allows_host(self, host: str, port: int) -> bool:
        """Whether a host is allowed by name, whatever its addresses."""
        return (host, None) in self.hosts or (host, port) in self.hosts

    def allows_address(self, address: Address, port: int) -> bool:
        """Whether an address is allowed."""
        return any(address in net and only in (None, port) for net, only in self.networks)


def _port(part: str) -> tuple[str, int | None]:
    where, colon, number = part.rpartition(":")
    bracketed = where.startswith("[") and where.endswith("]")
    if not colon or not (bracketed or ":" not in where):
        return part, None
    if not number.isdecimal() or not 0 < int(number) < 65536:
        raise ValueError(f"{part}: must be a host, host:port, IP or CIDR, without http://")
    return where, int(number)


def _name(host: str) -> str:
    try:
        return host_name(host)
    except Blocked as refused:
        raise ValueError(f"{host}: {refused.reason}") from None
