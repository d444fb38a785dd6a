"""Processes of the machine that tests wait for."""

from pathlib import Path


def is_running(pid: int) -> bool:
    """Whether a process runs: one that ended and was not waited for is a zombie (Z). While other
    threads of it are still ending, they hold its sockets."""
    process = Path("/proc") / str(pid)
    try:
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" or len([*(process / "task").iterdir()]) > 1
    except (FileNotFoundError, ProcessLookupError):
        return False
