"""A few strangers, and a server that waits for ever, which the rig must find out."""

from pathlib import Path

from rigs.servers import Home
from rigs.strangers import GROWN_BYTES, harass


async def test_strangers_are_sent_away_and_others_hardly_notice(tmp_path: Path) -> None:
    seen = await harass(Home(tmp_path), 12)
    assert not seen.left and seen.grown <= GROWN_BYTES, seen
    assert seen.answers and seen.sent and seen.p99_s < 2, seen


async def test_planted_a_server_that_waits_for_ever_keeps_them(tmp_path: Path) -> None:
    seen = await harass(Home(tmp_path), 6, sabotage="no_deadlines")
    assert seen.left >= 12, seen
