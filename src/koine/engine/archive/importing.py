"""Import a tenant from an archive: everything, or nothing that anybody can see.

The archive is verified first. Then the uploads and the rows are written, in small transactions that
each also save how far the import came; nothing is found in a tenant that has no row in `tenants`,
and the last transaction writes that row. An import that was interrupted goes on where it stopped
when it is tried again; one that cannot go on is deleted by the next.
"""

import asyncio
import time
from pathlib import Path
from typing import Any

from msgspec import Struct

from koine.engine.archive import known_erasures
from koine.engine.archive.adaptation import Adaptation, Plan, decode_plan, encode_plan
from koine.engine.archive.exporting import Progress, no_progress
from koine.engine.archive.format import ArchiveError, LeftOut
from koine.engine.archive.import_plan import ImportOptions, make_plan
from koine.engine.archive.known_erasures import ErasedAgain
from koine.engine.archive.reader import Contents, open_archive, read_rows, read_tenant
from koine.engine.archive.tar import Member, Source
from koine.engine.archive.upload_copying import copy_uploads
from koine.engine.archive.verifying import verify
from koine.engine.core.engine import Engine
from koine.engine.core.pace import Pace
from koine.engine.core.recorder import record_audit, record_event
from koine.engine.personal_data.erased_list import ErasedPerson
from koine.model.actor import operator
from koine.model.event import Event
from koine.model.tenant import Tenant
from koine.store import tenants
from koine.store.archive import imports, taken
from koine.store.archive import rows as table_rows
from koine.store.archive.columns import BY_NAME, TABLES, TENANT
from koine.store.core.db import BrokenRow, BulkWriter, Duplicate, Tx
from koine.store.events import event_log_state, events

_BATCH, _BUSY_BATCH = 1000, 250
"""Rows of a transaction, and while others send messages."""
_DELETE_BATCH = 1000
_MAX_LAST_EVENTS = 100_000
_MAX_NUMBER, _MAX_TENANT_NUMBER = 2**52, 1_000_000
"""The highest numbers from which the server counts on, for messages and for tenants: an archive
must not use up those that clients can represent (2^53)."""
_COUNTED = (
    "identities",
    "inboxes",
    "contact_inboxes",
    "deliveries",
    "api_keys",
    "conversations",
    "participants",
    "messages",
    "tickets",
    "files",
    "webhook_endpoints",
)
"""Tables of which every row is written, and none is deleted by background work when it is old."""
_TAKEN_OVER = "another process imports this archive, or has deleted what this one wrote"


class UnwritableRow(ArchiveError):
    """A row contradicts others of the archive, or those that are here."""


class ImportReport(Struct, frozen=True, kw_only=True):
    """What an import has written. `renewed` are the columns whose tokens are new here, `logins` the
    number of logins that were left out as their e-mails log in to other tenants here, `paused` the
    number of endpoints that were active, `erased` the number of people whose data the archive has
    and who were erased here, `held` of those whose data a legal hold of the archive keeps.
    `resumed` is whether an earlier try had begun it."""

    tenant: Tenant
    new_ids: bool
    rows: int
    files: int
    renewed: list[str]
    logins: int
    paused: int
    erased: int
    held: int
    left_out: list[LeftOut]
    resumed: bool


async def import_tenant(
    engine: Engine, path: Path, options: ImportOptions, progress: Progress = no_progress
) -> ImportReport:
    """Import the tenant of an archive. Raises ArchiveError with what is wrong, OSError,
    Unavailable."""

    def read(done: int, total: int) -> None:
        progress("verify", done, total)

    contents = await asyncio.to_thread(verify, path, options.passphrase, read)
    with open_archive(path, options.passphrase) as source:
        plan, at = await _begin(engine, source, contents, options)
        running = _Import(engine, source, contents, plan, progress, share=options.share)
        await copy_uploads(engine, source, contents, plan, progress)
        try:
            async with engine.db.bulk_writer() as writer:
                await running.copy_rows(writer, at)
        except UnwritableRow:
            await _discard(engine, plan.tenant_id)  # another try would fail as well
            raise
        tenant = await running.finish()
        return await asyncio.to_thread(running.report, tenant, at != _START)


async def delete_unfinished(engine: Engine) -> list[str]:
    """Delete what interrupted imports wrote; returns the slugs that their tenants would have."""
    found = [decode_plan(state.plan) for state in await engine.db.read("", imports.list_all)]
    for plan in found:
        await _discard(engine, plan.tenant_id)
    return [plan.slug for plan in found]


_START = "0.0"


async def _begin(
    engine: Engine, source: Source, contents: Contents, options: ImportOptions
) -> tuple[Plan, str]:
    """The plan, and how far an earlier try came. What earlier tries of other archives left of this
    tenant is deleted."""
    slug = options.slug or contents.head.tenant.slug
    for state in await engine.db.read("", imports.list_all):
        plan = decode_plan(state.plan)
        if (plan.archive, plan.slug) == (contents.digest, slug) and _is_wanted(plan, options):
            return plan, state.at
        if plan.slug == slug or plan.tenant_id == contents.head.tenant.id:
            await _discard(engine, state.tenant_id)
    plan = await make_plan(engine, source, contents, options)
    await _discard(engine, plan.tenant_id)
    if not await engine.db.write(plan.tenant_id, imports.begin, encode_plan(plan), _START):
        raise ArchiveError(_TAKEN_OVER)
    return plan, _START


def _is_wanted(plan: Plan, options: ImportOptions) -> bool:
    """Whether a plan that was begun is of these options."""
    if options.new_ids and not plan.new_ids:
        return False
    same_webhooks = plan.resume_webhooks == options.resume_webhooks
    return same_webhooks and options.name in (None, plan.name)


async def _discard(engine: Engine, tenant_id: str) -> None:
    """Delete the rows of an import that has not ended, and its plan. Its uploads have no row then:
    maintenance deletes them."""
    async with engine.db.bulk_writer() as writer:
        for table in reversed(TABLES):
            while await writer.write(tenant_id, imports.delete_some, table.name, _DELETE_BATCH):
                pass
    await engine.db.write(tenant_id, imports.end)


class _Ending(Struct, frozen=True):
    """What the last transaction writes: the tenant, the events that webhooks still wait for, the
    endpoints that are enabled, the people who were erased here."""

    tenant: Tenant
    last: list[Event]
    enabled: list[str]
    erased: list[ErasedPerson]


class _Import:
    """One import."""

    def __init__(
        self,
        engine: Engine,
        source: Source,
        contents: Contents,
        plan: Plan,
        progress: Progress,
        *,
        share: float,
    ) -> None:
        self._engine = engine
        self._source = source
        self._contents = contents
        self._plan = plan
        self._progress = progress
        self._pace = Pace(engine, share)
        self._adaptation = Adaptation(plan, engine.encryption, engine.clock.now())
        self._logins = 0
        self._erased = ErasedAgain()

    async def copy_rows(self, writer: BulkWriter, at: str) -> None:
        """Write the rows, from where an earlier try stopped."""
        first_member, first_row = map(int, at.split("."))
        done, total = 0, sum(self._contents.manifest.rows.values())
        for number, (name, member) in enumerate(self._contents.rows):
            if name == TENANT.name:
                continue
            rows = await asyncio.to_thread(self._read, name, member)
            if number < first_member:
                done += len(rows)
                continue
            begin = first_row if number == first_member else 0
            done += begin
            while begin < len(rows):
                batch = rows[begin : begin + (_BUSY_BATCH if self._pace.is_busy else _BATCH)]
                count = len(batch)
                begin += count
                after = f"{number}.{begin}" if begin < len(rows) else f"{number + 1}.0"
                adapted = self._adaptation.rows(BY_NAME[name], batch)
                try:
                    left_out, worked = await writer.write(
                        self._plan.tenant_id, _write_rows, (at, after), name, adapted, self._plan
                    )
                except BrokenRow as error:
                    raise UnwritableRow(f"a row of {name} cannot be written: {error}") from None
                at, done = after, done + count
                self._logins += left_out
                self._progress("rows", done, total)
                await self._pace.rest(worked)

    async def finish(self) -> Tenant:
        """Write what makes the tenant visible, in one transaction."""
        await self._check_counts()
        if self._contents.max_number:
            number = min(self._contents.max_number, _MAX_NUMBER)
            await self._engine.db.raise_message_numbers(number)
        tenant = await asyncio.to_thread(read_tenant, self._source, self._contents)
        last = await asyncio.to_thread(self._last_events)
        enabled = await asyncio.to_thread(self._active_endpoints, False)
        erased = await known_erasures.known_here(self._engine, self._plan.renewal())
        ending = _Ending(tenant, last, enabled, erased)
        while True:
            now = self._engine.clock.now()
            try:
                made, self._erased = await self._engine.db.write(
                    self._plan.tenant_id, self._finish, now, ending
                )
                break
            except Duplicate as duplicate:
                # A tenant that was created meanwhile may have the number: take the next one.
                if duplicate.constraint != tenants.NUMBER_TAKEN:
                    raise ArchiveError(
                        f"there is a tenant {self._plan.slug} since a moment ago: --as NAME"
                    ) from None
        await known_erasures.finish(self._engine, made.id, self._erased.begun)
        return made

    async def _check_counts(self) -> None:
        """Compare the rows that were written with the manifest, before anybody sees them."""
        async with self._engine.db.snapshot() as view:
            found = await view.read(self._plan.tenant_id, table_rows.count_tables)
        expected = self._contents.manifest.rows
        wrong = [
            name
            for name, count in found.items()
            if name in _COUNTED and count != expected.get(name, 0)
        ]
        if wrong:
            raise ArchiveError(
                f"rows of {', '.join(wrong)} were changed while the import ran: discard it with "
                "`koine tenant discard` and try again"
            )

    def report(self, tenant: Tenant, resumed: bool) -> ImportReport:
        """What was written. Reads the archive."""
        manifest = self._contents.manifest
        return ImportReport(
            tenant=tenant,
            new_ids=self._plan.new_ids,
            rows=sum(manifest.rows.values()),
            files=manifest.files,
            renewed=self._plan.tokens,
            logins=self._logins,
            erased=len(self._erased.begun),
            held=len(self._erased.held),
            paused=0 if self._plan.resume_webhooks else len(self._active_endpoints(True)),
            left_out=manifest.left_out,
            resumed=resumed,
        )

    async def _finish(self, tx: Tx, now: int, ending: "_Ending") -> tuple[Tenant, ErasedAgain]:
        plan, number = self._plan, ending.tenant.number
        if plan.new_ids or number > _MAX_TENANT_NUMBER or await tenants.is_number_taken(tx, number):
            number = await tenants.highest_number(tx) + 1
        made = self._adaptation.tenant(ending.tenant, number)
        await tenants.insert_one(tx, made)
        await record_audit(
            tx, now, operator(made.id), "import", "tenant", made.id, archive=plan.archive
        )
        await record_event(tx, now, "tenant.updated", made.id)
        erased = await known_erasures.erase_tx(tx, now, ending.erased)
        await event_log_state.begin_tenant_log(tx, (await events.log_snapshot(tx)).last)
        if plan.resume_webhooks:
            await imports.enable_endpoints(tx, ending.enabled, max(plan.planned + plan.offset, 0))
            await events.append(tx, *ending.last)
        await imports.end(tx)
        return made, erased

    def _read(self, table: str, member: Member) -> list[Any]:
        return read_rows(self._source, self._contents, table, member)

    def _last_events(self) -> list[Event]:
        """The events that webhooks still wait for, which their planner must see as new ones."""
        if not self._plan.resume_webhooks:
            return []
        found: list[Event] = []
        for name, member in self._contents.rows:
            if name != "events":
                continue
            for row in self._read(name, member):
                if row.position > self._plan.planned:
                    fields = Event.__struct_fields__
                    found.append(Event(**{field: getattr(row, field) for field in fields}))
            if len(found) > _MAX_LAST_EVENTS:
                raise ArchiveError(
                    "too many events wait for webhooks: import it without --resume-webhooks"
                )
        return found

    def _active_endpoints(self, every: bool) -> list[str]:
        """The endpoints that were active on the other server: all of them, or those with a
        secret."""
        return [
            self._plan.renewal().id(row.id)
            for name, member in self._contents.rows
            if name == "webhook_endpoints"
            for row in self._read(name, member)
            if row.status == "active" and (every or row.secret is not None)
        ]


async def _write_rows(
    tx: Tx, places: tuple[str, str], table: str, rows: list[Any], plan: Plan
) -> tuple[int, float]:
    """Write some rows, and how far the import came with them; returns how many are left out, and
    the seconds it took, without waiting for a lock of the whole database."""
    began = time.perf_counter()
    if not await imports.advance(tx, *places):
        raise ArchiveError(_TAKEN_OVER)
    kept = rows
    if table == "logins" and plan.new_ids:
        # A copy of a user could log in with the same password, and the login would then be
        # ambiguous for the user of the original.
        emails = set(await taken.taken_emails(tx, [row.email for row in rows]))
        kept = [row for row in rows if row.email not in emails]
    try:
        await table_rows.insert_rows(tx, BY_NAME[table], kept)
    except Duplicate as duplicate:
        raise UnwritableRow(
            f"a row of {table} violates {duplicate.constraint}: it is there twice, or was created "
            "here meanwhile"
        ) from None
    return len(rows) - len(kept), time.perf_counter() - began
