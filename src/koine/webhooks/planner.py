"""From the event log to deliveries: who is to be told of what, each event once for each endpoint.

The rows of a stretch of the log and the cursor beyond it are written in one transaction, under the
cursor's lock: whatever dies, and however many processes do this, no event is left out or doubled.
What an event says of somebody's rights is heeded, too: endpoints whose owner lost them are paused.
"""

from koine.engine.core.context import Engine
from koine.engine.webhooks import endpoint_owners as owners
from koine.engine.webhooks.matching import delivery_row, in_their_inboxes, matches
from koine.model.actor import Actor
from koine.model.event import EventKind, LoggedEvent
from koine.model.webhook import EndpointKey, TenantEndpoint
from koine.model.webhook_format import WebhookFormats
from koine.store.core.db import Tx
from koine.store.core.tenant_tx import TenantTx
from koine.store.events import events
from koine.store.webhooks import delivery_queue, endpoints

CHUNK = 500
"""Events gone through in one transaction."""
CURSOR_SAVE_INTERVAL = 5000
"""The cursor is left this many events behind while there is nothing to put in line."""
_RIGHTS: frozenset[EventKind] = frozenset(
    {"credential.changed", "identity.updated", "identity.removed"}
)
"""Events after which an owner may hold less than before."""


class DeliveryPlanner:
    """One in each process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._scanned = 0

    async def plan_until(self, settled: int, now: int) -> int:
        """Go through the log to the settled position; answers how many deliveries are new.
        Raises Unavailable."""
        found = 0
        if settled < self._scanned:
            self._scanned = 0  # the log went back: another database is behind the same address
        while await self._is_behind(settled, now):
            db, voices = self._engine.db, self._engine.webhook_formats
            written, upto = await db.write("", _plan, voices, now, self._scanned, settled)
            found += written
            if upto >= settled:
                break
        return found

    async def _is_behind(self, settled: int, now: int) -> bool:
        """Whether there is something to write. What is for nobody is not worth a transaction."""
        while True:
            db, voices = self._engine.db, self._engine.webhook_formats
            upto, some, cursor = await db.read(
                "", _find_pending, voices, now, self._scanned, settled
            )
            if some or upto - cursor > CURSOR_SAVE_INTERVAL:
                return True
            self._scanned = max(self._scanned, upto)
            if upto >= settled:
                return False


async def _find_pending(
    tx: Tx, voices: WebhookFormats, now: int, looked: int, settled: int
) -> tuple[int, bool, int]:
    """How far the next stretch goes, whether there is anything to write, where the cursor is."""
    active = await _active(tx, voices)
    if not active:
        return settled, False, settled
    cursor = await endpoints.cursor(tx)
    start = max(looked, cursor, min(hook.after_position for hook in active))
    upto, chunk = await _read_range(tx, start, settled)
    some = bool(await _pairs(tx, voices, active, chunk)) or bool(
        await _endpoints_without_rights(tx, now, _concerned(active, chunk))
    )
    return upto, some, max(cursor, start)


async def _plan(
    tx: Tx, voices: WebhookFormats, now: int, looked: int, settled: int
) -> tuple[int, int]:
    """Put one stretch in line; answers how many rows and where it ends."""
    cursor = await endpoints.cursor(tx, lock=True)
    active = await _active(tx, voices)
    start = max(looked, cursor, min((hook.after_position for hook in active), default=settled))
    upto, chunk = await _read_range(tx, start, settled)
    pairs = await _pairs(tx, voices, active, chunk)
    lost = await _endpoints_without_rights(
        tx, now, [*_concerned(active, chunk), *(hook for _, hook in pairs)]
    )
    for place, reason in sorted(lost.items(), key=lambda each: each[0].endpoint_id):
        await owners.pause(TenantTx(tx, place.tenant_id), now, place, reason)
    due_now = [delivery_row(event, hook, now) for event, hook in pairs if hook.key not in lost]
    await delivery_queue.enqueue(tx, due_now)
    if upto > cursor:
        await endpoints.move_cursor(tx, upto)
    return len(due_now), upto


async def _active(tx: Tx, voices: WebhookFormats) -> list[TenantEndpoint]:
    return [hook for hook in await endpoints.active(tx) if hook.dialect in voices]


async def _read_range(tx: Tx, start: int, settled: int) -> tuple[int, list[LoggedEvent]]:
    chunk = await events.after(tx, start, settled, CHUNK)
    return (chunk[-1].position if len(chunk) == CHUNK else max(start, settled)), chunk


async def _pairs(
    tx: Tx, voices: WebhookFormats, active: list[TenantEndpoint], chunk: list[LoggedEvent]
) -> list[tuple[LoggedEvent, TenantEndpoint]]:
    """Who is to be told of what."""
    by_tenant = _by_tenant(active)
    pairs = [
        (event, hook)
        for event in chunk
        for hook in by_tenant.get(event.tenant_id, ())
        if event.position > hook.after_position and matches(voices, event, hook)
    ]
    return await in_their_inboxes(tx, pairs)


def _concerned(active: list[TenantEndpoint], chunk: list[LoggedEvent]) -> list[TenantEndpoint]:
    """The endpoints whose owner may have lost rights by one of these events: the person it is
    about, or a key, for a key may rest on others."""
    by_tenant = _by_tenant(active)
    found = {
        hook.key: hook
        for event in chunk
        if event.kind in _RIGHTS and event.tenant_id in by_tenant and not event.is_of_contact
        for hook in by_tenant[event.tenant_id]
        if hook.owner_key_id is not None or hook.acts_as_user_id == event.subject_id
    }
    return list(found.values())


async def _endpoints_without_rights(
    tx: Tx, now: int, asked: list[TenantEndpoint]
) -> dict[EndpointKey, str]:
    """Which of these endpoints must be paused, and why."""
    known: dict[str, owners.OwnerRights] = {}
    lost: dict[EndpointKey, str] = {}
    for place, hook in {hook.key: hook for hook in asked}.items():
        tenant = TenantTx(tx, place.tenant_id)
        found = await owners.endpoint_actor(
            tenant, now, hook, known.setdefault(place.tenant_id, {})
        )
        if not isinstance(found, Actor):
            lost[place] = found
    return lost


def _by_tenant(active: list[TenantEndpoint]) -> dict[str, list[TenantEndpoint]]:
    found: dict[str, list[TenantEndpoint]] = {}
    for hook in active:
        found.setdefault(hook.tenant_id, []).append(hook)
    return found
