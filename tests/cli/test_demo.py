"""The command `demo`."""

from pathlib import Path

from typer.testing import CliRunner

from koine.cli import app


def test_env_without_a_demonstration_prints_no_variables_and_creates_nothing(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data"
    done = CliRunner().invoke(app, ["demo", "--env", "--data", str(folder)])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        f"koine: no demonstration in {folder}; --data names another folder, "
        "`koine demo` makes one\n"
    )
    assert not folder.exists()
