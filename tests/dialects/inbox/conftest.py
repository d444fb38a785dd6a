"""Clients of the inbox dialect, by default at Acme's website inbox."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import Struct

from koine.dialects.inbox import InboxDialect
from koine.dialects.native import NativeDialect
from koine.engine.contacts import inboxes
from koine.model.actor import operator
from koine.model.inbox import Inbox
from koine.store.core.db import Database
from tests.cast import Cast, http, make_cast

BASE = "/public/api/v1/inboxes"


class ContactClient(Struct):
    """The client of one contact at one inbox."""

    web: httpx.AsyncClient
    cast: Cast
    inbox: Inbox
    source_id: str
    headers: dict[str, str]

    async def request(self, method: str, path: str = "", **options: Any) -> httpx.Response:
        """A request below the contact's path."""
        url = f"{BASE}/{self.inbox.identifier}/contacts/{self.source_id}{path}"
        headers = self.headers | options.pop("headers", {})
        return await self.web.request(method, url, headers=headers, **options)

    async def create_conversation(self, **attributes: object) -> dict[str, Any]:
        """A new conversation."""
        response = await self.request(
            "POST", "/conversations", json={"custom_attributes": attributes}
        )
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def send(self, number: int, text: str) -> dict[str, Any]:
        """A new message."""
        path = f"/conversations/{number}/messages"
        response = await self.request("POST", path, json={"content": text})
        assert response.status_code == 200, response.text
        return dict(response.json())


class InboxClient(Struct):
    """The inbox API of Acme, for any contact."""

    web: httpx.AsyncClient
    cast: Cast

    @property
    def carol(self) -> ContactClient:
        """The client of Carol."""
        return self.contact_client(self.cast.acme.contact_inboxes["carol"].source_id)

    @property
    def dave(self) -> ContactClient:
        """The client of Dave."""
        return self.contact_client(self.cast.acme.contact_inboxes["dave"].source_id)

    def contact_client(self, source_id: str, inbox: Inbox | None = None) -> ContactClient:
        """The client of the contact with this source id."""
        return ContactClient(self.web, self.cast, inbox or self.cast.acme.inbox, source_id, {})

    async def create_contact(self, inbox: Inbox | None = None, **fields: object) -> dict[str, Any]:
        """POST contacts."""
        of = inbox or self.cast.acme.inbox
        response = await self.web.post(f"{BASE}/{of.identifier}/contacts", json=fields)
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def new_contact(self, inbox: Inbox | None = None, **fields: object) -> ContactClient:
        """A new contact."""
        return self.contact_client((await self.create_contact(inbox, **fields))["source_id"], inbox)

    async def verified_contact(
        self, identifier: str, inbox: Inbox | None = None, **fields: object
    ) -> ContactClient:
        """A contact whose client sends its identity hash with each request."""
        shown = self.sign(identifier, inbox)
        contact = await self.new_contact(
            inbox, identifier=identifier, identifier_hash=shown, **fields
        )
        contact.headers["X-Identifier-Hash"] = shown
        return contact

    async def contact_as_staff(self, number: int) -> dict[str, Any]:
        """The contact of this number, as the native API shows it to staff."""
        headers, cursor = self.cast.bearer("ada"), ""
        while True:
            url = f"/v1/contacts?limit=100&cursor={cursor}"
            page = (await self.web.get(url, headers=headers)).json()
            for each in page["data"]:
                if each["number"] == number:
                    return dict(each)
            cursor = page["next_cursor"]
            assert cursor, "no such contact"

    async def trusting_inbox(self) -> Inbox:
        """An inbox that trusts its clients, such as one that only the tenant's server calls."""
        return await self.new_inbox(settings='{"contact_matching":"trusting"}')

    async def new_inbox(self, **fields: Any) -> Inbox:
        """Another inbox of Acme."""
        operator_actor = operator(self.cast.acme.tenant.id)
        new = inboxes.NewInbox(name="Other", **fields)
        return await inboxes.create(self.cast.engine, operator_actor, new)

    def sign(self, identifier: str, inbox: Inbox | None = None) -> str:
        """The identity hash that the tenant's own server makes."""
        return self.cast.identity_hash(identifier, inbox)


@pytest.fixture
async def inbox_client(db: Database, tmp_path: Path) -> AsyncIterator[InboxClient]:
    """The inbox API of Acme, on each database."""
    cast = await make_cast(db, data_dir=str(tmp_path))
    async with http(cast.engine, InboxDialect(), NativeDialect()) as web:
        yield InboxClient(web, cast)
