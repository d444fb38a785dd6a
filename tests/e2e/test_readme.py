"""The README's three code blocks, run in shells: a stream, a webhook, a retry."""

import fcntl
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.koine_process import KoineProcess, copy_demo, koine, served

ROOT = Path(__file__).parents[2]
SECTION = re.compile(r"## A stream, a webhook, a retry\n(.*?)\n## ", re.DOTALL)
PATIENCE = 20.0
SETTINGS = {"KOINE_OUTBOUND_ALLOW": "127.0.0.1:9000"}


@pytest.fixture(scope="module")
def blocks() -> list[str]:
    found = SECTION.search((ROOT / "README.md").read_text())
    assert found is not None
    return re.findall(r"```sh\n(.*?)```", found[1], re.DOTALL)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, run_folder: Path) -> Iterator[KoineProcess]:
    """A server of its own: the blocks repeat a request with an idempotency key, and
    tests/e2e/test_docs_curls.py sends the same one. Its folder has `docs` beside `data`, as the
    folder has in which the README says `make run`."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "docs").symlink_to(ROOT / "docs")
    copy_demo(run_folder, folder / "data")
    with served(folder, settings=SETTINGS) as running:
        yield running


@contextmanager
def pasted(folder: Path, exports: str, block: str, out: Path) -> Iterator[None]:
    """Run a code block in a shell in `folder`, with its output in `out`, until the context ends."""
    with out.open("wb") as file:
        shell = subprocess.Popen(
            ["bash", "-c", exports + block],
            cwd=folder, stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
        try:
            yield
        finally:
            os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()


def until(out: Path, text: str) -> str:
    """Wait until the output has `text`; return the output."""
    for _ in range(int(PATIENCE / 0.05)):
        if text in (output := out.read_text()):
            return output
        time.sleep(0.05)
    raise AssertionError(f"no {text!r} in:\n{out.read_text()}")


@pytest.fixture
def receiver_port() -> Iterator[None]:
    """The README's receiver has a fixed port, and another test run may use it just now."""
    with (Path(tempfile.gettempdir()) / "koine-tests-9000.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.mark.usefixtures("receiver_port")
def test_all_three_work_together(server: KoineProcess, blocks: list[str], tmp_path: Path) -> None:
    exports = koine("demo", "--env", "--data", str(server.folder / "data"))
    stream, webhook, retry = blocks
    stream_output, webhook_output = tmp_path / "stream", tmp_path / "webhook"
    folder = server.folder
    with (
        pasted(folder, exports, stream, stream_output),
        pasted(folder, exports, webhook, webhook_output),
    ):
        until(stream_output, "event: ready")
        until(webhook_output, "9000")
        said = subprocess.run(
            ["bash", "-c", exports + retry], cwd=folder, capture_output=True, check=True
        ).stdout.decode()
        first, second = json.JSONDecoder().raw_decode(said)[0], said[len(said) // 2 :]
        assert first == json.loads(second)
        until(stream_output, first["id"])
        until(webhook_output, "evt_")
    assert stream_output.read_text().count("event: message.created") == 1
    assert (folder / "data" / "effects.db").exists()
