"""The limit of open files, which is also the limit of a process's connections."""

import resource

import structlog

_log = structlog.get_logger("koine")


def raise_file_limit() -> int:
    """Raise the soft limit of this process and its children to the hard limit; return the limit.

    On most systems the soft limit is 1,024, and the hard limit tens of thousands or more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError) as error:  # macOS reports a hard limit that it does not grant
        _log.warning("the open file limit could not be raised", open_files=soft, error=str(error))
        return soft
    return hard
