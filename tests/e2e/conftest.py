"""The server with the demonstration that most of these tests use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.koine_process import KoineProcess, copy_demo, served

SETTINGS = {
    # The README's receiver of webhooks.
    "KOINE_OUTBOUND_ALLOW": "127.0.0.1:9000",
    # test_debug_log.py looks for secrets in the log.
    "KOINE_LOG_LEVEL": "debug",
    # docs/monitoring.md finds a request there.
    "KOINE_ACCESS_LOG": "true",
}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, run_folder: Path) -> Iterator[KoineProcess]:
    """`koine serve --demo`, shared by the tests of a process: none may rely on being the first."""
    folder = tmp_path_factory.mktemp("demo")
    copy_demo(run_folder, folder / "data")
    with served(folder, settings=SETTINGS) as running:
        yield running
