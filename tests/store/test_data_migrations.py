"""What migrations change in rows that were there before."""

import importlib
import json
from typing import Any

import pytest
from msgspec import structs

from koine.engine import credentials, keys
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


async def test_keys_that_were_there_get_their_makers(fresh_db: Database) -> None:
    cast = await make_cast(fresh_db)
    engine, ada = cast.engine, cast.acme.actor("ada")
    manage = frozenset({"manage:tenant"})
    first = await keys.create(engine, ada, "by a user", manage)
    actor = await credentials.by_key(engine, first.text)
    second = await keys.create(engine, actor, "by a key", manage)
    before = await keys.everyone(engine, ada)
    forget = "UPDATE api_keys SET created_by = NULL, created_by_key = NULL"
    await fresh_db.alter_schema(lambda _: forget)
    assert before != await keys.everyone(engine, ada)
    await _run(fresh_db, "0004_makers_of_keys")
    assert before == await keys.everyone(engine, ada)
    makers = {key.id: (key.created_by, key.created_by_key) for key in before}
    assert makers[first.key.id] == (ada.identity_id, None)
    assert makers[second.key.id] == (None, first.key.id)
    assert list(makers.values()).count((None, None)) == 2


async def _plant(tx: Tx, carol: Any, shop: Any) -> None:
    await identities.change(tx, carol)
    await inboxes.change(tx, shop)


async def _run(db: Database, name: str) -> None:
    step = importlib.import_module(f"koine.store.migrations.versions.{name}")
    dialect = "postgresql" if db.kind == "postgres" else db.kind
    await db.alter_schema(lambda _: ";".join(step.statements(dialect)) + ";")
