"""Every command of the pages succeeds as printed, in the order of its page.

`curl` calls a server with the demonstration, whose variables are set; `koine` works in an empty
folder of the page. docs/install.md has tests/e2e/test_install.py. What cannot run here is on the
list LEFT_OUT of tests/support/doc_blocks.py, with its reason.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.koine_process import ENV, KOINE, KoineProcess, koine
from tests.support.doc_blocks import INSTALL, LEFT_OUT, PAGES, ROOT, Block, blocks, without_blocks
from tests.support.fast_commands import fast_commands

A_CURL = re.compile(r"\bcurl\b")
LANGUAGES = {
    "sh", "json", "js", "python", "sql", "ini", "nginx", "caddyfile", "yaml", "promql", "text",
}  # fmt: skip
PRELUDE = """\
set -E -o pipefail
trap 'echo "failed with $?: $BASH_COMMAND" >&2' ERR
curl() {
  case " $* " in
    (*" -sN "*|*" -N "*)
      command curl --write-out '%{stderr}\\nanswered %{http_code}\\n' --max-time 2 "$@" ||
        [ $? = 28 ];;
    (*) command curl --write-out '%{stderr}\\nanswered %{http_code}\\n' "$@";;
  esac
}
python3() {
  case "$*" in (*webhook_consumer*) ;; (*) command python3 "$@";; esac
}
koine() {
  case "$*" in
    ("user set-password"*) echo 'correct horse 9' | command koine "$@" --stdin;;
    (*) command koine "$@";;
  esac
}
"""
"""Says what each call was answered and which command failed, pipes a password, and waits for no
stream and no receiver to end: those two have tests/e2e/test_readme.py."""

PRINTED = {
    "docs/monitoring.md": (
        r'"request_id": "made-by-me".*"route": "/v1/inboxes"',  # the log
        r'"action":"create","noun":"inbox".*"request_id":"made-by-me"',  # the audit log
        r"\(\d+, 'inbox.created', 'made-by-me'\)",  # the events
        r'"kind":"inbox.created".*"request_id":"made-by-me"',  # the deliveries
    )
}
"""What commands of a page must print, beside those whose status says enough."""
BEFORE = {"docs/backups.md": "koine migrate\n"}
"""What a page assumes to have happened."""

EVERY = [block for page in PAGES for block in blocks(page)]
RUN = [block for block in EVERY if block.language == "sh" and not block.left_out]


def of_page(page: str) -> list[Block]:
    return [block for block in RUN if block.page == page]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with fast_commands(tmp_path_factory.mktemp("c"), Path(sys.executable), KOINE) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path, client: Path) -> Path:
    """A folder as the pages assume it: a checkout after `make run`, with `koine` on the path."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    for name in (".venv/bin", "data"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / ".venv/bin/koine").symlink_to(client)
    return tmp_path


def test_there_are_pages_with_commands() -> None:
    assert {"README.md", "docs/dialects/native.md", "docs/webhooks.md", "docs/running.md"} <= {
        block.page for block in RUN
    }


@pytest.mark.parametrize("page", sorted({block.page for block in RUN} - {INSTALL}))
def test_every_command_of_a_page_succeeds(server: KoineProcess, folder: Path, page: str) -> None:
    # Asked anew for each page: another may have opened the last one's conversation.
    exports = folder / "exports"
    exports.write_text(koine("demo", "--env", "--data", str(server.folder / "data")))
    commands = BEFORE.get(page, "") + "\n".join(block.text for block in of_page(page))
    for printed, here in {
        ".venv/bin/koine demo --env": f"cat {exports}",
        ".venv/bin/koine audit": f".venv/bin/koine audit --data {server.folder}/data",
        "data/koine.db": f"{server.folder}/data/koine.db",
        " koine.log": f" {server.folder}/log",
        " /backups": f" {folder}/backups",
    }.items():
        commands = commands.replace(printed, here)
    done = subprocess.run(
        ["bash", "-uc", f'{PRELUDE}eval "$(cat {exports})"\n{commands}'],
        cwd=folder,
        env=ENV | {"PATH": f"{folder}/.venv/bin:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    said = f"{done.stdout}\n{done.stderr}\n{server.log()[-6000:]}"
    assert "failed with" not in done.stderr and done.returncode == 0, said
    answered = re.findall(r"^answered (\d+)$", done.stderr, re.MULTILINE)
    assert len(answered) >= len(A_CURL.findall(commands)), said
    assert all(status.startswith("2") for status in answered), said
    assert [each for each in PRINTED.get(page, ()) if not re.search(each, done.stdout)] == [], said


def test_every_block_has_a_language() -> None:
    """A block of commands is `sh`; what is no command is `text`."""
    assert [(each.page, each.text[:60]) for each in EVERY if each.language not in LANGUAGES] == []


def test_no_page_prints_a_curl_that_is_not_run() -> None:
    for page in PAGES:
        text = without_blocks(page)
        assert not re.search(r"curl\s+(-|http|localhost|\"|\$)", text), page
    others = [block for block in EVERY if block.language != "sh"]
    assert [block for block in others if re.match(r"\s*(curl|koine|make) ", block.text)] == []


def test_the_list_of_what_is_not_run_is_no_longer_than_needed() -> None:
    texts = [block.text.lstrip() for block in EVERY if block.language == "sh"]
    assert [start for start in LEFT_OUT if not any(each.startswith(start) for each in texts)] == []


def test_a_command_that_fails_is_found(folder: Path) -> None:
    script = f"{PRELUDE}koine tenant list --tenant\necho done"
    done = subprocess.run(
        ["bash", "-uc", script], cwd=folder, capture_output=True, text=True, check=False,
        env=ENV | {"PATH": f"{folder}/.venv/bin:{os.environ['PATH']}"},
    )  # fmt: skip
    assert "failed with 2" in done.stderr
