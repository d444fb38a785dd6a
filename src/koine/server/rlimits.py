"""How many connections a process may hold: each is an open file to the system."""

import resource

import structlog

_log = structlog.get_logger("koine")


def raise_file_limit() -> int:
    """Allow this process, and those it starts, as many open files as the system lets it have.

    Answers how many. Most systems give a process 1,024 unless it asks, and tens of thousands or
    more when it does.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError) as error:  # macOS names a limit that it does not grant
        _log.warning("the open file limit could not be raised", open_files=soft, error=str(error))
        return soft
    return hard
