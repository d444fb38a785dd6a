"""The power-cut rig for a moment, and three careless set-ups that it must find out."""

from pathlib import Path
from random import Random

import apsw
import pytest

from chaos import power_cut
from chaos.power_cut_vfs import ForgetfulDisk
from chaos.rig import RigSettings


async def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    figure = await power_cut.run(RigSettings(folder=tmp_path, short=True))
    assert figure.ok, figure.line
    assert figure.counts["cuts"] == power_cut.SHORT
    assert figure.counts["in_checkpoint"] > 0


@pytest.mark.parametrize("plant", ["lying", "OFF", "NORMAL"])
async def test_carelessness_loses_what_was_acknowledged(
    tmp_path: Path, plant: power_cut.Plant
) -> None:
    tally = await power_cut.cut(tmp_path, 60, 1, plant)
    assert not tally.ok
    assert tally.lost or tally.corrupt


@pytest.mark.parametrize(("synced", "found"), [(True, [(1,)]), (False, [])])
def test_the_disk_keeps_what_was_synced_alone(
    tmp_path: Path, synced: bool, found: list[tuple[int]]
) -> None:
    path, disk = str(tmp_path / "a.db"), ForgetfulDisk(f"small{synced}")
    opened = apsw.Connection(path, vfs=disk.name)
    opened.execute("CREATE TABLE t (a)")
    opened.execute(f"PRAGMA synchronous={'FULL' if synced else 'OFF'}").fetchall()
    opened.execute("INSERT INTO t VALUES (1)")
    disk.cut_in(1, Random(1))
    with pytest.raises(apsw.IOError):
        opened.execute("INSERT INTO t VALUES (2)")
    opened.close()
    disk.restore("none")
    assert apsw.Connection(path).execute("SELECT a FROM t").fetchall() == found
