"""The OpenAPI document of the helpdesk dialect."""

from typing import Any

import msgspec
import pytest

from koine.dialects.helpdesk import HelpdeskDialect
from koine.http.openapi import document

DOCUMENT: Any = msgspec.json.decode(msgspec.json.encode(document(HelpdeskDialect())))
SCHEMAS = DOCUMENT["components"]["schemas"]
RESPONSES = [
    "Conversations",
    "OneConversation",
    "Conversation",
    "Message",
    "Deleted",
    "Health",
    "Error",
]


@pytest.mark.parametrize("name", RESPONSES)
def test_every_field_of_a_response_is_required(name: str) -> None:
    assert SCHEMAS[name]["required"] == list(SCHEMAS[name]["properties"])


def test_subject_and_inbox_alone_are_required_and_the_rest_has_defaults() -> None:
    new = SCHEMAS["CreateConversation"]
    assert new["required"] == ["subject", "inboxId"]
    assert new["properties"]["channel"]["default"] == "email"
    assert new["properties"]["priority"]["default"] == "medium"
