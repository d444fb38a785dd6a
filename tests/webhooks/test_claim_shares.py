"""No tenant and no endpoint gets all claims of a dispatcher, however slowly it responds."""

import asyncio

from msgspec import structs

from koine.engine.conversations import conversations, messages
from koine.engine.webhooks import endpoints
from koine.engine.webhooks.endpoints import NewEndpoint
from koine.model.conversation import NewConversation
from koine.model.message import Draft
from koine.model.webhook import EndpointKey, TenantEndpoint
from koine.webhooks.claim_shares import ClaimShares
from koine.webhooks.dispatcher import MAX_CLAIMS
from koine.webhooks.endpoint_queue import EndpointQueue
from tests.webhooks.harness import WebhookHarness

ENDPOINTS, MESSAGES = 80, 8


async def send_message_of_rival(harness: WebhookHarness) -> None:
    """Send a message of Rival, which has one endpoint."""
    engine, ada = harness.cast.engine, harness.cast.rival.actor("ada")
    new = NewEndpoint(
        dialect="native", url=f"{harness.receiver.url}/rival", kinds=("message.created",)
    )
    await endpoints.create(engine, ada, new)
    conversation = await conversations.create(engine, ada, NewConversation(title="Order 7"))
    await messages.send(
        engine, ada, conversation.id, Draft(content="hi", sender_id=ada.identity_id)
    )


async def claim_all(harness: WebhookHarness) -> None:
    """Claim until nothing is due, while no response arrives."""
    await harness.plan()
    while await harness.service.dispatcher.dispatch_once():
        pass


async def is_received(harness: WebhookHarness, path: str) -> bool:
    """Whether a request for this path arrives, in any time."""
    for _ in range(300):
        if path in {got.path for got in harness.receiver.requests}:
            return True
        await asyncio.sleep(0.01)
    return False


async def test_slow_endpoints_of_one_tenant_leave_claims_for_others(
    harness: WebhookHarness,
) -> None:
    for number in range(ENDPOINTS):
        await harness.create_endpoint(url=f"{harness.receiver.url}/slow/{number}")
    conversation = await harness.create_conversation()
    for _ in range(MESSAGES):
        await harness.send_message(conversation)
    harness.receiver.hold = hold = asyncio.Event()
    await claim_all(harness)
    lines = harness.service.dispatcher._queues
    assert sum(line.held for line in lines.values()) <= MAX_CLAIMS // 2
    await send_message_of_rival(harness)
    await claim_all(harness)
    assert await is_received(harness, "/rival")
    hold.set()
    await harness.service.dispatcher.idle()


async def test_an_endpoint_that_became_fast_leaves_claims_for_those_of_its_tenant(
    harness: WebhookHarness,
) -> None:
    quick = [
        await harness.create_endpoint(url=f"{harness.receiver.url}/{number}") for number in range(3)
    ]
    conversation = await harness.create_conversation()
    for _ in range(70):
        await harness.send_message(conversation)
    await harness.plan_and_send()
    for _ in range(200):
        await harness.send_message(conversation)
    harness.receiver.hold = hold = asyncio.Event()
    await claim_all(harness)
    held = [
        harness.service.dispatcher._queues[
            EndpointKey(harness.admin.tenant_id, each.endpoint.id)
        ].held
        for each in quick
    ]
    assert sum(held) <= MAX_CLAIMS // 2 and max(held) <= MAX_CLAIMS // 4
    await harness.create_endpoint(url=f"{harness.receiver.url}/last")
    await harness.send_message(conversation)
    await claim_all(harness)
    assert await is_received(harness, "/last")
    hold.set()
    await harness.service.dispatcher.idle()


async def test_attempts_at_broken_endpoints_count_as_claims_of_their_tenant(
    harness: WebhookHarness,
) -> None:
    made = await harness.create_endpoint()
    broken = TenantEndpoint(**structs.asdict(made.endpoint), tenant_id=harness.admin.tenant_id)
    broken = structs.replace(broken, failures=100, failing_since=0, open_until=1)
    found = [structs.replace(broken, id=str(number)) for number in range(MAX_CLAIMS)]
    lines = {hook.key: EndpointQueue(hook) for hook in found}
    shares = ClaimShares(MAX_CLAIMS, MAX_CLAIMS, lines, found)
    taken = [shares.take(place, line, line.capacity) for place, line in lines.items()]
    assert (max(taken), sum(taken)) == (1, MAX_CLAIMS // 2)
