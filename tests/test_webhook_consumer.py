"""The documented webhook consumer handles each delivery once, also when it is repeated."""

import importlib.util
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from koine.kit import webhook_signature
from tests.support.ports import free_port

PROGRAM = Path(__file__).parents[1] / "docs" / "examples" / "webhook_consumer.py"
SECRET = webhook_signature.new_secret()
BODY = b'{"type":"message.created","conversation_id":"c1","seq":1,"data":{}}'


@pytest.fixture(scope="module")
def consumer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("webhook_consumer", PROGRAM)
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


class Running:
    """The consumer as a process, with its output in a file."""

    def __init__(self, folder: Path, effects: Path) -> None:
        port = free_port()
        self.url, self.effects = f"http://127.0.0.1:{port}/", effects
        self._output = folder / "output"
        with self._output.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, str(PROGRAM), str(port), str(effects)],
                env=os.environ | {"WEBHOOK_SECRET": SECRET}, stdout=out, stderr=out,
                # A test run in the background of a shell ignores Ctrl-C, and so would the process.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )  # fmt: skip
        self.until(f"taking webhooks at {self.url}")

    def until(self, text: str) -> str:
        """Wait until the output has `text`; return the output."""
        until = time.monotonic() + 20
        while text not in self.output:
            assert time.monotonic() < until, self.output
            time.sleep(0.05)
        return self.output

    @property
    def output(self) -> str:
        """Its standard output and error so far."""
        return self._output.read_text()


@pytest.fixture
def running(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Running]:
    consumer = Running(tmp_path, tmp_path / getattr(request, "param", "effects.db"))
    try:
        yield consumer
    finally:
        consumer.process.kill()
        consumer.process.wait()


def test_a_repeated_delivery_is_handled_once(running: Running) -> None:
    for name in ("evt_1", "evt_2", "evt_1", "evt_1"):
        signed = webhook_signature.headers([SECRET], name, int(time.time()), BODY)
        assert httpx.post(running.url, content=BODY, headers=signed).status_code == 200
    assert _counted(running.effects) == [("c1", 2)]


def test_a_wrong_signature_is_refused(running: Running) -> None:
    other, now = webhook_signature.new_secret(), int(time.time())
    old = webhook_signature.headers([SECRET], "evt_1", now - 600, BODY)
    forged = webhook_signature.headers([other], "evt_1", now, BODY)
    for headers in (old, forged, {}):
        assert httpx.post(running.url, content=BODY, headers=headers).status_code == 401
    assert not running.effects.exists() or _counted(running.effects) == []
    assert running.until("refused").count("refused: signature\n") == 3


@pytest.mark.parametrize("running", ["missing/effects.db"], indirect=True)
def test_an_effects_file_that_cannot_be_opened_asks_for_a_retry(running: Running) -> None:
    signed = webhook_signature.headers([SECRET], "evt_1", int(time.time()), BODY)
    assert httpx.post(running.url, content=BODY, headers=signed).status_code == 500
    said = running.until("failed: ")
    assert str(running.effects) in said and "Traceback" not in said


def test_ctrl_c_stops_it_without_a_traceback(running: Running) -> None:
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(20) == 0
    assert "Traceback" not in running.output


def test_without_a_secret_it_says_which_variable_to_set(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name != "WEBHOOK_SECRET"}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "0", str(tmp_path / "effects.db")],
        env=env, capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("set WEBHOOK_SECRET") and "Traceback" not in done.stderr


def test_either_signature_of_a_rotation_is_accepted(consumer: ModuleType) -> None:
    new, now = webhook_signature.new_secret(), int(time.time())
    headers = webhook_signature.headers([new, SECRET], "evt_1", now, BODY)
    assert consumer.verify(SECRET, headers, BODY, now)
    assert consumer.verify(new, headers, BODY, now)
    assert not consumer.verify(SECRET, headers, BODY + b" ", now)


def test_a_delivery_whose_handling_fails_is_not_recorded(
    consumer: ModuleType, tmp_path: Path
) -> None:
    effects = consumer.Effects(tmp_path / "effects.db")
    with pytest.raises(KeyError):
        effects.take("evt_1", {"type": "message.created"})
    assert effects.take("evt_1", {"type": "message.created", "conversation_id": "c1"})
    assert not effects.take("evt_1", {"type": "message.created", "conversation_id": "c1"})
    effects.close()


def _counted(path: Path) -> list[tuple[str, int]]:
    opened = sqlite3.connect(path)
    try:
        return opened.execute("SELECT conversation, count FROM messages").fetchall()
    finally:
        opened.close()
