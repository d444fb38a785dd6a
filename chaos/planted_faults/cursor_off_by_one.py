"""Takes who comes back on from one event too far, as an off-by-one does."""

from koine.realtime.hub import Hub
from koine.realtime.subscriber import ResetReason
from koine.server import run

begin = Hub._start_position


def one_too_far(self: Hub, text: str | None) -> tuple[int, ResetReason | None]:
    """Where a reader begins: behind an event that it was not told."""
    position, reset = begin(self, text)
    return (position if text is None else position + 1), reset


Hub._start_position = one_too_far  # type: ignore[method-assign]  # the fault itself

if __name__ == "__main__":
    run.main()
