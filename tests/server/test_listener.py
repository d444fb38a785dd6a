"""The listening socket, and the socket options that connections inherit from it."""

import socket
import sys

import pytest

from koine.kit.settings import load
from koine.server.database import StartupError
from koine.server.listener import (
    MAX_UNSENT_BYTES,
    TCP_USER_TIMEOUT_MS,
    drop_new_connections,
    open_listener,
)

on_linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="these options are Linux's"
)


@on_linux
def test_unsent_data_is_bounded_in_bytes_and_time() -> None:
    tcp = socket.IPPROTO_TCP
    with (
        open_listener(load({}, {"port": 0})) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(tcp, socket.TCP_NOTSENT_LOWAT) == MAX_UNSENT_BYTES
        assert accepted.getsockopt(tcp, socket.TCP_USER_TIMEOUT) == TCP_USER_TIMEOUT_MS


def test_of_a_port_in_use_the_error_says_how_to_choose_another() -> None:
    with open_listener(load({}, {"port": 0})) as listener:
        taken = load({}, {"port": listener.getsockname()[1]})
        error = pytest.raises(StartupError, match=r"--port, or with `make run PORT=8500`")
        with error, open_listener(taken):
            pass


@on_linux
def test_before_closing_new_connections_are_dropped_and_queued_ones_are_not() -> None:
    with open_listener(load({}, {"port": 0})) as listener:
        address = listener.getsockname()
        with socket.create_connection(address, timeout=10) as waiting:
            drop_new_connections(listener)
            with pytest.raises(TimeoutError):
                socket.create_connection(address, timeout=0.3)
            with listener.accept()[0] as accepted:
                waiting.sendall(b"hello")
                accepted.settimeout(10)
                assert accepted.recv(5) == b"hello"
