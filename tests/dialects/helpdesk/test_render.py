"""The exact JSON of responses: golden files, `input` of the engine, `output` as it is sent."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from koine.dialects.helpdesk.conversations.render import render_conversation
from koine.dialects.helpdesk.directory.render import CHANNELS
from koine.dialects.helpdesk.messages.render import render_message
from koine.model.conversation import Conversation
from koine.model.identity import Identity
from koine.model.message import Message

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))


def rendered(case: dict[str, Any]) -> object:
    """A case's input as the dialect renders it."""
    parts = case["input"]
    if "message" in parts:
        return render_message(msgspec.convert(parts["message"], Message))
    people = msgspec.convert(parts["people"], list[Identity])
    found = msgspec.convert(parts["conversation"], Conversation)
    return render_conversation(found, {each.id: each for each in people})


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    case = json.loads(path.read_text())
    sent = msgspec.json.encode(rendered(case))
    assert sent == msgspec.json.encode(case["output"])


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (None, "chat"), ("widget", "chat"), ("api", "chat"), ("instagram", "chat"),
        ("waha", "whatsapp"), ("whatsapp", "whatsapp"), ("email", "email"), ("phone", "phone"),
    ],
)  # fmt: skip
def test_channels_of_other_dialects_map(theirs: str | None, ours: str) -> None:
    assert CHANNELS[theirs] == ours
