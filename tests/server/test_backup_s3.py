"""Backups in an S3 store, a real one: uploaded in parts, read back, listed, removed, restored."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from koine.kit import settings as kit
from koine.kit.tokens import random_token
from koine.server.backup import info, s3_target
from koine.server.backup.catalog import list_backups
from koine.server.backup.place import open_place
from koine.server.backup.s3_target import S3Target
from koine.store.backup import BackupError
from tests.cli.terminal import Terminal
from tests.support.ports import free_port
from tests.support.s3 import BUCKET, SECRET_KEY, S3Server


class Store:
    """The store, and a prefix of its bucket that this test has alone."""

    def __init__(self, server: S3Server, prefix: str) -> None:
        self.server = server
        self.prefix = prefix
        self.place = f"s3://{BUCKET}/{prefix}"

    def path(self, name: str) -> Path:
        return self.server.path(f"{self.prefix}/{name}")

    def objects(self) -> set[str]:
        return self.server.objects(self.prefix)

    def target(self, **changed: str) -> S3Target:
        found, _ = open_place(kit.load({**os.environ, **changed}), self.place)
        assert isinstance(found, S3Target)
        return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("s3")) as started:
        yield started


@pytest.fixture
def store(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The settings of this test name the store; the variables of Amazon's programs another one."""
    others = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION")
    for name in others:
        monkeypatch.setenv(name, "of-another-account")
    for name in ("AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("AWS_SKIP_SIGNATURE", "AWS_S3_EXPRESS"):
        monkeypatch.setenv(name, "true")
    for name, value in server.settings().items():
        monkeypatch.setenv(name, value)
    return Store(server, f"koine/{random_token()}")


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setattr("logging.basicConfig", lambda **_: None)
    terminal = Terminal(tmp_path / "data")
    terminal.run("tenant", "create", "Acme")
    return terminal


def test_a_backup_goes_to_the_store_and_comes_back(
    store: Store, acme: Terminal, tmp_path: Path
) -> None:
    made = acme.json("backup", "--to", store.place, "--keep", "7d")
    assert made["verified"] and made["backup"].startswith(f"{store.place}/koine-")
    name = made["backup"].rpartition("/")[2]
    assert store.objects() == {name, f"{name}.json"}
    assert not list((tmp_path / "data").glob(".koine-*")), "nothing is left in the data folder"
    elsewhere = Terminal(tmp_path / "elsewhere")
    assert "it is restored" in elsewhere.run("restore", made["backup"])
    assert [each["slug"] for each in elsewhere.json("tenant", "list")] == ["acme"]
    assert not list((tmp_path / "elsewhere").glob(".koine-*"))


def test_backups_in_a_store_are_listed_verified_and_removed(store: Store, acme: Terminal) -> None:
    first = acme.json("backup", store.place, "--no-verify")["backup"]
    (listed,) = acme.json("backup", store.place, "--list")
    assert listed["ours"] and listed["backup"] == first and listed["verified_at"] is None
    assert "can be restored" in acme.run("backup", "--verify", first)
    (listed,) = acme.json("backup", store.place, "--list")
    assert listed["verified_at"]
    store.path("koine-20200101T000000.000Z.tar").write_text("not described by anything")
    second = acme.json("backup", store.place, "--keep", "1")
    assert second["removed"] == [first.rpartition("/")[2]]
    kept = second["backup"].rpartition("/")[2]
    assert store.objects() == {
        kept, f"{kept}.json", "koine-20200101T000000.000Z.tar",
    }  # fmt: skip


def test_a_large_backup_is_uploaded_in_parts(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_target, "PART_BYTES", 5 << 20)
    backup = tmp_path / "large.tar"
    backup.write_bytes(content := os.urandom(11 << 20))
    store.target().upload(backup, "large.tar")
    assert store.path("large.tar").read_bytes() == content
    assert store.server.log().count("put multipart upload") >= 3
    store.target().download("large.tar", tmp_path / "copy.tar")
    assert (tmp_path / "copy.tar").read_bytes() == content
    with pytest.raises(BackupError, match="there is a backup already"):
        store.target().upload(backup, "large.tar")


def test_a_backup_that_the_store_damaged_is_not_verified(
    store: Store, acme: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = S3Target.upload

    def damage(self: S3Target, path: Path, name: str) -> None:
        upload(self, path, name)
        stored = store.path(f"{name}")
        stored.write_bytes(stored.read_bytes()[:-1] + b"x")

    monkeypatch.setattr(S3Target, "upload", damage)
    assert "not what was uploaded" in acme.run("backup", store.place, "--keep", "1", code=1)
    (listed,) = acme.json("backup", store.place, "--list")
    assert listed["verified_at"] is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"KOINE_S3_SECRET_KEY": "wrong-secret"}, "SignatureDoesNotMatch"),
        ({"KOINE_S3_ACCESS_KEY": "nobody"}, "InvalidAccessKeyId"),
        ({"KOINE_S3_ACCESS_KEY": ""}, "KOINE_S3_ACCESS_KEY is not set"),
        ({"KOINE_S3_SECRET_KEY": ""}, "KOINE_S3_SECRET_KEY is not set"),
        (
            {"KOINE_S3_SECRET_KEY": "", "KOINE_S3_SECRET_KEY_FILE": "/dev/null/none"},
            "KOINE_S3_SECRET_KEY_FILE",
        ),
    ],
)
def test_a_store_that_refuses_is_an_error_without_secrets(
    store: Store, change: dict[str, str], reason: str
) -> None:
    with pytest.raises(BackupError, match=reason) as refused:
        store.target(**change).sizes()
    assert "\n" not in str(refused.value)
    assert SECRET_KEY not in str(refused.value) and "wrong-secret" not in str(refused.value)


def test_a_store_that_does_not_answer_is_an_error(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_target, "RETRIES", 0)
    with pytest.raises(BackupError, match="does not answer"):
        store.target(KOINE_S3_ENDPOINT=f"http://127.0.0.1:{free_port()}").sizes()


def test_a_bucket_that_is_not_there_is_an_error(store: Store, acme: Terminal) -> None:
    assert "NoSuchBucket" in acme.run("backup", "s3://nowhere/x", code=1)
    assert "must be s3://bucket" in acme.run("backup", "s3://Not A Bucket", code=1)


def test_the_secret_may_be_in_a_file(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET_KEY}\n")
    assert store.target(KOINE_S3_SECRET_KEY="", KOINE_S3_SECRET_KEY_FILE=str(file)).sizes() == {}
    with pytest.raises(kit.BadSetting, match="not both"):
        store.target(KOINE_S3_SECRET_KEY_FILE=str(file))


def test_only_objects_below_the_prefix_are_seen(store: Store) -> None:
    for name in ("deeper/koine-1.tar", "../other/koine-1.tar", "../koine-1.tar"):
        store.path(name).parent.mkdir(parents=True, exist_ok=True)
        store.path(name).write_text("x")
    store.target().write("koine-20261130T000000.000Z.tar", b"x")
    assert store.target().sizes() == {"koine-20261130T000000.000Z.tar": 1}
    (found,) = list_backups(store.target())
    assert found.info is None


def test_an_info_file_is_replaced_and_a_large_one_is_not_read(store: Store) -> None:
    found = store.target()
    found.write("a.tar.json", b"{}")
    found.write("a.tar.json", json.dumps({"a": 1}).encode())
    assert found.read("a.tar.json") == b'{"a": 1}'
    found.write("b.tar.json", b" " * (info.LARGEST + 1))
    assert found.read("b.tar.json") is None and found.read("none") is None
    found.delete("a.tar.json")
    found.delete("a.tar.json")
    assert "a.tar.json" not in found.sizes()
