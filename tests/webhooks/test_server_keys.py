"""What of an endpoint the server's keys open: after a rotation everything, after a loss what is set
again."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from koine.engine.core.encryption import SealingKeys
from koine.engine.webhooks import endpoint_changes, endpoints
from koine.engine.webhooks.endpoint_changes import EndpointChanges
from koine.kit import webhook_signature
from koine.kit.times import unix
from koine.webhooks import ping
from koine.webhooks.payloads import HEADERS_UNREADABLE, SECRET_UNREADABLE
from tests.support.webhook_receiver import ReceivedRequest
from tests.webhooks.harness import WebhookHarness

CONSUMER = Path(__file__).parents[2] / "docs" / "examples" / "webhook_consumer.py"
A, B = "a" * 32, "b" * 32


@pytest.fixture(scope="module")
def consumer() -> ModuleType:
    """The documented receiver."""
    spec = importlib.util.spec_from_file_location("webhook_consumer", CONSUMER)
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def use_keys(harness: WebhookHarness, *keys: str) -> None:
    """Give the server these keys, newest first."""
    harness.cast.engine.encryption = SealingKeys(keys)


async def pinged(harness: WebhookHarness, endpoint_id: str) -> tuple[str | None, ReceivedRequest]:
    """Send a ping; the reason why it failed, and the last request that the receiver got."""
    result = await ping.send_ping(harness.cast.engine, harness.admin, endpoint_id)
    return result.response_class.reason, harness.receiver.requests[-1]


async def test_the_documented_consumer_verifies_both_secrets_during_a_rotation(
    harness: WebhookHarness, consumer: ModuleType
) -> None:
    use_keys(harness, A)
    made = await harness.create_endpoint(headers={"x-own": "1"})
    use_keys(harness, B, A)
    engine = harness.cast.engine
    new = await endpoints.rotate(engine, harness.admin, engine.encryption, made.endpoint.id, 1)
    reason, got = await pinged(harness, made.endpoint.id)
    now = unix(harness.cast.clock.now())
    assert reason is None and got.headers["x-own"] == "1"
    for secret in (made.secret, new.secret):
        assert consumer.verify(secret, got.headers, got.body, now)
    harness.cast.clock.advance(3601)
    _, got = await pinged(harness, made.endpoint.id)
    now = unix(harness.cast.clock.now())
    assert consumer.verify(new.secret, got.headers, got.body, now)
    assert not consumer.verify(made.secret, got.headers, got.body, now)


async def test_after_the_loss_of_the_key_a_rotation_mends_an_endpoint(
    harness: WebhookHarness, consumer: ModuleType
) -> None:
    use_keys(harness, A)
    made = await harness.create_endpoint(headers={"x-own": "1"})
    use_keys(harness, B)
    engine, endpoint_id = harness.cast.engine, made.endpoint.id
    failed = await ping.send_ping(engine, harness.admin, endpoint_id)
    assert failed.response_class.reason == SECRET_UNREADABLE
    assert not harness.receiver.requests
    new = await endpoints.rotate(engine, harness.admin, engine.encryption, endpoint_id)
    assert (new.endpoint.old_secret, new.endpoint.headers) == (None, None)
    reason, got = await pinged(harness, endpoint_id)
    assert reason is None and "x-own" not in got.headers
    assert consumer.verify(new.secret, got.headers, got.body, unix(harness.cast.clock.now()))


async def test_nothing_is_sent_without_the_headers_that_no_key_opens(
    harness: WebhookHarness,
) -> None:
    use_keys(harness, A)
    made = await harness.create_endpoint(headers={"x-own": "1"})
    use_keys(harness, B)
    engine, admin, endpoint_id = harness.cast.engine, harness.admin, made.endpoint.id
    secret = EndpointChanges(secret=webhook_signature.new_secret())
    await endpoint_changes.change(engine, admin, endpoint_id, secret)
    failed = await ping.send_ping(engine, admin, endpoint_id)
    assert failed.response_class.reason == HEADERS_UNREADABLE
    headers = EndpointChanges(headers={"x-own": "2"})
    await endpoint_changes.change(engine, admin, endpoint_id, headers)
    reason, got = await pinged(harness, endpoint_id)
    assert (reason, got.headers["x-own"]) == (None, "2")
    assert len(got.headers["webhook-signature"].split()) == 1
