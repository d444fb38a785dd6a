"""The listening socket, and the socket options that connections inherit from it."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from koine.kit.settings import Settings, load
from koine.server.database import StartupError
from koine.server.listener import (
    MAX_UNSENT_BYTES,
    TCP_USER_TIMEOUT_MS,
    bind_listener,
    drop_new_connections,
    listen,
)
from tests.support.ports import free_port

ANY_PORT = load({}, {"port": 0})


@contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    with bind_listener(settings) as listener:
        listen(listener, settings)
        yield listener


on_linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="these options are Linux's"
)


@on_linux
def test_unsent_data_is_bounded_in_bytes_and_time() -> None:
    tcp = socket.IPPROTO_TCP
    with (
        listening(ANY_PORT) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(tcp, socket.TCP_NOTSENT_LOWAT) == MAX_UNSENT_BYTES
        assert accepted.getsockopt(tcp, socket.TCP_USER_TIMEOUT) == TCP_USER_TIMEOUT_MS


def test_of_a_port_in_use_the_error_says_how_to_choose_another() -> None:
    with listening(ANY_PORT) as listener:
        taken = load({}, {"port": listener.getsockname()[1]})
        error = pytest.raises(StartupError, match=r"--port, or with `make run PORT=8500`")
        with error, bind_listener(taken):
            pass


def test_a_bound_port_refuses_until_it_listens() -> None:
    with bind_listener(ANY_PORT) as listener:
        address = listener.getsockname()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
        listen(listener, ANY_PORT)
        socket.create_connection(address).close()


def test_of_two_that_are_bound_to_a_port_the_second_to_listen_is_refused() -> None:
    settings = load({}, {"port": free_port()})
    with bind_listener(settings) as first, bind_listener(settings) as second:
        listen(first, settings)
        with pytest.raises(StartupError, match="Address already in use"):
            listen(second, settings)


@on_linux
def test_before_closing_new_connections_are_dropped_and_queued_ones_are_not() -> None:
    with listening(ANY_PORT) as listener:
        address = listener.getsockname()
        with socket.create_connection(address, timeout=10) as waiting:
            drop_new_connections(listener)
            with pytest.raises(TimeoutError):
                socket.create_connection(address, timeout=0.3)
            with listener.accept()[0] as accepted:
                waiting.sendall(b"hello")
                accepted.settimeout(10)
                assert accepted.recv(5) == b"hello"
