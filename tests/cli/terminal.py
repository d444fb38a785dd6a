"""Runs commands of the command line in this process, on a data folder of the test."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from koine.cli import app


class Terminal:
    """Runs commands on one data folder. `errors`: the standard error of the last command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.errors = ""

    def run(self, *words: str, input: str | bytes | None = None, code: int = 0) -> str:
        """Run a command that must exit with `code`; return its output, with errors if it failed."""
        result: Result = CliRunner().invoke(
            app, [*words, "--data", str(self.folder)], input=input, env={"KOINE_DATABASE_URL": ""}
        )
        self.errors = result.stderr
        assert result.exit_code == code, (result.output, result.exception)
        return result.output if code else result.stdout

    def json(self, *words: str) -> Any:
        """Run a command with --json; return the decoded output."""
        return json.loads(self.run(*words, "--json"))
