"""Completion in shells: what `koine --install-completion` installs completes commands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from koine.cli import app

COMPLETE = """
source ~/.bash_completions/koine.sh
COMP_WORDS=(koine ten)
COMP_CWORD=1
_koine_completion koine
echo "${COMPREPLY[*]}"
"""


def bash(script: str, home: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {"HOME": str(home), "PATH": path}
    done = subprocess.run(
        ["bash", "-c", script], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_script_installed_for_bash_completes_a_command(tmp_path: Path) -> None:
    # `true`: else bash would become the command, and there would be no shell to detect.
    assert "completion installed" in bash("koine --install-completion; true", tmp_path)
    assert bash(COMPLETE, tmp_path) == "tenant\n"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest.mark.parametrize(
    ("typed", "found"), [("koine ten", "tenant"), ("koine user rem", "remove")]
)
def test_other_shells_are_answered(shell: str, typed: str, found: str) -> None:
    env = {
        "_KOINE_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": typed,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    answered = CliRunner().invoke(app, [], env=env, prog_name="koine").output
    assert found in answered
    assert "version" not in answered
