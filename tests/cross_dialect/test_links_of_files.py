"""A file's link begins with the server as its reader knows it, never with what its sender said."""

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
from tests.drivers.everyone import DRIVERS
from tests.drivers.world import World, make_world

HEAD = b'--x\r\nContent-Disposition: form-data; name="attachments[]"; filename="a..b.png"\r\n\r\n'
LINKED = [name for name in DRIVERS if name != "helpdesk"]
"""Helpdesk's messages have no links."""
_URL = Query(select(t.c.content_url).where(t.c.tenant_id == param("tenant_id")), str)
_SPOIL = Command(
    update(t).where(t.c.tenant_id == param("tenant_id")).values(content_url=param("url"))
)


class Heard(Caller):
    """Keeps what was answered."""

    said = ""

    async def __call__(self, *args: Any, **more: Any) -> Reply:
        reply = await super().__call__(*args, **more)
        self.said += reply.text
        return reply


async def uploaded(world: World) -> Conversation:
    """A picture that Carol sent, saying that the server is evil.test."""
    talk, acme = await world.talk(), world.cast.acme
    place = f"{acme.inbox.identifier}/contacts/{acme.places['carol'].source_id}"
    reply = await world.call(
        "POST", f"/public/api/v1/inboxes/{place}/conversations/{talk.number}/messages",
        raw=HEAD + PNG + b"\r\n--x--\r\n", host="evil.test",
        content_type="multipart/form-data; boundary=x",
    )  # fmt: skip
    assert reply.status == 200, reply.text
    return talk


async def read(world: World, name: str, talk: Conversation) -> str:
    driver = DRIVERS[name](world)
    heard = Heard(driver.call.app, driver.call.headers | {"host": "reader.test"})
    driver.call = heard
    await driver.read(talk)
    return heard.said


@pytest.mark.parametrize("name", LINKED)
async def test_a_link_is_the_readers_own(db: Database, tmp_path: Path, name: str) -> None:
    world = await make_world(db, data_dir=str(tmp_path))
    said = await read(world, name, await uploaded(world))
    assert "http://reader.test/files/" in said and "evil" not in said


@pytest.mark.parametrize("name", LINKED)
async def test_a_link_is_the_base_urls_where_there_is_one(
    db: Database, tmp_path: Path, name: str
) -> None:
    world = await make_world(db, data_dir=str(tmp_path), base_url="https://koine.test/chat")
    said = await read(world, name, await uploaded(world))
    assert "https://koine.test/chat/files/" in said
    assert "reader" not in said and "evil" not in said


@pytest.mark.parametrize("name", LINKED)
async def test_what_was_stored_with_a_host_is_shown_without(
    db: Database, tmp_path: Path, name: str
) -> None:
    world = await make_world(db, data_dir=str(tmp_path))
    talk = await uploaded(world)

    async def spoil(tx: Tx) -> str:
        (path,) = await tx.all(_URL)
        await tx.run(_SPOIL, url=f"http://evil.test{path}")
        return str(path)

    assert (await db.write(world.cast.acme.tenant.id, spoil)).startswith("/files/")
    said = await read(world, name, talk)
    assert "http://reader.test/files/" in said and "evil" not in said
