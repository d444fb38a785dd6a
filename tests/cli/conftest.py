from pathlib import Path

import pytest

from tests.cli.terminal import Terminal


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setattr("logging.basicConfig", lambda **_: None)
    return Terminal(tmp_path)


@pytest.fixture
def acme(terminal: Terminal) -> Terminal:
    terminal.run("tenant", "create", "Acme")
    return terminal
