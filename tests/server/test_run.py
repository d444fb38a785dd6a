"""What the server refuses to start with, and several workers on one PostgreSQL."""

import asyncio
import socket
import stat
from pathlib import Path

import pytest

from chaos.http_client import IncompleteResponse, Response, get
from chaos.seed import seed
from chaos.servers import ServerHome, nodes
from koine.kit.settings import load
from koine.server.database import StartupError
from koine.server.listener import open_listener
from koine.server.run import serve
from tests.support.databases import with_tables
from tests.support.ports import free_ports
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


async def test_two_workers_serve_one_database(
    tmp_path: Path, shared_postgres: SharedPostgres
) -> None:
    home = ServerHome(tmp_path, shared_postgres.new_database(with_tables))
    tenant, (port, *_) = await seed(home, 12), free_ports(2)
    async with nodes(home, workers=2, settings={"metrics_port": port}) as (server,):
        key = {"Authorization": f"Bearer {tenant.key}"}
        replies = [await get(server.port, "/api/v1/conversations", key) for _ in range(8)]
        assert {reply.json()["pagination"]["total"] for reply in replies} == {12}
        # Each worker has a metrics port of its own; the second may still be starting.
        for each in (port, port + 1):
            assert (await reached(each, "/metrics")).status == 200
        assert await server.terminate() == 0


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


async def reached(port: int, path: str) -> Response:
    """The reply of a port, once somebody listens there."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await get(port, path)
            except (OSError, IncompleteResponse):
                await asyncio.sleep(0.02)
