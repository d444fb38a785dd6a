"""The documented webhook consumer handles each delivery once, also when it is repeated."""

import importlib.util
import os
import socket
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


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    port = free_port()
    effects = tmp_path / "effects.db"
    command = [sys.executable, str(PROGRAM), str(port), str(effects)]
    process = subprocess.Popen(command, env=os.environ | {"WEBHOOK_SECRET": SECRET})
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}/", effects
    finally:
        process.kill()
        process.wait()


def test_a_repeated_delivery_is_handled_once(running: tuple[str, Path]) -> None:
    url, effects = running
    for name in ("evt_1", "evt_2", "evt_1", "evt_1"):
        signed = webhook_signature.headers([SECRET], name, int(time.time()), BODY)
        assert httpx.post(url, content=BODY, headers=signed).status_code == 200
    assert _counted(effects) == [("c1", 2)]


def test_a_wrong_signature_is_refused(running: tuple[str, Path]) -> None:
    url, effects = running
    other, now = webhook_signature.new_secret(), int(time.time())
    old = webhook_signature.headers([SECRET], "evt_1", now - 600, BODY)
    forged = webhook_signature.headers([other], "evt_1", now, BODY)
    for headers in (old, forged, {}):
        assert httpx.post(url, content=BODY, headers=headers).status_code == 401
    assert not effects.exists() or _counted(effects) == []


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


def _wait_for(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError
