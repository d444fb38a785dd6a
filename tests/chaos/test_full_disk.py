"""The full-disk rig once on each database, and a server that does not hear the disk say no."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from chaos import full_disk
from chaos.full_disk_calls import is_clear_refusal
from chaos.http_client import Reply
from chaos.small_disk import can_mount, can_mount_apart
from tests.support.postgres import running_postgres


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a disk can be mounted; who cannot mount one skips."""
    if not can_mount():
        pytest.skip("mounting a small disk needs root")
    yield tmp_path


async def test_sqlite_on_a_full_disk_keeps_its_promises(folder: Path) -> None:
    done = await full_disk.fill_sqlite(folder / "home", 1, Random(1))
    assert done.ok, f"{done} {done.wrong}"
    assert done.reads > 0 < done.refused_files


async def test_postgres_on_a_full_disk_keeps_its_promises(folder: Path) -> None:
    # A server of its own: any session of a server may have to write a page of the full disk, to
    # make room for one of its own, and fails when it cannot.
    with running_postgres() as server:
        done = await full_disk.fill_postgres(folder / "home", 1, Random(1), server.url)
    assert done.ok, f"{done} {done.wrong}"


async def test_an_error_that_is_swallowed_is_found_out(folder: Path) -> None:
    # The fault loses only what shares a batch with the write that fails. Whether a batch has more
    # than one write just then is chance: in one of many rounds it has.
    for seed in range(10):
        disk = folder / str(seed)
        disk.mkdir()
        done = await full_disk.fill_sqlite(disk, 1, Random(seed), "ignored_commit_failure")
        if done.verdict.lost:
            break
    assert done.verdict.lost
    assert not done.ok


async def test_it_runs_without_root_too(tmp_path: Path) -> None:
    if not await asyncio.to_thread(can_mount_apart):
        pytest.skip("this machine lets nobody mount in a namespace of their own")
    assert (await full_disk._apart(tmp_path, 1, 1)).ok


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
    assert is_clear_refusal("delivery", Reply(status, headers, body)) == clear
