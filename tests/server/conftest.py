"""Shorter waits than in production, for tests of connections that the server ends; a process that
was killed."""

import subprocess
from collections.abc import Iterator

import pytest

from koine.server import connections, uvicorn_protocols, uvicorn_websockets


@pytest.fixture(scope="module")
def short_waits() -> Iterator[None]:
    """The server looks for overdue connections often, and soon aborts one that it has ended: each
    test that waits for the end of a connection would take a second longer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "SWEEP_SECONDS", 0.02)
        for protocol in (uvicorn_protocols, uvicorn_websockets):
            patch.setattr(protocol, "LINGER_SECONDS", 0.1)
        yield


@pytest.fixture
def killed() -> int:
    """The id of a process of this machine that was killed."""
    process = subprocess.Popen(["sleep", "600"])
    process.kill()
    process.wait()
    return process.pid
