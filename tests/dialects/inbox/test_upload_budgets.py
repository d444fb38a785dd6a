"""How many bytes of files a contact and an inbox may add in a day, and a tenant may store."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from koine.dialects.inbox import InboxDialect
from koine.engine.conversations import conversations
from koine.model.actor import operator
from koine.store.core.db import Database
from tests.cast import http, make_cast
from tests.dialects.inbox.conftest import ContactClient, InboxClient

KIB = 1024
MakeClient = Callable[..., AbstractAsyncContextManager[InboxClient]]


@pytest.fixture
def make_client(db: Database, tmp_path: Path) -> MakeClient:
    @asynccontextmanager
    async def opened(**budgets: int) -> AsyncIterator[InboxClient]:
        cast = await make_cast(db, data_dir=str(tmp_path), **budgets)  # type: ignore[arg-type]  # settings
        async with http(cast.engine, InboxDialect()) as web:
            yield InboxClient(web, cast)

    return opened


async def upload(contact: ContactClient, size: int, files: int = 1) -> httpx.Response:
    conversation = await contact.create_conversation()
    uploads = [("attachments[]", (f"{n}.bin", b"x" * size)) for n in range(files)]
    return await contact.request(
        "POST", f"/conversations/{conversation['id']}/messages", files=uploads
    )


def on_disk(client: InboxClient) -> int:
    root = Path(client.cast.engine.settings.data_dir) / "files"
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


async def test_a_contact_has_a_budget_for_each_day(make_client: MakeClient) -> None:
    async with make_client(upload_budget_per_contact=10 * KIB) as client:
        assert (await upload(client.carol, 6 * KIB)).status_code == 200
        refused = await upload(client.carol, 6 * KIB)
        assert (refused.status_code, refused.text) == (429, "Retry later")
        assert 0 < int(refused.headers["retry-after"]) <= 24 * 3600
        assert (await upload(client.carol, 2 * KIB, files=3)).status_code == 429
        assert on_disk(client) == 6 * KIB
        assert (await upload(client.carol, 4 * KIB)).status_code == 200
        assert (await upload(client.dave, 6 * KIB)).status_code == 200
        client.cast.clock.advance(int(refused.headers["retry-after"]))
        assert (await upload(client.carol, 10 * KIB)).status_code == 200
        assert (await upload(client.carol, 1)).status_code == 429


async def test_new_contacts_do_not_get_round_the_budget_of_their_inbox(
    make_client: MakeClient,
) -> None:
    async with make_client(upload_budget_per_inbox=10 * KIB) as client:
        taken = [(await upload(await client.new_contact(), 4 * KIB)).status_code for _ in range(4)]
        assert taken == [200, 200, 429, 429]
        assert on_disk(client) == 8 * KIB
        elsewhere = await client.new_contact(await client.new_inbox())
        assert (await upload(elsewhere, 4 * KIB)).status_code == 200


async def test_a_tenant_has_a_budget_for_all_stored_files(make_client: MakeClient) -> None:
    async with make_client(upload_budget_per_tenant=10 * KIB) as client:
        assert (await upload(client.carol, 8 * KIB)).status_code == 200
        client.cast.clock.advance(3 * 24 * 3600)
        assert (await upload(client.dave, 8 * KIB)).status_code == 429
        assert on_disk(client) == 8 * KIB
        operator_actor = operator(client.cast.acme.tenant.id)
        for each in (await client.carol.request("GET", "/conversations")).json():
            await conversations.delete(client.cast.engine, operator_actor, each["uuid"], "over")
        assert on_disk(client) == 0
        assert (await upload(client.dave, 8 * KIB)).status_code == 200


async def test_concurrent_uploads_do_not_exceed_the_budget(make_client: MakeClient) -> None:
    async with make_client(upload_budget_per_contact=10 * KIB) as client:
        made = await client.carol.create_conversation()
        path = f"/conversations/{made['id']}/messages"

        async def send() -> int:
            uploads = {"attachments[]": ("a.bin", b"x" * 4 * KIB)}
            response = await client.carol.request("POST", path, files=uploads)
            return int(response.status_code)

        statuses = sorted(await asyncio.gather(*(send() for _ in range(6))))
        assert statuses == [200, 200, 429, 429, 429, 429]
        assert on_disk(client) == 8 * KIB


async def test_a_budget_of_zero_is_unlimited(make_client: MakeClient) -> None:
    none = dict.fromkeys(
        ["upload_budget_per_contact", "upload_budget_per_inbox", "upload_budget_per_tenant"], 0
    )
    async with make_client(**none) as client:
        for _ in range(3):
            assert (await upload(client.carol, 10 * KIB)).status_code == 200
