"""An event whose payload cannot be built does not delay others."""

import msgspec
import pytest

from koine.dialects.native.webhooks.format import NativeWebhookFormat
from koine.engine.events import event_context
from koine.event_log import contexts
from koine.model.actor import Actor
from koine.model.event import LoggedEvent
from koine.model.event_context import EventContext
from koine.model.tenant import Tenant
from koine.model.webhook import WebhookPayload as Said
from koine.model.webhook_format import EventNames
from koine.store.core.db import Tx
from koine.webhooks import payloads
from tests.webhooks.harness import WebhookHarness

BAD = "a text that no format can encode"


class FailingFormat(NativeWebhookFormat):
    """A format that raises for one message."""

    def payload(
        self, context: EventContext, tenant: Tenant, kinds: EventNames, reader: Actor
    ) -> Said | None:
        """The native payload, except for that message."""
        if context.message is not None and context.message.content == BAD:
            raise KeyError(BAD)
        return super().payload(context, tenant, kinds, reader)


async def test_an_event_that_cannot_be_encoded_delays_no_other(harness: WebhookHarness) -> None:
    harness.cast.engine.webhook_formats = {"native": FailingFormat("http://koine.test")}
    made = await harness.create_endpoint()
    conversation = await harness.create_conversation()
    for text in ("one", BAD, "two"):
        await harness.send_message(conversation, text)
    await harness.plan_and_send()
    said = [
        msgspec.json.decode(got.body)["data"]["message"]["content"]
        for got in harness.receiver.requests
    ]
    rows = await harness.log(made.endpoint)
    assert sorted(said) == ["one", "two"]
    assert [row.state for row in rows] == ["delivered", "cancelled", "delivered"]
    assert rows[1].error == payloads.ENCODING_FAILED


async def test_an_event_that_cannot_be_loaded_delays_no_other(
    harness: WebhookHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await harness.create_endpoint()
    conversation = await harness.create_conversation()
    (_, bad, _) = [await harness.send_message(conversation, text) for text in ("one", "bad", "two")]
    load = event_context.load

    async def broken(
        tx: Tx, events: list[LoggedEvent], shared_only: list[str]
    ) -> list[EventContext]:
        if bad.id in {event.subject_id for event in events}:
            raise ValueError("broken row")
        return await load(tx, events, shared_only)

    monkeypatch.setattr(contexts, "load", broken)
    await harness.plan_and_send()
    assert [row.state for row in await harness.log(made.endpoint)] == [
        "delivered", "cancelled", "delivered",
    ]  # fmt: skip
