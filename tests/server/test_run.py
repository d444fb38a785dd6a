"""What the server refuses to start with, and what it does to its folder at the start."""

import socket
import stat
from pathlib import Path

import pytest

from chaos.servers import ServerHome, nodes
from koine.kit.settings import load
from koine.server.database import StartupError
from koine.server.listener import bind_listener
from koine.server.run import serve


def test_several_workers_need_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("koine.kit.logs.configure", lambda *_, **__: None)
    with pytest.raises(StartupError, match="several workers need PostgreSQL"):
        serve(load({}, {"workers": 2, "data_dir": str(tmp_path)}))


def test_a_port_in_use_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = pytest.raises(StartupError, match="Address already in use")
        with taken, bind_listener(load({}, {"port": port})):
            pass


async def test_uploads_that_others_could_read_are_restricted_at_the_start(tmp_path: Path) -> None:
    home = ServerHome(tmp_path)
    folder = tmp_path / "data" / "files" / "ab" / "cd"
    folder.mkdir(parents=True)
    upload = folder / "key"
    upload.write_bytes(b"x")
    upload.chmod(0o644)
    (tmp_path / "data" / "files").chmod(0o755)
    async with nodes(home) as (server,):
        modes = [stat.S_IMODE(each.stat().st_mode) for each in (upload, *upload.parents[:3])]
        assert await server.terminate() == 0
    assert modes == [0o600, 0o700, 0o700, 0o700]
