"""People whose every value is a marked text write through every API and are erased: afterwards the
mark is in no byte of the database's files, nor in an upload."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import insert

from koine.engine.auth import api_keys
from koine.engine.personal_data import erasure
from koine.kit import logs
from koine.kit.ids import new_id
from koine.kit.times import MINUTE, SECOND
from koine.model.conversation import Conversation
from koine.store.core.db import Database, Tx
from koine.store.core.statements import Command, param
from koine.store.postgres import PostgresDatabase
from koine.store.sqlite import SqliteDatabase
from koine.store.tables import webhook_attempts, webhook_deliveries
from tests.cast import PASSWORD
from tests.drivers.asgi import Caller
from tests.drivers.cast_app import CastApp, make_cast_app

MARK = "qzcanary7"
_RELATIONS = """
SELECT pg_read_binary_file(pg_relation_filepath(c.oid)) FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'i', 't') AND n.nspname IN ('public', 'pg_toast')
"""
_FILES = f"--x\r\ncontent-disposition: form-data; name=content\r\n\r\n{MARK} file\r\n" + (
    f'--x\r\ncontent-disposition: form-data; name="attachments[]"; filename="{MARK}.txt"\r\n'
    f"content-type: text/plain\r\n\r\n{MARK} bytes\r\n--x--\r\n"
)


@pytest.fixture
async def app(empty_db: Database, tmp_path: Path) -> AsyncIterator[CastApp]:
    # Files of an earlier test with this database may have the mark: begin with none.
    await empty_db.compact()
    yield await make_cast_app(empty_db, data_dir=str(tmp_path))


async def database_bytes(db: Database) -> bytes:
    """The bytes of every file of the database."""
    if isinstance(db, SqliteDatabase):
        return b"".join(file.read_bytes() for file in sorted(db._path.parent.iterdir()))
    assert isinstance(db, PostgresDatabase)
    connection = await asyncpg.connect(db._url)
    try:
        await connection.execute("CHECKPOINT")
        return b"".join([row[0] for row in await connection.fetch(_RELATIONS)])
    finally:
        await connection.close()


async def test_nothing_of_an_erased_person_is_left(app: CastApp, tmp_path: Path) -> None:
    acme, db = app.cast.acme, app.cast.engine.db
    carols = await app.create_conversation("carol", "alice", "cleo", "olaf")
    parcel = await app.open_delivery_conversation()
    await mark_people(app)
    await write_everywhere(app, carols, parcel)
    await db.write(acme.tenant.id, _deliver, carols)
    assert (await database_bytes(db)).count(MARK.encode()) > 40
    uploads = [file for file in (tmp_path / "files").rglob("*") if file.is_file()]
    assert [MARK.encode() in file.read_bytes() for file in uploads] == [True]
    app.cast.clock.advance(11 * MINUTE / SECOND)
    logs.current.set(None)
    for who in ("carol", "cleo", "olaf"):
        done = await erasure.erase(app.cast.engine, acme.actor("ada"), acme.id(who))
        assert done.erasure.messages == "erase"
    await db.compact()
    assert MARK.encode() not in await database_bytes(db)
    stored = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert [file for file in stored if MARK.encode() in file.read_bytes()] == []
    assert [file.name for file in stored] == ["erased.ndjson"]


async def mark_people(app: CastApp) -> None:
    """Every field that can be given of a contact and a user, a login, a session, an API key."""
    acme, ada = app.cast.acme, app.call.with_headers(app.cast.bearer("ada"))
    names = {n: f"{MARK} {n}" for n in ("name", "first_name", "last_name", "phone", "company")}
    names |= {n: f"{MARK} {n}" for n in ("job_title", "location")}
    links = {"avatar_url": f"https://a.test/{MARK}.png"}
    attributes = {"custom_attributes": {MARK: MARK}}
    more = {"identifier": MARK, "country_code": MARK, "additional_attributes": {MARK: MARK}}
    contact = names | links | attributes | more | {"email": f"{MARK}@c.test"}
    await ok(ada, "PATCH", f"/v1/contacts/{acme.id('carol')}", contact)
    user_fields = {n: names[n] for n in ("name", "first_name", "last_name", "phone")} | links
    for who in ("cleo", "olaf"):
        user = user_fields | attributes | {"email": f"{MARK}-{who}@u.test", "password": PASSWORD}
        await ok(ada, "PATCH", f"/v1/users/{acme.id(who)}", user)
        login = {"email": f"{MARK}-{who}@u.test", "password": PASSWORD}
        await ok(app.call, "POST", "/v1/auth/login", login)
        await app.call("POST", "/v1/auth/login", login | {"password": MARK})
    # Dave's client says that it has Carol's e-mail.
    dave = acme.contact_inboxes["dave"].source_id
    path = f"/public/api/v1/inboxes/{acme.inbox.identifier}/contacts/{dave}"
    await ok(app.call, "PATCH", path, {"email": f"{MARK}@c.test"})


async def write_everywhere(app: CastApp, carols: Conversation, parcel: Conversation) -> None:
    """Messages through all five APIs, with files, forms, keys and request ids."""
    acme, cast = app.cast.acme, app.cast
    keyed = {"Idempotency-Key": f"{MARK}-{new_id()}", "X-Request-Id": MARK}
    contact = f"/public/api/v1/inboxes/{acme.inbox.identifier}/contacts"
    mine = f"{contact}/{acme.contact_inboxes['carol'].source_id}"
    carol = app.call.with_headers(keyed)
    at = f"{mine}/conversations/{carols.number}"
    await ok(carol, "PATCH", mine, {"name": f"{MARK} widget", "custom_attributes": {"w": MARK}})
    sent = {"content": f"{MARK} from the widget", "echo_id": f"{MARK} echo"}
    await ok(carol, "POST", f"{at}/messages", sent)
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    await ok(app.call.with_headers(form), "POST", f"{at}/messages", raw=_FILES.encode())
    key = app.call.with_headers({"authorization": acme.key, "X-API-Key": acme.key})
    chat = {"chatId": carols.id, "content": f"{MARK} chat", "role": "user", "chatThreadId": None}
    await ok(key, "POST", "/api/v1/chat-messages", chat | {"externalId": MARK})
    cleo = app.call.with_headers(cast.bearer("cleo") | keyed)
    text = {"content": f"{MARK} delivery", "metadata": {MARK: MARK}}
    await ok(cleo, "POST", f"/messaging/conversations/{parcel.id}/messages", text)
    native = {"content": f"{MARK} native", "client_message_id": MARK, "metadata": {"m": MARK}}
    await ok(cleo, "POST", f"/v1/conversations/{carols.id}/messages", native)
    rights = frozenset({"read:conversations", "write:conversations"})
    ada = cast.acme.actor("ada")
    logs.current.set(None)  # the application ran in this task: its last request is over
    own = await api_keys.create(cast.engine, ada, f"{MARK} key", rights, user_id=acme.id("olaf"))
    olaf = app.call.with_headers({"X-API-Key": own.text} | keyed)
    helpdesk = f"/api/v1/conversations/{carols.id}/messages"
    await ok(olaf, "POST", helpdesk, {"text": f"{MARK} helpdesk"})
    staff = app.call.with_headers(cast.bearer("ada") | keyed)
    change = {"title": f"{MARK} title", "labels": [MARK], "custom_attributes": {MARK: MARK}}
    await ok(staff, "PATCH", f"/v1/conversations/{carols.id}", change | {"metadata": {MARK: 1}})


async def ok(call: Caller, method: str, url: str, body: object = None, **more: Any) -> Any:
    reply = await call(method, url, body, **more)
    assert 200 <= reply.status < 300, (url, reply.status, reply.text)
    return reply.json() if reply.content else None


async def _deliver(tx: Tx, about: Conversation) -> None:
    """Webhooks that were sent about the conversation, and about a person."""
    delivery, attempt = (
        Command(insert(table).values({column.name: param(column.name) for column in table.c}))
        for table in (webhook_deliveries, webhook_attempts)
    )
    for position, conversation_id in ((1 << 40, about.id), ((1 << 40) + 1, None)):
        shared: dict[str, Any] = {"endpoint_id": about.id, "position": position, "error": None}
        await tx.run(
            delivery, **shared, event_id=f"evt_{position}", kind="k", state="succeeded", attempt=1,
            conversation_id=conversation_id, due_at=1, lease_version=1, response_status=200,
            event_at=1, created_at=1, finished_at=1, request_id=MARK,
        )  # fmt: skip
        await tx.run(
            attempt, **shared, number=1, started_at=1, url="https://h.test", headers="{}",
            body=MARK, response_status=200, response_headers=f'{{"x":"{MARK}"}}',
            response_body=MARK, duration_us=1,
        )  # fmt: skip
