"""Lets every reader who is behind look at the events of the whole tenant."""

from koine.model.actor import Actor
from koine.realtime import backlog
from koine.server import run


def everyone(_actor: Actor) -> bool:
    """Who reads the log in order."""
    return True


setattr(backlog, "receives_whole_log", everyone)  # noqa: B010  # the fault itself

if __name__ == "__main__":
    run.main()
