"""Lets a node look at the log when it is woken, and never by itself."""

from koine.event_log import log_reader
from koine.server import run

log_reader.POLL_SECONDS = 3600.0

if __name__ == "__main__":
    run.main()
