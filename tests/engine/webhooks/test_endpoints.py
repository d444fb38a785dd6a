"""Endpoints of webhooks: what is taken away with them, and how."""

import pytest

from koine.engine.webhooks import endpoints
from koine.model.errors import NotFound
from koine.store.core.db import Database
from koine.store.webhooks import delivery_log
from tests.webhooks.harness import webhook_harness

FOUR = 4


async def test_a_log_is_forgotten_in_pieces_and_others_write_in_between(
    fresh_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "BATCH_SIZE", 2)
    async with webhook_harness(fresh_db) as told:
        made, other = await told.create_endpoint(), await told.create_endpoint()
        talk = await told.create_conversation()
        for _ in range(FOUR):
            await told.send_message(talk)
        await told.plan_and_send()
        tenant, engine = told.admin.tenant_id, told.cast.engine
        assert await engine.db.write(tenant, delivery_log.forget_some, made.endpoint.id, FOUR - 1)
        assert len(await told.log(made.endpoint)) == 1
        await endpoints.remove(engine, told.admin, made.endpoint.id)
        with pytest.raises(NotFound):
            await told.log(made.endpoint)
        assert len(await told.log(other.endpoint)) == FOUR
