"""A short run of the unread rig on both databases; and four planted faults make it fail."""

from pathlib import Path

import pytest

from chaos import unread
from chaos.rig import RigSettings
from chaos.unread_model import Conversation, ModelMessage, ModelParticipant
from tests.support import databases


async def test_random_steps_on_both_databases_leave_no_drift(settings: RigSettings) -> None:
    figure = await unread.RIG.run(settings)
    assert figure.ok, figure
    assert figure.counts["steps"] == unread.SHORT
    assert figure.counts["views"] > 800


@pytest.mark.parametrize("fault", unread.FAULTS)
async def test_a_planted_fault_makes_it_drift(tmp_path: Path, fault: str) -> None:
    async with databases.sqlite(tmp_path) as db:
        result = await unread.random_walk(db, 1_000, seed=1, tenants=4, fault=fault)
    assert result.drifts


def test_the_model_counts_unread_messages() -> None:
    conversation = Conversation(
        "t", 1, None, None, 0, {"dan": ModelParticipant(), "alice": ModelParticipant()}
    )
    for n, private in enumerate((False, True, False), 1):
        conversation.add(ModelMessage(f"{n}", "…", private, "alice"), n)
    unread = conversation.unread
    assert (unread("dan", False), unread("dan", True), unread("alice", True)) == (2, 3, 0)
    conversation.read("dan", 1, (0, 0))
    conversation.merge("dan", "dave")
    assert (conversation.unread("dave", False), conversation.unread("dan", False)) == (1, 0)
