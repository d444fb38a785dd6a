"""Webhook endpoints: what is deleted with them, and how."""

import pytest

from koine.engine.webhooks import endpoints
from koine.model.errors import NotFound
from koine.store.core.db import Database
from koine.store.webhooks import delivery_log
from tests.webhooks.harness import webhook_harness

FOUR = 4


async def test_deliveries_are_deleted_in_batches_and_others_write_in_between(
    empty_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "BATCH_SIZE", 2)
    async with webhook_harness(empty_db) as harness:
        made, other = await harness.create_endpoint(), await harness.create_endpoint()
        conversation_id = await harness.create_conversation()
        for _ in range(FOUR):
            await harness.send_message(conversation_id)
        await harness.plan_and_send()
        tenant, engine = harness.admin.tenant_id, harness.cast.engine
        assert await engine.db.write(tenant, delivery_log.delete_some, made.endpoint.id, FOUR - 1)
        assert len(await harness.log(made.endpoint)) == 1
        await endpoints.remove(engine, harness.admin, made.endpoint.id)
        with pytest.raises(NotFound):
            await harness.log(made.endpoint)
        assert len(await harness.log(other.endpoint)) == FOUR
