"""Every curl command of the documentation succeeds, with the demonstration's variables."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.koine_process import KoineProcess, koine

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELLS = ("", "sh", "bash", "shell", "console")
A_CURL = re.compile(r"\bcurl\b")
PRELUDE = """\
curl() {
  case " $* " in (*" -sN "*|*" -N "*) set -- --max-time 2 "$@";; esac
  command curl --write-out '%{stderr}\\nanswered %{http_code}\\n' "$@"
}
python3() {
  case "$*" in (*webhook_consumer*) ;; (*) command python3 "$@";; esac
}
"""
"""Says what each call was answered, and waits for no stream and no receiver to end: those two
have tests/e2e/test_readme.py."""


def blocks_of(page: Path) -> list[str]:
    """The code blocks of a page with curl commands."""
    found = FENCED.findall(page.read_text())
    return [block for language, block in found if language in SHELLS and A_CURL.search(block)]


WITH_CURLS = [page for page in PAGES if blocks_of(page)]


def test_there_are_pages_with_curls() -> None:
    names = {str(page.relative_to(ROOT)) for page in WITH_CURLS}
    assert {"README.md", "docs/dialects/native.md", "docs/webhooks.md"} <= names


@pytest.mark.parametrize("page", WITH_CURLS, ids=lambda page: page.name)
def test_every_curl_of_a_page_succeeds(server: KoineProcess, page: Path, tmp_path: Path) -> None:
    # Asked anew for each page: another may have opened the last one's conversation.
    exports = tmp_path / "exports"
    exports.write_text(koine("demo", "--env", "--data", str(server.folder / "data")))
    variables = f"cat {exports}"
    commands = "\n".join(blocks_of(page)).replace(".venv/bin/koine demo --env", variables)
    script = f'eval "$({variables})"\n{PRELUDE}{commands}'
    done = subprocess.run(
        ["bash", "-uc", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    answered = re.findall(r"^answered (\d+)$", done.stderr, re.MULTILINE)
    assert len(answered) >= len(A_CURL.findall(commands)), done.stderr
    assert all(status.startswith("2") for status in answered), (done.stdout, done.stderr)


def test_no_page_prints_a_curl_that_is_not_run() -> None:
    for page in PAGES:
        text = FENCED.sub("", page.read_text())
        assert not re.search(r"curl\s+(-|http|localhost|\"|\$)", text), page
