"""Type a command, in process, on a data folder of the test's own."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from koine.cli import app


class Terminal:
    """Commands on one folder. `said` is what they printed, errors included."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def type(self, *words: str, input: str | None = None, code: int = 0) -> str:
        """Run a command and expect its exit code; answers what it printed."""
        result: Result = CliRunner().invoke(
            app, [*words, "--data", str(self.folder)], input=input, env={"KOINE_DATABASE_URL": ""}
        )
        assert result.exit_code == code, (result.output, result.exception)
        return result.output

    def json(self, *words: str) -> Any:
        """Run a command with --json."""
        return json.loads(self.type(*words, "--json"))
