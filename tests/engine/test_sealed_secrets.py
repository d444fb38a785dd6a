"""What the server's keys have encrypted is counted, and encrypted anew with the newest key."""

import pytest
from msgspec import structs
from sqlalchemy import LargeBinary

from koine.engine import sealed_secrets
from koine.engine.contacts import hmac_tokens
from koine.engine.core.encryption import SealingKeys, SecretCipher, key_id
from koine.engine.core.engine import Engine, open_engine
from koine.engine.core.server_keys import STORED_KEY, load_keys
from koine.engine.sealed_secrets import CLEAR_UNTIL, SealedReport, survey
from koine.engine.webhooks import endpoints
from koine.engine.webhooks.endpoints import NewEndpoint
from koine.kit.ids import new_id
from koine.kit.settings import load
from koine.kit.times import DAY, HOUR, SECOND
from koine.model.webhook import WebhookEndpoint
from koine.store import sealed_secrets as rows
from koine.store import server_values
from koine.store.contacts import inboxes
from koine.store.core.db import Database, Tx
from koine.store.tables import metadata
from koine.store.webhooks import endpoints as endpoint_rows
from koine.webhooks.payloads import decrypt_keys
from tests.cast import Cast, make_cast

A, B = "a" * 32, "b" * 32
NOT_SEALED = {"idempotency_keys.content"}
"""Encrypted with what the caller alone has."""


async def with_keys(cast: Cast, keys: str) -> Engine:
    """The engine of another node, with these keys."""
    settings = load({"KOINE_SECRET_KEY": keys})
    engine = cast.engine
    return await open_engine(engine.db, cast.clock, settings, engine.webhook_formats)


async def create_endpoint(cast: Cast) -> WebhookEndpoint:
    """An endpoint with headers and a rotated secret: three encrypted values."""
    engine, ada = cast.engine, cast.acme.actor("ada")
    new = NewEndpoint(url="https://hooks.example/x", dialect="native", headers={"x-key": "1"})
    made = (await endpoints.create(engine, ada, new)).endpoint
    return (await endpoints.rotate(engine, ada, engine.encryption, made.id)).endpoint


async def endpoint_of(cast: Cast, endpoint_id: str) -> WebhookEndpoint:
    found = await cast.engine.db.read(cast.acme.tenant.id, endpoint_rows.get, endpoint_id)
    assert found is not None
    return found


async def report(engine: Engine, *, thorough: bool = True) -> SealedReport:
    return await survey(engine.db, engine.server_keys, engine.clock.now(), thorough=thorough)


def test_every_column_with_bytes_is_encrypted_anew() -> None:
    listed = {f"{each.table.name}.{name}" for each in rows.SEALED for name in each.columns}
    stored = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert stored - NOT_SEALED == listed


async def test_everything_is_encrypted_with_the_newest_key(empty_db: Database) -> None:
    cast = await make_cast(empty_db)
    before, token = await create_endpoint(cast), cast.hmac_token()
    engine = await with_keys(cast, A)
    stored = cast.engine.server_keys.sealing.ids[0]
    assert (await report(engine)).by_key == {stored: 5}
    done = await sealed_secrets.reseal(engine)
    assert (done.resealed, done.unopened, done.stored_key_removed) == (5, 0, True)
    assert (await report(engine)).by_key == {key_id(A): 5}
    only = await with_keys(cast, A)
    assert only.server_keys.secrets == (A,)
    after, now = await endpoint_of(cast, before.id), cast.clock.now()
    assert decrypt_keys(only, after, now) == decrypt_keys(cast.engine, before, now)
    found = await empty_db.read(cast.acme.tenant.id, inboxes.get, cast.acme.inbox.id)
    assert found is not None and hmac_tokens.newest_token(only.encryption, found) == token
    assert structs.replace(after, secret=b"", old_secret=b"", headers=b"") == structs.replace(
        before, secret=b"", old_secret=b"", headers=b""
    )


async def test_a_rotation_is_continued_and_repeated(empty_db: Database) -> None:
    cast = await make_cast(empty_db, secret_key=A)
    made = [await create_endpoint(cast) for _ in range(3)]
    engine, seen = await with_keys(cast, f"{B},{A}"), 0

    def stop(count: int) -> None:
        nonlocal seen
        seen += count
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await sealed_secrets.reseal(engine, stop)
    assert seen == len(made)
    assert (await report(engine)).by_key == {key_id(A): 2, key_id(B): 9}
    assert (await sealed_secrets.reseal(engine)).resealed == 2
    again = await sealed_secrets.reseal(engine)
    assert (again.resealed, again.stored_key_removed) == (0, False)


async def test_values_of_the_version_before_are_encrypted_anew(empty_db: Database) -> None:
    cast = await make_cast(empty_db, secret_key=A)
    endpoint = await create_endpoint(cast)
    old = SecretCipher(A).encrypt(cast.engine.encryption.decrypt(endpoint.secret))
    planted = structs.replace(endpoint, secret=old)
    await empty_db.write(cast.acme.tenant.id, endpoint_rows.change, planted)
    secrets = decrypt_keys(cast.engine, planted, cast.clock.now()).secrets
    assert (await sealed_secrets.reseal(cast.engine)).resealed == 1
    after = await endpoint_of(cast, endpoint.id)
    assert cast.engine.encryption.is_newest(after.secret)
    assert decrypt_keys(cast.engine, after, cast.clock.now()).secrets == secrets


async def test_what_no_key_opens_is_listed_and_left(empty_db: Database) -> None:
    cast = await make_cast(empty_db, secret_key=A)
    endpoint = await create_endpoint(cast)
    engine = await with_keys(cast, B)
    for thorough in (True, False):
        found = await report(engine, thorough=thorough)
        assert (found.unopened_values, found.unopened_rows, found.by_key) == (5, 3, {})
    listed = {(each.tenant, each.kind, each.id): each for each in found.unopened}
    webhook = listed[cast.acme.tenant.slug, "webhook", endpoint.id]
    assert webhook.values == ["secret", "old_secret", "headers"] and webhook.keys == [key_id(A)]
    assert (cast.rival.tenant.slug, "inbox", cast.rival.inbox.id) in listed
    assert (await sealed_secrets.reseal(engine)).unopened == 5
    assert await endpoint_of(cast, endpoint.id) == endpoint


async def test_expired_secrets_are_dropped(empty_db: Database) -> None:
    cast = await make_cast(empty_db, secret_key=A)
    endpoint = await create_endpoint(cast)
    await hmac_tokens.rotate(
        cast.engine, cast.acme.actor("ada"), cast.engine.encryption, cast.acme.inbox.id
    )
    cast.clock.advance(24 * HOUR // SECOND)
    engine = await with_keys(cast, f"{B},{A}")
    assert sum((await report(engine)).by_key.values()) == 4
    assert (await sealed_secrets.reseal(engine)).dropped == 2
    assert (await endpoint_of(cast, endpoint.id)).old_secret is None


async def test_a_secret_that_is_changed_meanwhile_is_not_overwritten(empty_db: Database) -> None:
    cast = await make_cast(empty_db, secret_key=A)
    endpoint = await create_endpoint(cast)
    engine, ada = await with_keys(cast, f"{B},{A}"), cast.acme.actor("ada")
    made = await endpoints.rotate(cast.engine, ada, cast.engine.encryption, endpoint.id)
    await sealed_secrets.reseal(engine)
    after = await endpoint_of(cast, endpoint.id)
    assert decrypt_keys(engine, after, cast.clock.now()).secrets[0] == made.secret


async def test_tokens_in_clear_text_are_encrypted_when_no_older_node_needs_them(
    empty_db: Database,
) -> None:
    cast = await make_cast(empty_db, secret_key=A)
    acme, engine = cast.acme, cast.engine
    clear = structs.replace(acme.inbox, hmac_token="in clear text", sealed_hmac_token=None)
    await empty_db.write(acme.tenant.id, inboxes.change, clear)
    until = cast.clock.now() + DAY
    await empty_db.write("", server_values.put, CLEAR_UNTIL, str(until))
    assert (await report(engine)).clear == 1
    assert await sealed_secrets.seal_clear_tokens(engine) == 0
    cast.clock.advance(DAY // SECOND)
    assert await sealed_secrets.seal_clear_tokens(engine) == 1
    assert await sealed_secrets.seal_clear_tokens(engine) == 0
    found = await empty_db.read(acme.tenant.id, inboxes.get, acme.inbox.id)
    assert found is not None and found.hmac_token != "in clear text"
    assert hmac_tokens.newest_token(engine.encryption, found) == "in clear text"
    assert (await report(engine)).clear == 0


async def test_a_rotation_encrypts_tokens_in_clear_text_at_once(empty_db: Database) -> None:
    cast = await make_cast(empty_db, secret_key=A)
    clear = structs.replace(cast.acme.inbox, hmac_token="clear", sealed_hmac_token=None)
    await empty_db.write(cast.acme.tenant.id, inboxes.change, clear)
    await empty_db.write("", server_values.put, CLEAR_UNTIL, str(cast.clock.now() + DAY))
    assert (await sealed_secrets.reseal(cast.engine)).sealed == 1


async def test_the_stored_key_stays_while_it_is_the_newest(empty_db: Database) -> None:
    cast = await make_cast(empty_db)
    engine = await with_keys(cast, f"database,{A}")
    assert not (await sealed_secrets.reseal(engine)).stored_key_removed
    assert await empty_db.read("", server_values.get, STORED_KEY) is not None
    keys = await load_keys(empty_db, load({}))
    assert keys is not None and keys.secrets == cast.engine.server_keys.secrets


async def test_every_page_is_read(empty_db: Database) -> None:
    cast = await make_cast(empty_db, secret_key=A)
    count = 2 * rows.BATCH + 1

    async def fill(tx: Tx) -> None:
        for number in range(10, count + 8):
            one = structs.replace(cast.acme.inbox, id=new_id(), number=number, identifier=new_id())
            await inboxes.insert_one(tx, one)

    await empty_db.write(cast.acme.tenant.id, fill)
    assert await sealed_secrets.count_rows(empty_db) == count
    pages: list[int] = []
    engine = await with_keys(cast, f"{B},{A}")
    assert (await sealed_secrets.reseal(engine, pages.append)).resealed == count
    assert pages == [0, rows.BATCH, rows.BATCH, 1]
    assert (await report(engine, thorough=False)).by_key == {key_id(B): count}


def test_another_key_is_another_identifier() -> None:
    assert SealingKeys([A, B]).ids == (key_id(A), key_id(B))
    assert len({key_id(A), key_id(B)}) == 2 and len(key_id(A)) == 8
