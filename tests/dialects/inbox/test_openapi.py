"""The OpenAPI document of the inbox dialect."""

from typing import Any

import msgspec

from koine.dialects.inbox import InboxDialect
from koine.http.openapi import document

CONTACTS = "/public/api/v1/inboxes/{inbox}/contacts"


def made() -> Any:
    return msgspec.json.decode(msgspec.json.encode(document(InboxDialect(), "https://a.test")))


def test_attributes_in_a_form_are_names_in_brackets() -> None:
    body = made()["paths"][CONTACTS]["post"]["requestBody"]["content"]
    form = body["application/x-www-form-urlencoded"]
    assert form["encoding"] == {"custom_attributes": {"style": "deepObject", "explode": True}}


def test_the_identity_hash_is_documented() -> None:
    assert "X-Identifier-Hash" in made()["info"]["description"]
