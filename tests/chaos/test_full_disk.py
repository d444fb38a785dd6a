"""A short run of the full-disk rig; a server that ignores failed commits makes it fail."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from chaos import full_disk
from chaos.full_disk_calls import is_clear_refusal
from chaos.http_client import Response
from chaos.rig import RigSettings
from chaos.small_disk import can_mount, can_mount_in_namespace
from tests.chaos.retries import first_with_fault


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a disk can be mounted; skips without the right to mount."""
    if not can_mount():
        pytest.skip("mounting a small disk needs root")
    yield tmp_path


async def test_both_databases_on_a_full_disk_keep_their_promises(folder: Path) -> None:
    # With a PostgreSQL of its own: any session may have to write a changed page of the full disk,
    # to get a free buffer, and fails when it cannot.
    log: list[str] = []
    figure = await full_disk.RIG.run(RigSettings(folder=folder, short=True, log=log.append))
    assert figure.ok, (figure, log)
    for database in ("sqlite", "postgres"):
        assert figure.counts[f"{database}_reads"] > 0, figure
    assert figure.counts["sqlite_refused_files"] > 0, figure


async def test_planted_an_ignored_commit_failure_is_detected(folder: Path) -> None:
    # The fault loses only the other writes of the batch whose commit fails. Whether there are any
    # is chance; in one of several rounds there are.
    result = await first_with_fault(
        lambda n: full_disk.fill_sqlite(folder / f"{n}", 1, Random(n), "ignored_commit_failure"),
        lambda result: result.consistency.lost,
    )
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
