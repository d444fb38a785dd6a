"""The exact JSON of responses: golden files, `input` of the engine, `output` as it is sent."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from koine.dialects.chats.chats.render import CHANNEL_TYPES, render_chat, render_details
from koine.dialects.chats.messages.render import render_message
from koine.model import inbox
from koine.model.conversation import Conversation
from koine.model.message import Message
from koine.model.related import Related

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))
WORKSPACE = "018f0000-0000-7000-8000-0000000000ff"


def rendered(case: dict[str, Any]) -> object:
    """A case's input as the dialect renders it."""
    parts = case["input"]
    if "message" in parts:
        return render_message(msgspec.convert(parts["message"], Message), parts["owner"])
    found = msgspec.convert(parts["conversation"], Conversation)
    if parts["as"] == "chat":
        return render_chat(found, WORKSPACE)
    return render_details(found, msgspec.convert(parts["around"], Related), WORKSPACE)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    case = json.loads(path.read_text())
    assert msgspec.json.encode(rendered(case)) == msgspec.json.encode(case["output"])


def test_every_channel_type_has_a_name_here() -> None:
    assert set(CHANNEL_TYPES) == set(inbox.CHANNEL_TYPES)
