"""What the server refuses to start with, and several workers on one PostgreSQL."""

import socket
import stat
from pathlib import Path

import httpx
import pytest

from koine.kit.settings import load
from koine.server.database import StartupError
from koine.server.listener import open_listener
from koine.server.run import serve
from tests.e2e.koine_process import served
from tests.support.shared_postgres import SharedPostgres


def test_several_workers_need_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("koine.kit.logs.configure", lambda *_, **__: None)
    with pytest.raises(StartupError, match="several workers need PostgreSQL"):
        serve(load({}, {"workers": 2, "data_dir": str(tmp_path)}))


def test_a_port_in_use_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = pytest.raises(StartupError, match="Address already in use")
        with taken, open_listener(load({}, {"port": port})):
            pass


def test_two_workers_serve_one_database(tmp_path: Path, shared_postgres: SharedPostgres) -> None:
    url = shared_postgres.new_empty_database()
    with served(tmp_path, "--workers", "2", "--database", url) as running:
        demo = running.demo_of(url)
        key = {"Authorization": f"Bearer {demo['helpdesk']['api_key']}"}
        responses = [
            httpx.get(f"{running.url}/api/v1/conversations", headers=key) for _ in range(8)
        ]
        assert {response.json()["pagination"]["total"] for response in responses} == {120}
        assert running.stop() == 0


def test_uploads_that_others_could_read_are_restricted_at_the_start(tmp_path: Path) -> None:
    # Where `served` has its data folder.
    folder = tmp_path / "data" / "files" / "ab" / "cd"
    folder.mkdir(parents=True)
    upload = folder / "key"
    upload.write_bytes(b"x")
    upload.chmod(0o644)
    (tmp_path / "data" / "files").chmod(0o755)
    with served(tmp_path) as running:
        modes = [stat.S_IMODE(each.stat().st_mode) for each in (upload, *upload.parents[:3])]
        assert running.stop() == 0
    assert modes == [0o600, 0o700, 0o700, 0o700]
