"""Resumes a stream one event too late: an off-by-one error."""

from koine.realtime.hub import Hub
from koine.realtime.subscriber import ResetReason
from koine.server import run

start_position = Hub._start_position


def start_one_too_late(self: Hub, text: str | None) -> tuple[int, ResetReason | None]:
    """Start after an event that the client has not received."""
    position, reset = start_position(self, text)
    return (position if text is None else position + 1), reset


Hub._start_position = start_one_too_late  # type: ignore[method-assign]  # the fault itself

if __name__ == "__main__":
    run.main()
