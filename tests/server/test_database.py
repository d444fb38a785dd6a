"""Which database the settings name, and how it is shown in messages."""

from pathlib import Path

import pytest

from koine.kit.settings import Settings, environment, load
from koine.server.database import StartupError, database_name, open_database, sqlite_path


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


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartupError, match="cannot open"):
        await open_database(load({}, {"data_dir": str(tmp_path / "file" / "data")}))


def test_settings_survive_the_environment() -> None:
    settings = load({}, {"port": 1, "demo": True, "data_dir": "a b", "secret_key": "x" * 40})
    assert load(environment(settings)) == settings
    assert load({"KOINE_BASE_URL": "http://x.test"} | environment(settings)) == settings
