"""Erase a person for good: the row, credentials, messages, files, and every trace in the logs.

The first transaction empties the person's row and revokes its credentials, so that nothing more is
stored in its name. What it has left in conversations and logs is then erased in small batches; if
the process ends before the last one, maintenance does the rest. A while later maintenance does all
of it a second time, for what requests wrote that had begun before the first transaction.
"""

import asyncio
import logging
from contextlib import suppress

import msgspec
from msgspec import Struct, structs

from koine.engine import offboarding
from koine.engine.auth import access
from koine.engine.conversations import files
from koine.engine.core.engine import Engine
from koine.engine.core.legal_holds import require_people_free_tx
from koine.engine.core.operations import read_tx, rights_write_tx
from koine.engine.core.recorder import record_audit
from koine.engine.personal_data import conversation_erasure, erased_list
from koine.engine.personal_data.erased_list import ErasedPerson
from koine.engine.personal_data.same_person import (
    merged_tx,
    similar_tx,
    survivor_tx,
    survivors_tx,
)
from koine.engine.personal_data.tombstones import empty_rows_tx
from koine.engine.personal_data.traces import erase_traces
from koine.kit.ids import NIL_ID
from koine.kit.json import json_text
from koine.kit.times import MINUTE
from koine.model.actor import Actor, operator
from koine.model.errors import Conflict, NotFound
from koine.model.identity import Identity
from koine.model.page import Page, Window
from koine.model.permissions import MANAGE_TENANT
from koine.model.personal_data import Erasure, ErasureCounts, MessagePolicy, PersonKind
from koine.store.core.db import Tx
from koine.store.events import events
from koine.store.personal_data import contents, erasures

CHECK_AFTER = 15 * MINUTE
"""When an erasure is done a second time, µs: no request runs longer."""
RESUME_AFTER = 2 * MINUTE
"""When maintenance goes on with an erasure that is not done, µs."""
PATIENCE = 5.0
"""Seconds for which a request waits for an erasure."""
_PAGE = 50
"""Conversations between two saves of how far the erasure is."""
_SCANNED = 200
_BARRIER_TRIES, _BARRIER_SECONDS = 400, 0.05
_background: set[asyncio.Task[Erasure]] = set()
log = logging.getLogger(__name__)


class RequestedErasure(Struct, frozen=True):
    """An erasure, and the ids of other people with the same e-mail or phone, who may be the same
    person: nobody but people can tell, so these are not erased."""

    erasure: Erasure
    similar: list[str]


class RepeatedErasures(Struct, frozen=True):
    """Who was erased again; the ids of those whose data a legal hold keeps; how many people of the
    list are in no tenant of the database."""

    erasures: list[Erasure]
    held: list[str]
    missing: int


async def erase(
    engine: Engine,
    actor: Actor,
    identity_id: str,
    kind: PersonKind | None = None,
    messages: MessagePolicy | None = None,
) -> RequestedErasure:
    """Erase a user or contact, removed or not, to the end; a second time it is harmless.

    Without `messages` those of contacts and of users without a role, who are customers, are erased,
    and those of staff and drivers are kept. Raises Forbidden (also for a user that may do more than
    the actor), NotFound, Conflict("self" | "held"), Unavailable: then maintenance goes on with it.
    """
    requested = await request(engine, actor, identity_id, kind, messages)
    done = await run(engine, actor.tenant_id, requested.erasure.id)
    return structs.replace(requested, erasure=done)


@rights_write_tx
async def request(
    tx: Tx,
    now: int,
    actor: Actor,
    identity_id: str,
    kind: PersonKind | None = None,
    messages: MessagePolicy | None = None,
) -> RequestedErasure:
    """The first transaction of `erase`: the person's row is empty when it returns."""
    access.require(actor, MANAGE_TENANT)
    person = await survivor_tx(tx, identity_id, kind)
    if person.id == actor.identity_id:
        raise Conflict("self", "you cannot erase yourself")
    if person.kind == "user":
        access.require_rank(actor, person)
    before = await erasures.lock(tx, person.id)
    also = await merged_tx(tx, person.id)
    await require_people_free_tx(tx, [person.id, *also])
    similar = await similar_tx(tx, person, [person.id, *also])
    counts = await empty_rows_tx(tx, now, [person.id, *also])
    if before is not None:
        counts = counts.plus(counts_of(before))
    erasure = Erasure(
        id=person.id,
        kind="user" if person.kind == "user" else "contact",
        messages=_policy(person, before, messages),
        also=json_text(also),
        after_id=None,
        actor_kind=actor.kind,
        actor_id=actor.key_id or actor.identity_id,
        # Runs of an earlier request do not save their progress over this one.
        requested_at=now if before is None else max(now, before.requested_at + 1),
        erased_at=None,
        checked_at=None,
        counts=json_text(counts),
    )
    await erasures.save(tx, erasure)
    await record_audit(tx, now, actor, "erase", erasure.kind, erasure.id, messages=erasure.messages)
    return RequestedErasure(erasure, similar)


async def run(engine: Engine, tenant_id: str, identity_id: str) -> Erasure:
    """Do what is left of a requested erasure; returns it as it is then. Raises NotFound,
    Unavailable, Conflict("held") where a hold was placed since."""
    erasure = await engine.db.read(tenant_id, erasures.get, identity_id)
    if erasure is None:
        raise NotFound("erasure")
    await engine.db.read(tenant_id, require_people_free_tx, erasure.ids)
    await erased_list.add(engine, tenant_id, erasure)
    await _wait_for_open_transactions(engine)
    counts = counts_of(erasure)
    if erasure.erased_at is not None:
        counts = counts.plus(
            await engine.db.write(tenant_id, empty_rows_tx, engine.clock.now(), erasure.ids)
        )
    for each in erasure.ids:
        await offboarding.finish(engine, tenant_id, each)
    while page := await _next_conversations(engine, tenant_id, erasure):
        for conversation_id in page.involved:
            counts = counts.plus(await _erase_in(engine, tenant_id, erasure, conversation_id))
        erasure = structs.replace(erasure, after_id=page.last_id, counts=json_text(counts))
        if not await engine.db.write(tenant_id, erasures.save_progress, erasure):
            return await _as_left(engine, tenant_id, identity_id)
    counts = counts.plus(await erase_traces(engine, tenant_id, erasure.ids))
    return await engine.db.write(tenant_id, _finish, engine.clock.now(), erasure, counts)


async def erase_for(
    engine: Engine, actor: Actor, identity_id: str, kind: PersonKind, messages: MessagePolicy | None
) -> RequestedErasure:
    """As `erase`, but it returns after `PATIENCE` seconds at the latest; what is left is done in
    the background."""
    requested = await request(engine, actor, identity_id, kind, messages)
    task = asyncio.create_task(run(engine, actor.tenant_id, requested.erasure.id))
    _background.add(task)
    task.add_done_callback(_ended)
    done, _ = await asyncio.wait({task}, timeout=PATIENCE)
    return structs.replace(requested, erasure=task.result()) if done else requested


async def resume(engine: Engine, tenant_id: str) -> int:
    """Go on with the tenant's erasures that are not done, and check those that are; returns how
    many these were."""
    now, done = engine.clock.now(), 0
    for identity_id in await engine.db.read(
        tenant_id, erasures.unfinished, now - RESUME_AFTER, now - CHECK_AFTER, _PAGE
    ):
        with suppress(Conflict):
            await run(engine, tenant_id, identity_id)
            done += 1
    return done


@read_tx
async def get(tx: Tx, actor: Actor, identity_id: str) -> Erasure:
    """The erasure of this person. Raises Forbidden, NotFound("erasure")."""
    access.require(actor, MANAGE_TENANT)
    found = await erasures.get(tx, identity_id)
    if found is None:
        raise NotFound("erasure")
    return found


@read_tx
async def find_page(tx: Tx, actor: Actor, window: Window) -> Page[Erasure]:
    """A page of the tenant's erasures, newest first. Raises Forbidden."""
    access.require(actor, MANAGE_TENANT)
    return await erasures.find_page(tx, window)


async def erase_again(engine: Engine, people: list[ErasedPerson]) -> RepeatedErasures:
    """Erase the people of a list again whom this database does not know as erased: those that a
    restored backup has brought back. Raises Unavailable."""
    done = RepeatedErasures([], [], 0)
    for person in people:
        found = await engine.db.read(person.tenant_id, survivors_tx, person.ids, person.kind)
        if not found:
            done = structs.replace(done, missing=done.missing + 1)
        for each in found:
            # One before may have been merged into the same person, and be erased with it.
            known = await engine.db.read(person.tenant_id, erasures.get, each)
            if known is not None and known.erased_at is not None:
                continue
            actor = operator(person.tenant_id)
            try:
                erased = await erase(engine, actor, each, person.kind, person.messages)
            except Conflict:
                done.held.append(each)
            else:
                done.erasures.append(erased.erasure)
    return done


def counts_of(erasure: Erasure) -> ErasureCounts:
    """The counts of an erasure, decoded."""
    return msgspec.json.decode(erasure.counts, type=ErasureCounts)


class _ConversationPage(Struct, frozen=True):
    """The next conversations of the tenant up to `last_id`, those that the people are involved
    in."""

    involved: list[str]
    last_id: str


async def _next_conversations(
    engine: Engine, tenant_id: str, erasure: Erasure
) -> _ConversationPage | None:
    after = erasure.after_id or NIL_ID
    if erasure.kind == "contact":
        # A contact writes in its own conversations only.
        found = await engine.db.read_long(
            tenant_id, contents.conversations_of, erasure.ids, after, _PAGE
        )
        return _ConversationPage(found, found[-1]) if found else None
    page = await engine.db.read_long(tenant_id, contents.page_of_all, after, _SCANNED)
    if not page:
        return None
    involved = await engine.db.read_long(tenant_id, contents.involving, page, erasure.ids)
    return _ConversationPage(sorted(involved), page[-1])


async def _erase_in(
    engine: Engine, tenant_id: str, erasure: Erasure, conversation_id: str
) -> ErasureCounts:
    counts = ErasureCounts()
    after_seq: int | None = 0
    while after_seq is not None:
        batch = await engine.db.write(
            tenant_id, conversation_erasure.erase_tx, engine.clock.now(), erasure.ids,
            erasure.messages, (conversation_id, after_seq),
        )  # fmt: skip
        await files.delete_bytes(engine, batch.files)
        counts, after_seq = counts.plus(batch.counts), batch.after_seq
    return counts


async def _finish(tx: Tx, now: int, erasure: Erasure, counts: ErasureCounts) -> Erasure:
    first = erasure.erased_at is None
    done = structs.replace(
        erasure,
        after_id=None,
        erased_at=now if first else erasure.erased_at,
        checked_at=None if first else now,
        counts=json_text(counts),
    )
    if await erasures.save_progress(tx, done) and first:
        actor = Actor(tx.tenant_id, erasure.actor_kind, erasure.actor_id)
        await record_audit(
            tx, now, actor, "finish_erasure", erasure.kind, erasure.id, erased=counts
        )
    return done


async def _as_left(engine: Engine, tenant_id: str, identity_id: str) -> Erasure:
    """The erasure as another run has left it."""
    found = await engine.db.read(tenant_id, erasures.get, identity_id)
    if found is None:
        raise NotFound("erasure")
    return found


async def _wait_for_open_transactions(engine: Engine) -> None:
    """Wait until every transaction has ended that may have read the person before it was erased.
    One that takes longer than any may is left to the check."""
    begun = (await engine.db.read("", events.log_snapshot)).next_begun
    for _ in range(_BARRIER_TRIES):
        if (await engine.db.read("", events.log_snapshot)).oldest_open >= begun:
            return
        await asyncio.sleep(_BARRIER_SECONDS)


def _ended(task: asyncio.Task[Erasure]) -> None:
    _background.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("an erasure was interrupted; maintenance goes on with it: %r", error)


def _policy(
    person: Identity, before: Erasure | None, wanted: MessagePolicy | None
) -> MessagePolicy:
    if before is not None:
        return "erase" if "erase" in (before.messages, wanted) else "keep"
    if wanted is not None:
        return wanted
    return "keep" if person.kind == "user" and person.role is not None else "erase"
