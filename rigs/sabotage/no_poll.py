"""Lets a node look at the log when it is woken, and never by itself."""

from koine.relay import pump
from koine.server import run

pump.POLL_SECONDS = 3600.0

if __name__ == "__main__":
    run.main()
