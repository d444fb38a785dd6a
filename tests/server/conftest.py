"""Shorter waits than in production, for tests of connections that the server ends."""

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
