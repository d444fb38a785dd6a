"""The full-disk rig once on each database; a server that ignores failed commits makes it fail."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from chaos import full_disk
from chaos.full_disk_calls import is_clear_refusal
from chaos.http_client import Response
from chaos.small_disk import can_mount, can_mount_in_namespace
from tests.support.postgres import running_postgres


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a disk can be mounted; skips without the right to mount."""
    if not can_mount():
        pytest.skip("mounting a small disk needs root")
    yield tmp_path


async def test_sqlite_on_a_full_disk_keeps_its_promises(folder: Path) -> None:
    result = await full_disk.fill_sqlite(folder / "home", 1, Random(1))
    assert result.ok, f"{result} {result.wrong}"
    assert result.reads > 0 < result.refused_files


async def test_postgres_on_a_full_disk_keeps_its_promises(folder: Path) -> None:
    # A PostgreSQL of its own: any session may have to write a changed page of the full disk, to
    # get a free buffer, and fails when it cannot.
    with running_postgres() as server:
        result = await full_disk.fill_postgres(folder / "home", 1, Random(1), server.url)
    assert result.ok, f"{result} {result.wrong}"


async def test_planted_an_ignored_commit_failure_is_detected(folder: Path) -> None:
    # The fault loses only the other writes of the batch whose commit fails. Whether there are any
    # is chance; in one of several rounds there are.
    for seed in range(10):
        disk = folder / str(seed)
        disk.mkdir()
        result = await full_disk.fill_sqlite(disk, 1, Random(seed), "ignored_commit_failure")
        if result.consistency.lost:
            break
    assert result.consistency.lost
    assert not result.ok


async def test_it_runs_without_root_too(tmp_path: Path) -> None:
    if not await asyncio.to_thread(can_mount_in_namespace):
        pytest.skip("mounting in a user namespace is not allowed here")
    assert (await full_disk._run_in_namespace(tmp_path, 1, 1)).ok


@pytest.mark.parametrize(
    ("status", "headers", "body", "clear"),
    [
        (503, {"retry-after": "1"}, b'{"success":false,"message":"no"}', True),
        (503, {}, b'{"success":false,"message":"no"}', False),
        (503, {"retry-after": "1"}, b"Service Unavailable", False),
        (500, {"retry-after": "1"}, b'{"success":false,"message":"no"}', False),
    ],
)
def test_a_clear_refusal_has_a_shape_and_a_time(
    status: int, headers: dict[str, str], body: bytes, clear: bool
) -> None:
    assert is_clear_refusal("delivery", Response(status, headers, body)) == clear
