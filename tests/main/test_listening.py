"""What connections have from their listener."""

import socket
import sys

import pytest

from koine.kit.settings import load
from koine.main.listening import STUCK_MS, UNSENT_BYTES, listening


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="these bounds are Linux's")
def test_what_waits_for_a_deaf_end_is_bounded_in_bytes_and_time() -> None:
    tcp = socket.IPPROTO_TCP
    with (
        listening(load({}, {"port": 0})) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(tcp, socket.TCP_NOTSENT_LOWAT) == UNSENT_BYTES
        assert accepted.getsockopt(tcp, socket.TCP_USER_TIMEOUT) == STUCK_MS
