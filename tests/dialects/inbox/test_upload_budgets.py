"""How much may be uploaded: in a day by a contact and through an inbox, in all by a tenant."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from koine.dialects.inbox import InboxDialect
from koine.engine.conversations import conversations
from koine.model.actor import operator
from koine.store.core.db import Database
from tests.cast import http, make_cast
from tests.dialects.inbox.conftest import ContactClient, InboxClient

KIB = 1024
Doors = Callable[..., Any]


@pytest.fixture
def doors(db: Database, tmp_path: Path) -> Doors:
    @asynccontextmanager
    async def opened(**budgets: int) -> AsyncIterator[InboxClient]:
        cast = await make_cast(db, data_dir=str(tmp_path), **budgets)  # type: ignore[arg-type]  # settings
        async with http(cast.engine, InboxDialect()) as web:
            yield InboxClient(web, cast)

    return opened


async def upload(guest: ContactClient, size: int, files: int = 1) -> httpx.Response:
    made = await guest.open()
    given = [("attachments[]", (f"{n}.bin", b"x" * size)) for n in range(files)]
    return await guest.call("POST", f"/conversations/{made['id']}/messages", files=given)


def on_disk(door: InboxClient) -> int:
    root = Path(door.cast.engine.settings.data_dir) / "files"
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


async def test_a_contact_has_a_budget_for_each_day(doors: Doors) -> None:
    async with doors(upload_budget_per_contact=10 * KIB) as door:
        assert (await upload(door.carol, 6 * KIB)).status_code == 200
        refused = await upload(door.carol, 6 * KIB)
        assert (refused.status_code, refused.text) == (429, "Retry later")
        assert 0 < int(refused.headers["retry-after"]) <= 24 * 3600
        assert (await upload(door.carol, 2 * KIB, files=3)).status_code == 429
        assert on_disk(door) == 6 * KIB
        assert (await upload(door.carol, 4 * KIB)).status_code == 200
        assert (await upload(door.dave, 6 * KIB)).status_code == 200
        door.cast.clock.advance(int(refused.headers["retry-after"]))
        assert (await upload(door.carol, 10 * KIB)).status_code == 200
        assert (await upload(door.carol, 1)).status_code == 429


async def test_new_contacts_do_not_get_round_the_budget_of_their_inbox(doors: Doors) -> None:
    async with doors(upload_budget_per_inbox=10 * KIB) as door:
        taken = [(await upload(await door.newcomer(), 4 * KIB)).status_code for _ in range(4)]
        assert taken == [200, 200, 429, 429]
        assert on_disk(door) == 8 * KIB
        elsewhere = await door.newcomer(await door.inbox())
        assert (await upload(elsewhere, 4 * KIB)).status_code == 200


async def test_a_tenant_has_a_budget_for_all_that_is_stored(doors: Doors) -> None:
    async with doors(upload_budget_per_tenant=10 * KIB) as door:
        assert (await upload(door.carol, 8 * KIB)).status_code == 200
        door.cast.clock.advance(3 * 24 * 3600)
        assert (await upload(door.dave, 8 * KIB)).status_code == 429
        assert on_disk(door) == 8 * KIB
        boss = operator(door.cast.acme.tenant.id)
        for each in (await door.carol.call("GET", "/conversations")).json():
            await conversations.delete(door.cast.engine, boss, each["uuid"], "over")
        assert on_disk(door) == 0
        assert (await upload(door.dave, 8 * KIB)).status_code == 200


async def test_at_once_no_more_is_taken_than_one_after_the_other(doors: Doors) -> None:
    async with doors(upload_budget_per_contact=10 * KIB) as door:
        made = await door.carol.open()
        path = f"/conversations/{made['id']}/messages"

        async def send() -> int:
            given = {"attachments[]": ("a.bin", b"x" * 4 * KIB)}
            answer = await door.carol.call("POST", path, files=given)
            return int(answer.status_code)

        statuses = sorted(await asyncio.gather(*(send() for _ in range(6))))
        assert statuses == [200, 200, 429, 429, 429, 429]
        assert on_disk(door) == 8 * KIB


async def test_without_budgets_nobody_counts(doors: Doors) -> None:
    none = dict.fromkeys(
        ["upload_budget_per_contact", "upload_budget_per_inbox", "upload_budget_per_tenant"], 0
    )
    async with doors(**none) as door:
        for _ in range(3):
            assert (await upload(door.carol, 10 * KIB)).status_code == 200
