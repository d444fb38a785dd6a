"""What migrations change in rows that were there before."""

import importlib
import json
from typing import Any

import pytest
from msgspec import structs

from koine.store import identities, inboxes
from koine.store.db import Database, Tx
from tests.cast import make_cast

KEPT = ["HTTPS://a.test/a.png", "http://a.test/a.png", "/files/key/a.png"]
DROPPED = ["javascript:alert(1)", "JavaScript:x", "data:text/html,http://a.test", "vbscript:x"]


@pytest.mark.parametrize("link", [*KEPT, *DROPPED])
async def test_pictures_that_are_no_links_are_gone(fresh_db: Database, link: str) -> None:
    cast = await make_cast(fresh_db)
    acme = cast.acme
    carol = structs.replace(acme.people["carol"], avatar_url=link)
    settings = f'{{"locale":"pt","avatar_url":"{link}"}}'
    shop = structs.replace(acme.inbox, settings=settings)
    await fresh_db.write(acme.tenant.id, _plant, carol, shop)
    await _run(fresh_db, "0005_pictures")
    person = await fresh_db.read(acme.tenant.id, identities.get, carol.id)
    inbox = await fresh_db.read(acme.tenant.id, inboxes.get, shop.id)
    assert person is not None and inbox is not None
    assert person.avatar_url == (link if link in KEPT else None)
    wanted = {"locale": "pt"} | ({"avatar_url": link} if link in KEPT else {})
    assert json.loads(inbox.settings) == wanted


async def _plant(tx: Tx, carol: Any, shop: Any) -> None:
    await identities.change(tx, carol)
    await inboxes.change(tx, shop)


async def _run(db: Database, name: str) -> None:
    step = importlib.import_module(f"koine.store.migrations.versions.{name}")
    dialect = "postgresql" if db.kind == "postgres" else db.kind
    await db.alter_schema(lambda _: ";".join(step.statements(dialect)) + ";")
