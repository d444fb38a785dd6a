"""Which database the settings name, how it is shown in messages, and when it is waited for."""

import asyncio
import io
import json
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from chaos.http_client import HOST
from koine.kit import logs
from koine.kit.settings import Settings, environment, load
from koine.server import database
from koine.server.database import StartupError, database_name, open_database, sqlite_path
from tests.support.ports import free_port
from tests.support.shared_postgres import SharedPostgres

Forward = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[object, object, None]]


def named(url: str) -> Settings:
    return load({}, {"database_url": url, "data_dir": "/var/koine"})


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("", "/var/koine/koine.db"),
        ("sqlite:///here.db", "here.db"),
        ("sqlite:////there/x.db", "/there/x.db"),
    ],
)
def test_the_file_of_a_url(url: str, path: str) -> None:
    assert sqlite_path(named(url)) == Path(path)


def test_the_name_of_a_database_has_no_password() -> None:
    settings = named("postgresql://ann:s3cret@db.test:5433/koine?sslmode=require")
    assert database_name(settings) == "postgresql://db.test:5433/koine"


async def test_a_server_that_does_not_answer() -> None:
    with pytest.raises(StartupError, match="does not answer"):
        await open_database(named("postgresql://ann:s3cret@127.0.0.1:1/koine"))


async def test_a_server_that_starts_later_is_waited_for(
    shared_postgres: SharedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "TRY_SECONDS", 0.01)
    monkeypatch.setattr(database, "WAIT_LOG_SECONDS", 0.1)
    logs.configure(stream=(log := io.StringIO()))
    url, port = shared_postgres.new_empty_database(), free_port()
    upstream = int(url.rpartition(":")[2].partition("/")[0])
    later = named(url.replace(f":{upstream}/", f":{port}/"))
    opening = asyncio.create_task(open_database(later, wait_seconds=60))
    while log.getvalue().count("waiting for the database") < 2:  # noqa: ASYNC110  # a buffer
        await asyncio.sleep(0.01)
    async with await asyncio.start_server(forward_to(upstream), HOST, port):
        await (await opening).close()
    first, *_, last = map(json.loads, log.getvalue().splitlines())
    assert first["seconds_left"] == 60 and first["reason"].endswith("is it running?")
    assert last["event"] == "the database answers"


def forward_to(upstream: int) -> Forward:
    """Serves a connection by one to another port."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(HOST, upstream)
        await asyncio.gather(copy(reader, up_writer), copy(up_reader, writer))

    return forward


async def test_what_waiting_cannot_mend_is_not_waited_for(shared_postgres: SharedPostgres) -> None:
    url = shared_postgres.new_empty_database()
    elsewhere = named(f"{url.rpartition('/')[0]}/nowhere")
    async with asyncio.timeout(20):
        with pytest.raises(StartupError, match=r'refuses the connection: database "nowhere"'):
            await open_database(elsewhere, wait_seconds=60)


async def test_after_the_wait_the_error_says_how_long_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database, "TRY_SECONDS", 0.01)
    with pytest.raises(StartupError, match=r"is it running\? \(after 0 s\)"):
        await open_database(named("postgresql://ann:s3cret@127.0.0.1:1/koine"), wait_seconds=0.05)


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartupError, match="cannot open"):
        await open_database(load({}, {"data_dir": str(tmp_path / "file" / "data")}))


def test_settings_survive_the_environment() -> None:
    settings = load({}, {"port": 1, "demo": True, "data_dir": "a b", "secret_key": "x" * 40})
    assert load(environment(settings)) == settings
    assert load({"KOINE_BASE_URL": "http://x.test"} | environment(settings)) == settings
