"""The fenced blocks of the pages, and those that the tests of the pages do not run."""

import re
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
INSTALL = "docs/install.md"
"""Its blocks are run by tests/e2e/test_install.py, in a root of their own."""

LEFT_OUT = {
    "make run": "serves until Ctrl-C: tests/e2e/test_make_run.py",
    "KOINE_ACCESS_LOG=true make run": "serves until Ctrl-C: tests/e2e/test_make_run.py",
    "make cluster": "serves until Ctrl-C, on fixed ports",
    "make check": "runs the tests that this one is of",
    "koine serve   ": "serves until Ctrl-C: tests/e2e/test_make_run.py",
    "export KOINE_DATABASE_URL=postgresql": "needs a server `db`: tests/e2e/test_install.py",
    "koine tenant suspend acme": "the tenant of the page: tests/cli/test_tenant.py",
    "koine tenant delete acme": "the tenant of the page: tests/cli/test_tenant.py",
    "koine user show": "the user of the page: tests/cli/test_user.py",
    "koine key list ": "KEY_ID stands for a key: tests/cli/test_setup.py",
    "koine secrets rotate": "needs endpoints and two keys: tests/cli/test_secrets.py",
    "koine inbox rotate-hmac-token": "INBOX_ID stands for an inbox: tests/cli/test_secrets.py",
    "systemctl stop koine   ": "moves a server that is stopped: tests/cli/test_move.py",
    "koine status  ": "a line of it goes on until Ctrl-C: tests/cli/test_status.py",
    "promtool ": "needs Prometheus's tool, which is not everywhere",
    "koine retention set": "the tenant of the page: tests/cli/test_retention.py",
    "koine retention hold": "the tenant of the page: tests/cli/test_retention.py",
    "koine person find": "the contact of the page: tests/cli/test_person.py",
    "koine restore backup.tar": "a backup from before an erasure: tests/cli/test_person.py",
    "install -m 0644 deploy/koine-backup": "no systemd: tests/test_deploy.py reads the units",
    "litestream restore": "needs a replica: tests/server/test_litestream.py",
    "koine backup s3://": "needs a store: tests/server/test_backup_s3.py",
    "koine audit ": "the last line goes on until Ctrl-C: tests/cli/test_audit.py",
    "docker build": "there is no Docker: tests/test_deploy.py compares the steps",
    "export POSTGRES_PASSWORD": "there is no Docker: tests/test_deploy.py reads the files",
}
"""The beginnings of the blocks that cannot run here, and why."""


class Block(Struct, frozen=True):
    """A fenced block of a page: its path in the repository, its language and its text."""

    page: str
    language: str
    text: str

    @property
    def left_out(self) -> bool:
        """Whether it is on the list of those that cannot run here."""
        return any(self.text.lstrip().startswith(start) for start in LEFT_OUT)


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    name = page.relative_to(ROOT).as_posix()
    return [Block(name, *found) for found in _FENCED.findall(page.read_text())]


def without_blocks(page: Path) -> str:
    """The rest of the page."""
    return _FENCED.sub("", page.read_text())
