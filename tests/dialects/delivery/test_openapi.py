"""The dialect's OpenAPI document, generated from the types of its requests and responses."""

import json

from koine.dialects.delivery import DeliveryDialect
from koine.http.openapi import document


def test_every_call_is_in_the_document() -> None:
    paths = json.loads(json.dumps(document(DeliveryDialect(), "http://t")))["paths"]
    one = "/messaging/conversations/{conversation_id}"
    assert {path: set(item) & {"get", "post", "put"} for path, item in paths.items()} == {
        "/messaging/conversations": {"get", "post"},
        one: {"get"},
        f"{one}/messages": {"get", "post"},
        f"{one}/participants": {"put"},
        f"{one}/read-status": {"put"},
        "/messaging/events": {"get"},
    }


def test_every_call_takes_language_and_tenant_id() -> None:
    paths = document(DeliveryDialect(), "http://t")["paths"]
    calls = [call for item in json.loads(json.dumps(paths)).values() for call in item.values()]
    for call in calls:
        names = {each.get("name") for each in call["parameters"]}
        assert {"tenant_id", "language"} <= names


def test_ids_and_times_have_a_format() -> None:
    schemas = json.loads(json.dumps(document(DeliveryDialect(), "http://t")))["components"][
        "schemas"
    ]
    shown = schemas["MessageItem"]["properties"]
    assert shown["id"] == {"type": "string", "format": "uuid"}
    assert shown["created_at"] == {"type": "string", "format": "date-time"}
    taken = schemas["SendMessage"]["properties"]["parent_message_id"]
    assert {"type": "string", "format": "uuid"} in taken["anyOf"]
