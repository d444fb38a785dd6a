"""A short run of the power-cut rig; and three configurations that lose data make it fail."""

from pathlib import Path
from random import Random

import apsw
import pytest

from chaos import power_cut
from chaos.power_cut_vfs import PowerCutDisk
from chaos.rig import RigSettings


async def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    figure = await power_cut.RIG.run(RigSettings(folder=tmp_path, short=True))
    assert figure.ok, figure.line
    assert figure.counts["cuts"] == power_cut.SHORT
    assert figure.counts["in_checkpoint"] > 0


@pytest.mark.parametrize("fault", ["lying", "OFF", "NORMAL"])
async def test_planted_weaker_durability_loses_acknowledged_messages(
    tmp_path: Path, fault: power_cut.Fault
) -> None:
    counts = await power_cut.cut(tmp_path, 60, 1, fault)
    assert not counts.ok
    assert counts.lost or counts.corrupt


@pytest.mark.parametrize(("synced", "found"), [(True, [(1,)]), (False, [])])
def test_the_disk_keeps_only_what_was_synced(
    tmp_path: Path, synced: bool, found: list[tuple[int]]
) -> None:
    path, disk = str(tmp_path / "a.db"), PowerCutDisk(f"small{synced}")
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
