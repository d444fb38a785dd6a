"""One attempt."""

from koine.kit.outbound import EgressPolicy, OutboundClient
from koine.webhooks.attempt import INTERNAL_ERROR
from tests.webhooks.harness import WebhookHarness


async def test_an_unexpected_error_is_a_failed_attempt(
    harness: WebhookHarness,
) -> None:
    async def breaks(_host: str) -> tuple[str, ...]:
        raise RuntimeError("no way")

    harness.cast.engine.outbound = OutboundClient(EgressPolicy.parse("127.0.0.1"), resolver=breaks)
    made = await harness.create_endpoint(url="https://name.test/hook")
    await harness.send_message(await harness.create_conversation())
    await harness.plan_and_send()
    (row,) = await harness.log(made.endpoint)
    assert (row.state, row.attempt, row.error) == ("pending", 1, INTERNAL_ERROR)
