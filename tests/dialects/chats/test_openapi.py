"""The parts of the OpenAPI document that do not follow from the fields of the types."""

from typing import Any, get_args

import msgspec

from koine.dialects.chats import ChatsDialect
from koine.dialects.chats.chats.schemas import ChannelType
from koine.http.openapi import document

DOCUMENT: Any = msgspec.json.decode(msgspec.json.encode(document(ChatsDialect())))


def parameters(path: str) -> Any:
    """The query's parameters by name."""
    return {each["name"]: each for each in DOCUMENT["paths"][path]["get"]["parameters"]}


def test_the_chat_of_a_list_of_messages_is_required() -> None:
    assert parameters("/api/v1/chat-messages")["chatId"]["required"] is True


def test_no_channel_types_is_said_to_be_every_chat() -> None:
    parameter = parameters("/api/v1/chats")["channelTypes"]
    assert "without a channel" in parameter["description"]
    assert set(parameter["schema"]["items"]["enum"]) == set(get_args(ChannelType))


def test_pages_are_whole_numbers_in_range() -> None:
    schema = parameters("/api/v1/chats")["pageSize"]["schema"]
    bounds = {"minimum": 1, "maximum": 100, "multipleOf": 1, "default": 10}
    assert schema == {"type": "number"} | bounds


def test_what_is_nullable_is_required_all_the_same() -> None:
    details = DOCUMENT["components"]["schemas"]["ChatDetails"]
    assert details["required"] == list(details["properties"])
