"""What the document of the inbox dialect promises."""

from typing import Any

import msgspec

from koine.dialects.inbox import InboxDialect
from koine.http.openapi import document

CONTACTS = "/public/api/v1/inboxes/{inbox}/contacts"


def made() -> Any:
    return msgspec.json.decode(msgspec.json.encode(document(InboxDialect(), "https://a.test")))


def test_attributes_of_a_form_travel_as_names_in_brackets() -> None:
    body = made()["paths"][CONTACTS]["post"]["requestBody"]["content"]
    form = body["application/x-www-form-urlencoded"]
    assert form["encoding"] == {"custom_attributes": {"style": "deepObject", "explode": True}}


def test_the_identity_hash_is_told_of() -> None:
    assert "X-Identifier-Hash" in made()["info"]["description"]
