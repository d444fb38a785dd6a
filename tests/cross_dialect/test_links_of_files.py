"""A link to a file begins with the base URL of the reader's request, never with the sender's."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from koine.model.conversation import Conversation
from koine.store.core.db import Database, Tx
from koine.store.core.statements import Command, Query, param
from koine.store.tables import messages as t
from tests.dialects.inbox.pictures import PNG
from tests.drivers.asgi import Caller, Reply
from tests.drivers.cast_app import CastApp, make_cast_app
from tests.drivers.registry import DRIVERS

HEAD = b'--x\r\nContent-Disposition: form-data; name="attachments[]"; filename="a..b.png"\r\n\r\n'
LINKED = [name for name in DRIVERS if name != "helpdesk"]
"""All but the helpdesk dialect, whose messages have no links."""
_URL = Query(select(t.c.content_url).where(t.c.tenant_id == param("tenant_id")), str)
_STORE_URL = Command(
    update(t).where(t.c.tenant_id == param("tenant_id")).values(content_url=param("url"))
)


class RecordingCaller(Caller):
    """Keeps the text of all responses."""

    received = ""

    async def __call__(self, *args: Any, **more: Any) -> Reply:
        reply = await super().__call__(*args, **more)
        self.received += reply.text
        return reply


async def uploaded(cast_app: CastApp) -> Conversation:
    """A picture that Carol sent with the Host header evil.test."""
    conversation, acme = await cast_app.create_conversation(), cast_app.cast.acme
    contact = f"{acme.inbox.identifier}/contacts/{acme.contact_inboxes['carol'].source_id}"
    reply = await cast_app.call(
        "POST", f"/public/api/v1/inboxes/{contact}/conversations/{conversation.number}/messages",
        raw=HEAD + PNG + b"\r\n--x--\r\n", host="evil.test",
        content_type="multipart/form-data; boundary=x",
    )  # fmt: skip
    assert reply.status == 200, reply.text
    return conversation


async def read(cast_app: CastApp, name: str, conversation: Conversation) -> str:
    driver = DRIVERS[name](cast_app)
    caller = RecordingCaller(driver.call.app, driver.call.headers | {"host": "reader.test"})
    driver.call = caller
    await driver.read(conversation)
    return caller.received


@pytest.mark.parametrize("name", LINKED)
async def test_a_link_has_the_readers_host(db: Database, tmp_path: Path, name: str) -> None:
    cast_app = await make_cast_app(db, data_dir=str(tmp_path))
    texts = await read(cast_app, name, await uploaded(cast_app))
    assert "http://reader.test/files/" in texts and "evil" not in texts


@pytest.mark.parametrize("name", LINKED)
async def test_a_link_has_the_base_url_of_the_settings(
    db: Database, tmp_path: Path, name: str
) -> None:
    cast_app = await make_cast_app(db, data_dir=str(tmp_path), base_url="https://koine.test/chat")
    texts = await read(cast_app, name, await uploaded(cast_app))
    assert "https://koine.test/chat/files/" in texts
    assert "reader" not in texts and "evil" not in texts


@pytest.mark.parametrize("name", LINKED)
async def test_a_stored_link_with_a_host_is_shown_without_it(
    db: Database, tmp_path: Path, name: str
) -> None:
    cast_app = await make_cast_app(db, data_dir=str(tmp_path))
    conversation = await uploaded(cast_app)

    async def store_with_host(tx: Tx) -> str:
        (path,) = await tx.all(_URL)
        await tx.run(_STORE_URL, url=f"http://evil.test{path}")
        return str(path)

    assert (await db.write(cast_app.cast.acme.tenant.id, store_with_host)).startswith("/files/")
    texts = await read(cast_app, name, conversation)
    assert "http://reader.test/files/" in texts and "evil" not in texts
