"""One post, whatever happens to it."""

from koine.kit.outbound import EgressPolicy, OutboundClient
from koine.webhooks.attempt import INTERNAL_ERROR
from tests.webhooks.harness import WebhookHarness


async def test_a_bug_on_the_way_is_a_failure_and_costs_the_sender_nothing(
    told: WebhookHarness,
) -> None:
    async def breaks(_host: str) -> tuple[str, ...]:
        raise RuntimeError("no way")

    told.cast.engine.outbound = OutboundClient(EgressPolicy.parse("127.0.0.1"), resolver=breaks)
    made = await told.hook(url="https://name.test/hook")
    await told.say(await told.talk())
    await told.tell()
    (row,) = await told.log(made.endpoint)
    assert (row.state, row.attempt, row.error) == ("pending", 1, INTERNAL_ERROR)
