"""The exact JSON of responses: golden files, `input` of the engine, `output` as it is sent."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from koine.dialects.delivery.conversations.render import render_conversations
from koine.dialects.delivery.messages.render import render_message
from koine.model.actor import Actor
from koine.model.conversation import Conversation, Participant
from koine.model.message import Message
from koine.model.related import ConversationPage, Related

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))


def rendered(case: dict[str, Any]) -> object:
    """A case's input as the dialect renders it."""
    parts = case["input"]
    if "conversation" not in parts:
        return render_message(msgspec.convert(parts["message"], Message))
    found = msgspec.convert(parts["conversation"], Conversation)
    around = Related(participants={found.id: msgspec.convert(parts["people"], list[Participant])})
    if parts["message"] is not None:
        around.latest[found.id] = msgspec.convert(parts["message"], Message)
    actor = Actor(parts["tenant"], "user", parts["reader"])
    return render_conversations(ConversationPage([found], around), actor, parts["reader"])[0]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    case = json.loads(path.read_text())
    sent = msgspec.json.encode(rendered(case))
    assert sent == msgspec.json.encode(case["output"])


def test_there_are_golden_files() -> None:
    assert len(GOLDEN) >= 6
