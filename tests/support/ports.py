"""Ports of 127.0.0.1 for servers that a test or rig starts."""

import socket
from random import SystemRandom

HOST = "127.0.0.1"
PORTS = range(10_000, 32_000)
"""Below those that the kernel gives to outgoing connections, one of which could take the port of a
server that is not up yet, or down for a while."""
# Not the module's functions: pytest-randomly seeds those alike in all processes of a run, which
# would then choose the same ports.
_random = SystemRandom()


def free_port() -> int:
    """A port on which nothing listens. Raises OSError when there is none."""
    return free_ports(1)[0]


def free_ports(n: int) -> list[int]:
    """`n` successive ports on which nothing listens. Raises OSError when there are none."""
    for first in _random.sample(PORTS, 100):
        ports = list(range(first, first + n))
        if all(_is_free(port) for port in ports):
            return ports
    raise OSError("no ports are free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
