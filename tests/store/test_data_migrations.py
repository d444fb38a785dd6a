"""How migrations change existing rows."""

import importlib
import json
from typing import Any

import pytest
from msgspec import structs

from koine.engine.auth import api_keys, credentials
from koine.engine.contacts import merge
from koine.engine.contacts.rights import is_proven
from koine.engine.conversations import conversations
from koine.engine.sealed_secrets import CLEAR_UNTIL
from koine.kit.clock import SystemClock
from koine.kit.times import DAY, MINUTE
from koine.model.conversation import NewConversation
from koine.store import server_values
from koine.store.contacts import inboxes
from koine.store.core.db import Database, Tx
from koine.store.events import reader_events
from koine.store.people import identities
from tests.cast import make_cast

KEPT = ["HTTPS://a.test/a.png", "http://a.test/a.png", "/files/key/a.png"]
DROPPED = ["javascript:alert(1)", "JavaScript:x", "data:text/html,http://a.test", "vbscript:x"]


@pytest.mark.parametrize("link", [*KEPT, *DROPPED])
async def test_pictures_that_are_no_links_are_deleted(fresh_db: Database, link: str) -> None:
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


async def test_existing_keys_get_their_creators(fresh_db: Database) -> None:
    cast = await make_cast(fresh_db)
    engine, ada = cast.engine, cast.acme.actor("ada")
    manage = frozenset({"manage:tenant"})
    first = await api_keys.create(engine, ada, "by a user", manage)
    actor = await credentials.by_key(engine, first.text)
    second = await api_keys.create(engine, actor, "by a key", manage)
    before = await api_keys.list_all(engine, ada)
    forget = "UPDATE api_keys SET created_by = NULL, created_by_key = NULL"
    await fresh_db.alter_schema(lambda _: forget)
    assert before != await api_keys.list_all(engine, ada)
    await _run(fresh_db, "0004_makers_of_keys")
    assert before == await api_keys.list_all(engine, ada)
    makers = {key.id: (key.created_by, key.created_by_key) for key in before}
    assert makers[first.key.id] == (ada.identity_id, None)
    assert makers[second.key.id] == (None, first.key.id)
    assert list(makers.values()).count((None, None)) == 2


async def test_participants_named_in_events_are_found(fresh_db: Database) -> None:
    cast = await make_cast(fresh_db)
    ada, cleo = cast.acme.actor("ada"), cast.acme.id("cleo")
    new = NewConversation(participants=((cleo, "member"),))
    conversation = await conversations.create(cast.engine, ada, new)
    await conversations.delete(cast.engine, ada, conversation.id, None)
    assert await fresh_db.read(ada.tenant_id, reader_events.member_of, cleo) == [conversation.id]
    await fresh_db.alter_schema(lambda _: "DELETE FROM event_members")
    assert await fresh_db.read(ada.tenant_id, reader_events.member_of, cleo) == []
    await _run(fresh_db, "0008_events_by_reader")
    assert await fresh_db.read(ada.tenant_id, reader_events.member_of, cleo) == [conversation.id]
    assert await fresh_db.read(cast.rival.tenant.id, reader_events.member_of, cleo) == []


async def test_existing_contact_inboxes_are_unverified_until_they_send_their_hash(
    fresh_db: Database,
) -> None:
    cast = await make_cast(fresh_db)
    acme = cast.acme
    at, own = acme.people["carol"].created_at, "f00dfeed-0000-4000-8000-000000000001"
    # Carol's contact inboxes: her own, an old one of the tenant's, and one that somebody else made.
    places = [
        structs.replace(acme.contact_inboxes["carol"], source_id=source_id, pubsub_token=source_id,
                        created_at=created_at, proof_required=proof, origin="joined", given=None)
        for source_id, created_at, proof in (
            (own, at, True),
            ("0193454a-0000-7000-8000-000000000007", at, False),
            ("unknown", at + 1, True),
        )
    ]  # fmt: skip
    await fresh_db.write(acme.tenant.id, _add_places, places)
    await _run(fresh_db, "0009_proof_of_identity")
    found = await fresh_db.read(acme.tenant.id, inboxes.contact_inboxes_of, [acme.id("carol")])
    origins = {each.source_id: (each.origin, each.given) for each in found}
    assert [origins[each.source_id] for each in places] == [
        ("contact", None), ("tenant", "{}"), ("joined", "{}"),
    ]  # fmt: skip
    carol = await fresh_db.read(acme.tenant.id, identities.get, acme.id("carol"))
    dave = await fresh_db.read(acme.tenant.id, identities.get, acme.id("dave"))
    assert carol is not None and dave is not None
    assert (carol.email_verified, carol.identifier_verified) == (False, True)
    assert dave.email_verified
    assert not any(is_proven(place, carol) for place in found)


async def test_tokens_in_clear_text_wait_a_day_where_older_nodes_may_serve(
    fresh_db: Database,
) -> None:
    step = importlib.import_module("koine.store.migrations.versions.0016_sealed_hmac_tokens")
    assert await fresh_db.read("", server_values.get, CLEAR_UNTIL) is None
    if fresh_db.kind == "sqlite":
        return
    await fresh_db.alter_schema(lambda _: step.A_DAY_LATER)
    assert await fresh_db.read("", server_values.get, CLEAR_UNTIL) is None
    await make_cast(fresh_db)
    await fresh_db.alter_schema(lambda _: step.A_DAY_LATER)
    until = await fresh_db.read("", server_values.get, CLEAR_UNTIL)
    assert abs(int(until or 0) - SystemClock().now() - DAY) < 10 * MINUTE


async def test_merges_so_far_are_found_in_the_audit_log(fresh_db: Database) -> None:
    cast = await make_cast(fresh_db)
    ada, carol, dave = cast.acme.actor("ada"), cast.acme.id("carol"), cast.acme.id("dave")
    await merge.merge(cast.engine, ada, carol, dave)
    await fresh_db.alter_schema(lambda _: "UPDATE identities SET merged_into = NULL")
    await _run(fresh_db, "0018_erasures")
    people = await fresh_db.read(ada.tenant_id, identities.get_by_ids, [carol, dave])
    assert (people[carol].merged_into, people[dave].merged_into) == (None, carol)


async def _add_places(tx: Tx, places: list[Any]) -> None:
    for place in places:
        await inboxes.insert_contact_inbox(tx, place)


async def _plant(tx: Tx, carol: Any, shop: Any) -> None:
    await identities.change(tx, carol)
    await inboxes.change(tx, shop)


async def _run(db: Database, name: str) -> None:
    step = importlib.import_module(f"koine.store.migrations.versions.{name}")
    dialect = "postgresql" if db.kind == "postgres" else db.kind
    await db.alter_schema(lambda _: ";".join(step.statements(dialect)) + ";")
