"""A node reads the log only when a hint comes, and never polls it."""

from koine.event_log import log_reader
from koine.server import run

log_reader.POLL_SECONDS = 3600.0

if __name__ == "__main__":
    run.main()
