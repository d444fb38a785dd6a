"""`koine audit`: who did what in a tenant."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
import typer

from koine.cli import options
from koine.cli.durations import parse_since
from koine.cli.lookup import find_user
from koine.cli.runtime import run_in_tenant
from koine.engine import audit_log
from koine.engine.core.engine import Engine
from koine.kit.times import MINUTE, iso_ms
from koine.model.actor import Actor
from koine.model.audit import AuditEntry
from koine.model.page import Window

POLL_SECONDS = 1.0
LATE_FOR = MINUTE
"""µs after which no entry is written any more: it has the time at which its transaction began."""
_PAGE = 500


def audit(
    *,
    since: Annotated[
        str | None, typer.Option(help="Only since then: 2h, 7d, 2026-11-30, 2026-11-30T12:00.")
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="E-mail or id: only what this user did or was subject of.")
    ] = None,
    action: Annotated[
        str | None, typer.Option(help="Only this action: create, change, remove, log_in, …")
    ] = None,
    request: Annotated[
        str | None, typer.Option(help="Only what this request did: its X-Request-Id.")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, help="The newest so many; with --follow to begin.")
    ] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for new ones.")] = False,
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Print the audit log of a tenant, oldest entry first.

    With --json an entry is a line, so that --follow can be read by programs.

    Example: koine audit --since 2h --action log_in
    """

    async def work(engine: Engine, operator_actor: Actor) -> None:
        filters = _Filters(
            since=parse_since(since, engine.clock.now()) if since is not None else None,
            person_id=await _person_id(engine, operator_actor, user),
            action=action,
            request_id=request,
        )
        async for entry in _entries(engine, operator_actor, filters, limit, follow):
            typer.echo(_line(entry, as_json))

    run_in_tenant(options.settings(data, database), tenant, work)


class _Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are printed; `since` in µs."""

    since: int | None = None
    person_id: str | None = None
    action: str | None = None
    request_id: str | None = None


async def _person_id(engine: Engine, actor: Actor, user: str | None) -> str | None:
    """The id of the user with this e-mail or id. Raises NotFound("user")."""
    return (await find_user(engine, actor, user)).id if user is not None else None


async def _entries(
    engine: Engine, actor: Actor, filters: _Filters, limit: int, follow: bool
) -> AsyncIterator[AuditEntry]:
    """The newest `limit` entries, oldest first, and then new ones for ever if asked to `follow`."""
    known = {entry.id for entry in await _recent(engine, actor, filters)} if follow else set()
    for entry in await _newest(engine, actor, filters, limit):
        known.add(entry.id)
        yield entry
    while follow:
        await asyncio.sleep(POLL_SECONDS)
        recent = await _recent(engine, actor, filters)
        for entry in recent:
            if entry.id not in known:
                yield entry
        known = {entry.id for entry in recent}


async def _recent(engine: Engine, actor: Actor, filters: _Filters) -> list[AuditEntry]:
    """The entries of the last minute. Those of transactions that were open a moment ago may have an
    earlier time than others that were printed already."""
    since = max(engine.clock.now() - LATE_FOR, filters.since or 0)
    return await _newest(engine, actor, msgspec.structs.replace(filters, since=since), None)


async def _newest(
    engine: Engine, actor: Actor, filters: _Filters, limit: int | None
) -> list[AuditEntry]:
    """The newest entries, all of them without a limit; oldest first."""
    found: list[AuditEntry] = []
    cursor = None
    while limit is None or len(found) < limit:
        size = _PAGE if limit is None else min(_PAGE, limit - len(found))
        page = await audit_log.find_page(
            engine,
            actor,
            None,
            filters.action,
            Window(limit=size, cursor=cursor),
            since=filters.since,
            person_id=filters.person_id,
            request_id=filters.request_id,
        )
        found += page.items
        cursor = page.next
        if cursor is None:
            break
    return found[::-1]


def _line(entry: AuditEntry, as_json: bool) -> str:
    detail = msgspec.json.decode(entry.detail)
    if as_json:
        fields = msgspec.structs.asdict(entry) | {
            "detail": detail,
            "created_at": iso_ms(entry.created_at),
        }
        return msgspec.json.encode(fields).decode()
    who = f"{entry.actor_kind} {entry.actor_id}" if entry.actor_id else entry.actor_kind
    if entry.address is not None:
        who += f" from {entry.address}"
    more = " ".join(f"{name}={_text(value)}" for name, value in detail.items())
    line = f"{iso_ms(entry.created_at)}  {who}  {entry.action} {entry.noun} {entry.noun_id}"
    return f"{line}  {more}".rstrip()


def _text(value: object) -> str:
    """A value of a detail on one line: control characters are escaped, as text comes from users."""
    return msgspec.json.encode(value).decode()
