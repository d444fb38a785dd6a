"""Webhooks of an imported tenant: no delivery is made by both servers, and none is lost."""

from pathlib import Path

import msgspec

from koine.engine.archive.exporting import ExportOptions, export_tenant
from koine.engine.archive.import_plan import ImportOptions
from koine.engine.archive.importing import import_tenant
from koine.event_log.log_reader import LogState
from koine.store.core.db import Database
from koine.store.events import events
from koine.webhooks import WebhookService
from tests.engine.archive.archived import other_server
from tests.webhooks.harness import WebhookHarness, webhook_harness

PLAIN = ExportOptions(with_secrets=True)


async def moved(
    harness: WebhookHarness, db: Database, tmp_path: Path, *, resume: bool
) -> WebhookService:
    """The webhooks of the other server, after a delivery, one that is due, and an event that is not
    even planned."""
    conversation = await harness.create_conversation()
    await harness.create_endpoint()
    await harness.send_message(conversation, "delivered")
    await harness.plan_and_send()
    await harness.send_message(conversation, "planned")
    await harness.plan()
    await harness.send_message(conversation, "neither")
    path = tmp_path / "a.koine"
    await export_tenant(harness.cast.engine, harness.admin, path, PLAIN)
    given = {"outbound_allow": "127.0.0.1", "base_url": "http://koine.test"}
    there = await other_server(db, tmp_path / "there", **given)
    await import_tenant(there, path, ImportOptions(resume_webhooks=resume))
    service = WebhookService(there)
    look = await db.read("", events.log_snapshot)
    await service.planner.log_advanced(LogState("", look.last))
    await service.planner.advance()
    while await service.dispatcher.dispatch_once():
        await service.dispatcher.idle()
    await service.dispatcher.idle()
    await there.outbound.close()
    return service


async def test_imported_endpoints_wait(db: Database, empty_db: Database, tmp_path: Path) -> None:
    async with webhook_harness(db) as harness:
        await moved(harness, empty_db, tmp_path, resume=False)
        assert harness.receiver.count == 1


async def test_resumed_endpoints_send_what_the_other_server_did_not(
    db: Database, empty_db: Database, tmp_path: Path
) -> None:
    async with webhook_harness(db) as harness:
        await moved(harness, empty_db, tmp_path, resume=True)
        bodies = [msgspec.json.decode(request.body) for request in harness.receiver.requests]
        found = [body["data"]["message"]["content"] for body in bodies]
        assert sorted(found) == ["delivered", "neither", "planned"]
