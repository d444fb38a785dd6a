"""From claims to letters: what cannot be told of one event holds up no other."""

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

BAD = "a word no voice can say"


class Stammering(NativeWebhookFormat):
    """A voice with a bug: one message is more than it can bear."""

    def payload(
        self, happening: EventContext, tenant: Tenant, kinds: EventNames, reader: Actor
    ) -> Said | None:
        """As the native one, but for that message."""
        if happening.message is not None and happening.message.content == BAD:
            raise KeyError(BAD)
        return super().payload(happening, tenant, kinds, reader)


async def test_an_event_that_cannot_be_told_holds_up_no_other(told: WebhookHarness) -> None:
    told.cast.engine.webhook_formats = {"native": Stammering("http://koine.test")}
    made = await told.hook()
    talk = await told.talk()
    for text in ("one", BAD, "two"):
        await told.say(talk, text)
    await told.tell()
    said = [
        msgspec.json.decode(got.body)["data"]["message"]["content"] for got in told.receiver.got
    ]
    rows = await told.log(made.endpoint)
    assert sorted(said) == ["one", "two"]
    assert [row.state for row in rows] == ["delivered", "cancelled", "delivered"]
    assert rows[1].error == payloads.ENCODING_FAILED


async def test_an_event_that_cannot_be_gathered_holds_up_no_other(
    told: WebhookHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await told.hook()
    talk = await told.talk()
    (_, bad, _) = [await told.say(talk, text) for text in ("one", "bad", "two")]
    gather = event_context.load

    async def broken(tx: Tx, events: list[LoggedEvent], curious: list[str]) -> list[EventContext]:
        if bad.id in {event.subject_id for event in events}:
            raise ValueError("broken row")
        return await gather(tx, events, curious)

    monkeypatch.setattr(contexts, "load", broken)
    await told.tell()
    assert [row.state for row in await told.log(made.endpoint)] == [
        "delivered", "cancelled", "delivered",
    ]  # fmt: skip
