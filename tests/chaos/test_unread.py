"""The unread rig for a moment on both databases, and four bugs it must find."""

from pathlib import Path

import pytest

from chaos import unread
from chaos.rig import RigSettings
from chaos.unread_model import Conversation, ModelMessage, ModelParticipant
from tests.support import databases


async def test_random_steps_on_both_databases_leave_no_drift(tmp_path: Path) -> None:
    figure = await unread.RIG.run(RigSettings(folder=tmp_path, n=2_400, short=True))
    assert figure.ok, figure
    assert figure.counts["steps"] == 2_400
    assert figure.counts["looks"] > 800


@pytest.mark.parametrize("plant", unread.PLANTS)
async def test_a_bug_makes_it_drift(tmp_path: Path, plant: str) -> None:
    async with databases.sqlite(tmp_path) as db:
        tally = await unread.random_walk(db, 1_000, seed=1, houses=4, plant=plant)
    assert tally.drifts


def test_the_model_counts_what_was_not_read() -> None:
    conversation = Conversation(
        "t", 1, None, None, 0, {"dan": ModelParticipant(), "alice": ModelParticipant()}
    )
    for n, private in enumerate((False, True, False), 1):
        conversation.say(ModelMessage(f"{n}", "…", private, "alice"), n)
    unread = conversation.unread
    assert (unread("dan", False), unread("dan", True), unread("alice", True)) == (2, 3, 0)
    conversation.read("dan", 1, (0, 0))
    conversation.merge("dan", "dave")
    assert (conversation.unread("dave", False), conversation.unread("dan", False)) == (1, 0)
