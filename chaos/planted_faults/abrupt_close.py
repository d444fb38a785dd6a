"""Closes the listening socket while connections wait in its backlog, as most servers do: the kernel
resets them."""

import socket
import time

from koine.server import run, shutdown

BLOCK_SECONDS = 0.3
"""Blocks the event loop so long that connections wait: a fast loop would have accepted them."""


def _just_close(listener: socket.socket) -> None:
    time.sleep(BLOCK_SECONDS)
    listener.shutdown(socket.SHUT_RDWR)


vars(shutdown)["drop_new_connections"] = _just_close
vars(shutdown)["ACCEPT_GRACE_SECONDS"] = 0.0

if __name__ == "__main__":
    run.main()
