"""`examples/operators_week.sh` on both databases, with a real nginx.

It runs as an account without rights. Left out is what takes minutes: both versions are built and
installed before, once for both databases, with the dependencies of the tests instead of downloaded
ones; commands are forked (tests/support/fast_commands.py).
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.test_wheel import build_wheel, install_wheel
from tests.support import binaries
from tests.support.binaries import RunAs
from tests.support.doc_blocks import ROOT
from tests.support.fast_commands import fast_commands
from tests.support.programs import LEFT_OUT, program
from tests.support.shared_folder import shared_folder
from tests.support.shared_postgres import SharedPostgres

SCRIPT = ROOT / "examples" / "operators_week.sh"
VERSIONS = ("current", "previous")
SETTINGS = ("KOINE_UNSAFE_DATABASE=true", "KOINE_DRAIN_SECONDS=0", "LC_ALL=C.UTF-8")
WITHIN_S = 540


def previous() -> str | None:
    """The commit that the script upgrades from; None where the history lacks it."""
    found = re.search(r"^PREVIOUS=(\w+)", SCRIPT.read_text(), re.MULTILINE)
    assert found, SCRIPT
    known = subprocess.run(
        ["git", "-C", ROOT, "cat-file", "-e", f"{found[1]}^{{commit}}"],
        stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return found[1] if known.returncode == 0 else None


def test_the_history_has_the_version_before() -> None:
    if previous() is None:
        pytest.skip(f"{LEFT_OUT}the history lacks the version that operators_week.sh upgrades from")


@pytest.fixture
def run_as() -> RunAs:
    """An account without rights that can read this environment; else that of the tests."""
    account = binaries.unprivileged()
    can = account.succeeds(sys.executable, "-c", f"import asyncpg; open({str(SCRIPT)!r})")
    return account if can else RunAs(None)


@pytest.fixture
def root(run_as: RunAs, run_folder: Path) -> Iterator[Path]:
    """A folder of the account with both programs in `programs`."""
    shared = shared_folder(run_folder, "programs", _install_both)
    made = binaries.new_directory(run_as)
    try:
        for name in shared.iterdir():
            _copy(name, made / "programs" / name.name)
        (made / "week").mkdir()
        for path in (made, *made.rglob("*")):
            if not path.is_symlink():
                run_as.chown(path)
        yield made
    finally:
        shutil.rmtree(made)


def _install_both(folder: Path) -> None:
    """Build and install this version and, if the history has it, the one before."""
    wheels = shared_folder(folder.parent, "wheel", build_wheel)
    _install(wheels, folder / "current")
    if commit := previous():
        source, wheels = folder.parent / "previous", folder.parent / "previous-wheel"
        source.mkdir()
        archive = subprocess.run(
            ["git", "-C", ROOT, "archive", commit], capture_output=True, check=True
        )
        subprocess.run(["tar", "-x", "-C", source], input=archive.stdout, check=True)
        wheels.mkdir()
        build_wheel(wheels, source)
        _install(wheels, folder / "previous")


def _install(wheels: Path, folder: Path) -> None:
    (wheel,) = wheels.glob("koine*.whl")
    install_wheel(wheel, folder)


def _copy(installed: Path, to: Path) -> None:
    """Copy an environment; its program names the environment's path in the first line."""
    shutil.copytree(installed, to, symlinks=True)
    koine = to / "bin" / "koine"
    koine.write_text(koine.read_text().replace(str(installed), str(to)))


def test_it_ends_well(
    backend: str, root: Path, run_as: RunAs, shared_postgres: SharedPostgres
) -> None:
    program("nginx")
    url = shared_postgres.new_empty_database()
    databases = ["sqlite", url] if backend == "sqlite" else [url]
    said = run(root, run_as, databases, f"KOINE_POSTGRES_PROGRAMS={shared_postgres.programs()}")
    assert "The week is over: every count is right." in said, said
    if previous() is not None:
        assert "left out" not in said, said


def run(root: Path, run_as: RunAs, databases: list[str], *settings: str) -> str:
    """Run the script; returns what it printed and, if it failed, the logs."""
    words = [*SETTINGS, *settings, f"WEEK={root}/week", f"PROGRAMS={root}/programs"]
    words += [] if run_as.user else ["ACCOUNT=root"]
    with ExitStack() as stack:
        for version in (root / "programs").iterdir():
            koine = version / "bin" / "koine"
            real = koine.rename(koine.with_name("koine-program"))
            folder = root / version.name[0]
            folder.mkdir()
            run_as.chown(folder)
            python = version / "bin" / "python"
            client = stack.enter_context(fast_commands(folder, python, real, run_as.user))
            koine.symlink_to(client)
        done = run_as.run(
            "env", *words, "timeout", str(WITHIN_S), "bash", SCRIPT, *databases, check=False
        )
    if done.returncode:
        logs = [*(root / "week").glob("*.log")]
        return "\n".join([done.stdout, *(f"{each}\n{each.read_text()[-2000:]}" for each in logs)])
    return str(done.stdout)
