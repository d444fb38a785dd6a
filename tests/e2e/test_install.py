"""The commands of docs/install.md, in their order, up to its section about containers.

They run as an account without rights, in a temporary root, with the program installed from a wheel.
Left out is what only a machine of its own has: packages (`apt-get`, and the dependencies that
`pip` would fetch, which are those of the tests), the clone, the account, owners of files, systemd
(`systemctl` starts what the unit says, with its environment) and the firewall. The names of the
role and the database, the port and the folders are other ones. TLS has the tests of docs/proxy.md.
"""

import re
import secrets
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from koine import __version__
from tests.e2e.test_wheel import build_wheel
from tests.support import binaries, postgres
from tests.support.binaries import RunAs
from tests.support.doc_blocks import INSTALL, ROOT, blocks
from tests.support.fast_commands import fast_commands
from tests.support.ports import free_port
from tests.support.shared_folder import shared_folder
from tests.support.shared_postgres import SharedPostgres

FOLDERS = re.compile(r"(?<![\w./}])/(opt|etc|var|usr/local)/")
PRELUDE = r"""
set -uE -o pipefail
trap 'echo "failed with $?: $BASH_COMMAND" >&2' ERR
cd "$ROOT"
apt-get() { :; }
useradd() { :; }
ufw() { :; }
git() { :; }
make() { mkdir -p dist; cp "$ROOT"/wheel/*.whl dist/; }
python3() {
  case "$*" in ("-m venv $ROOT/opt/koine/"*) ;; (*) command python3 "$@";; esac
}
install() {
  local words=()
  while [ $# -gt 0 ]; do
    case "$1" in (-o|-g) shift 2;; (*) words+=("$1"); shift;; esac
  done
  command install "${words[@]}"
  local last="${words[-1]}"
  [ -d "$last" ] || sed -i -E "s#(^|[ =:\"-])/(opt|etc|var|usr/local)/#\1$ROOT/\2/#g" "$last"
  case "$last" in (*/koine.env) cat "$ROOT/settings" >>"$last";; esac
}
koine() {
  case "$*" in
    ("user set-password"*) echo 'correct horse 9' | command koine "$@" --stdin;;
    (*) command koine "$@";;
  esac
}
of_unit() {
  { cat "$ROOT"/etc/systemd/system/koine.service{,.d/*} 2>/dev/null || :; } |
    sed -n "s/^$1=-\?//p"
}
systemctl() {
  case "$*" in
    (daemon-reload|*journald) return;;
    (stop*|restart*) kill "$(cat "$ROOT/pid")"
      while kill -0 "$(cat "$ROOT/pid")" 2>/dev/null; do sleep 0.05; done;;
  esac
  case "$*" in (stop*) return;; esac
  local log=$(of_unit StandardError | tail -n 1)
  (
    set -a
    eval "$(of_unit Environment)"
    . "$(of_unit EnvironmentFile)"
    cd "$(of_unit WorkingDirectory)"
    exec $(of_unit ExecStart)
  ) >>"$(echo "${log:-$ROOT/journal}" | sed 's/^append://')" 2>&1 &
  echo $! >"$ROOT/pid"
}
"""
PSQL = """
import asyncio, asyncpg, sys

async def main():
    connection = await asyncpg.connect({url!r})
    for statement in sys.stdin.read().split(";"):
        if statement.strip():
            await connection.execute(statement)

asyncio.run(main())
"""


@pytest.fixture
def run_as() -> RunAs:
    """An account without rights that can read this environment; else that of the tests."""
    account = binaries.unprivileged()
    return account if account.succeeds(sys.executable, "-c", "import asyncpg") else RunAs(None)


@pytest.fixture
def root(run_as: RunAs, run_folder: Path) -> Iterator[Path]:
    """A folder like / with the clone, and with the program in the folder of its version."""
    made = binaries.new_directory(run_as)
    wheels = shared_folder(run_folder, "wheel", build_wheel)
    try:
        source = made / "usr/local/src/koine"
        for name in ("deploy", "requirements"):
            shutil.copytree(ROOT / name, source / name)
        (source / "src/koine").mkdir(parents=True)
        shutil.copy(ROOT / "src/koine/__init__.py", source / "src/koine")
        shutil.copytree(wheels, made / "wheel")
        for folder in ("usr/local/bin", "opt/koine", "etc/systemd/system", "etc/logrotate.d"):
            (made / folder).mkdir(parents=True)
        for path in (made, *made.rglob("*")):
            run_as.chown(path)
        _install(run_as, made)
        yield made
    finally:
        shutil.rmtree(made)


def _install(run_as: RunAs, root: Path) -> None:
    """The wheel in an environment of its own, whose `pip` only looks whether its file exists."""
    venv = root / "opt/koine" / __version__
    run_as.run(sys.executable, "-m", "venv", "--without-pip", venv)
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    (wheel,) = (root / "wheel").glob("*.whl")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--no-cache-dir")
    run_as.run(*pip, "--python", venv / "bin/python", "install", "--no-deps", "--no-index", wheel)
    _program(venv / "bin/pip", 'for last; do :; done\nexec test -f "$last"')
    _program(root / "usr/local/bin/runuser", 'shift 3\nexec "$@"')


def _program(file: Path, text: str) -> None:
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def commands(root: Path, role: str, url: str, port: int) -> str:
    """What the page prints, with this machine's folders, port and names in the database."""
    texts = [block.text for block in blocks(ROOT / INSTALL) if block.language == "sh"]
    text = "\n".join(text for text in texts if "docker" not in text)
    where = urlsplit(url).netloc.rpartition("@")[2]
    for old, new in (
        ("CREATE ROLE koine ", f"CREATE ROLE {role} "),
        ("DATABASE koine OWNER koine", f"DATABASE {role} OWNER {role}"),
        ("postgresql://koine:$database_password@127.0.0.1/koine",
         f"postgresql://{role}:$database_password@{where}/{role}"),
        ("http://127.0.0.1:8420", f"http://127.0.0.1:{port}"),
    ):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    return FOLDERS.sub(rf"{root}/\1/", text)


def test_the_page_installs_upgrades_and_rolls_back(
    root: Path, run_as: RunAs, shared_postgres: SharedPostgres
) -> None:
    url, port = shared_postgres.new_empty_database(), free_port()
    role = f"koine_{secrets.token_hex(4)}"
    venv = root / "opt/koine" / __version__
    (root / "psql.py").write_text(PSQL.format(url=url))
    _program(root / "usr/local/bin/psql", f"exec {venv}/bin/python -P {root}/psql.py")
    (root / "settings").write_text(
        f"KOINE_PORT={port}\nKOINE_UNSAFE_DATABASE=true\nKOINE_DRAIN_SECONDS=0\n"
        f"KOINE_POSTGRES_PROGRAMS={shared_postgres.programs()}\n"
    )
    real = venv / "bin/koine-program"
    (venv / "bin/koine").rename(real)
    script = root / "script"
    with fast_commands(root, venv / "bin/python", real, run_as.user) as client:
        (venv / "bin/koine").symlink_to(client)
        script.write_text(
            f"export ROOT={root} LC_ALL=C.UTF-8\n"
            f"export PATH={root}/usr/local/bin:$PATH\n{PRELUDE}{commands(root, role, url, port)}"
        )
        try:
            said = run_as.run("timeout", "240", "bash", script, check=False).stdout
        finally:
            if (pid := root / "pid").exists():
                run_as.run("kill", "-9", pid.read_text().strip(), check=False)
            postgres.execute(url, f'DROP DATABASE IF EXISTS "{role}" WITH (FORCE)')
            postgres.execute(url, f"DROP ROLE IF EXISTS {role}")
    assert "failed with" not in said, said
    assert '"content":"It works."' in said
    assert f"is up to date ({_head(said)})" in said
    assert "every count and every conversation is as it was: it is restored" in said
    assert "the server is starting" in (root / "var/log/koine/koine.log").read_text()


def _head(said: str) -> str:
    found = re.search(r"is up to date \((\w+)\)", said)
    assert found, said
    return found[1]
