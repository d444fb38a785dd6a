"""No tenant and no endpoint can have all of the sender's hands, however slowly it answers."""

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


async def rival_says_something(told: WebhookHarness) -> None:
    """To its one endpoint."""
    engine, ada = told.cast.engine, told.cast.rival.actor("ada")
    new = NewEndpoint(
        dialect="native", url=f"{told.receiver.url}/rival", kinds=("message.created",)
    )
    await endpoints.create(engine, ada, new)
    talk = await conversations.create(engine, ada, NewConversation(title="Talk"))
    await messages.send(engine, ada, talk.id, Draft(content="hi", sender_id=ada.identity_id))


async def claim_all(told: WebhookHarness) -> None:
    """Claim as long as there is something to claim; no post comes back meanwhile."""
    await told.derive()
    while await told.hooks.dispatcher.dispatch_once():
        pass


async def came(told: WebhookHarness, path: str) -> bool:
    """Whether something is posted there, however long it takes until then."""
    for _ in range(300):
        if path in {got.path for got in told.receiver.got}:
            return True
        await asyncio.sleep(0.01)
    return False


async def test_slow_endpoints_of_one_tenant_leave_hands_for_others(told: WebhookHarness) -> None:
    for number in range(ENDPOINTS):
        await told.hook(url=f"{told.receiver.url}/slow/{number}")
    talk = await told.talk()
    for _ in range(MESSAGES):
        await told.say(talk)
    told.receiver.hold = hold = asyncio.Event()
    await claim_all(told)
    lines = told.hooks.dispatcher._queues
    assert sum(line.held for line in lines.values()) <= MAX_CLAIMS // 2
    await rival_says_something(told)
    await claim_all(told)
    assert await came(told, "/rival")
    hold.set()
    await told.hooks.dispatcher.idle()


async def test_an_endpoint_that_became_quick_leaves_hands_for_those_of_its_tenant(
    told: WebhookHarness,
) -> None:
    quick = [await told.hook(url=f"{told.receiver.url}/{number}") for number in range(3)]
    talk = await told.talk()
    for _ in range(70):
        await told.say(talk)
    await told.tell()
    for _ in range(200):
        await told.say(talk)
    told.receiver.hold = hold = asyncio.Event()
    await claim_all(told)
    held = [
        told.hooks.dispatcher._queues[EndpointKey(told.boss.tenant_id, each.endpoint.id)].held
        for each in quick
    ]
    assert sum(held) <= MAX_CLAIMS // 2 and max(held) <= MAX_CLAIMS // 4
    await told.hook(url=f"{told.receiver.url}/last")
    await told.say(talk)
    await claim_all(told)
    assert await came(told, "/last")
    hold.set()
    await told.hooks.dispatcher.idle()


async def test_tries_of_broken_endpoints_are_hands_of_their_tenant_too(
    told: WebhookHarness,
) -> None:
    made = await told.hook()
    broken = TenantEndpoint(**structs.asdict(made.endpoint), tenant_id=told.boss.tenant_id)
    broken = structs.replace(broken, failures=100, failing_since=0, open_until=1)
    found = [structs.replace(broken, id=str(number)) for number in range(MAX_CLAIMS)]
    lines = {hook.key: EndpointQueue(hook) for hook in found}
    shares = ClaimShares(MAX_CLAIMS, MAX_CLAIMS, lines, found)
    taken = [shares.take(place, line, line.capacity) for place, line in lines.items()]
    assert (max(taken), sum(taken)) == (1, MAX_CLAIMS // 2)
