"""Closes its socket while callers stand in its queue, as most servers do: they are reset."""

import socket
import time

from koine.server import run, shutdown

BUSY = 0.3
"""Seconds of other work in which a queue forms: without it a fast loop has mostly emptied it."""


def _just_close(listener: socket.socket) -> None:
    time.sleep(BUSY)
    listener.shutdown(socket.SHUT_RDWR)


vars(shutdown)["drop_new_connections"] = _just_close
vars(shutdown)["ACCEPT_GRACE_SECONDS"] = 0.0

if __name__ == "__main__":
    run.main()
