"""Decide how an archive is imported: under which id, with which new tokens, or why it cannot be."""

import secrets
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from koine.engine.archive.adaptation import Plan
from koine.engine.archive.format import ArchiveError
from koine.engine.archive.reader import Contents, read_rows
from koine.engine.archive.tar import Source
from koine.engine.core.engine import Engine
from koine.kit.ids import new_id
from koine.model.tenant import Tenant
from koine.store import tenants
from koine.store.archive import taken
from koine.store.events import events

_MOST_POSITIONS, _LAST_POSITION = 2**44, 2**52
"""No server keeps so many events. Archives must not use up the positions that clients can represent
(2^53), also one after the other."""
_AT_ONCE = 2000
"""Values that are looked up by one statement."""


class ImportOptions(Struct, frozen=True, kw_only=True):
    """Under another `name` and `slug`, if given. `new_ids` gives the tenant new ids although its
    own are free. `resume_webhooks` lets endpoints go on that were active: the other server must
    not send any more. It is refused for a tenant with new ids. `share`: see `Pace`."""

    passphrase: str | None = None
    name: str | None = None
    slug: str | None = None
    new_ids: bool = False
    resume_webhooks: bool = False
    share: float = 0.7


async def make_plan(
    engine: Engine, source: Source, contents: Contents, options: ImportOptions
) -> Plan:
    """The plan of a new import. Raises ArchiveError with a list of what is taken."""
    head = contents.head
    slug, name = options.slug or head.tenant.slug, options.name or head.tenant.name
    known = await engine.db.read("", tenants.list_all)
    is_here = any(each.id == head.tenant.id for each in known)
    _check_names(known, head.tenant.id, slug, options)
    _check_endpoints(engine, source, contents)
    new_ids = is_here or options.new_ids
    if new_ids and options.resume_webhooks:
        raise ArchiveError(
            "a copy with new ids must not send what the original sends, too: import it "
            "without --resume-webhooks"
        )
    if not new_ids:
        await _check_conversations(engine, source, contents)
    every = sorted(taken.TOKENS)
    tokens = every if new_ids else await _taken_tokens(engine, source, contents)
    offset = await _take_positions(engine, *contents.positions)
    return Plan(
        archive=contents.digest,
        slug=slug,
        name=name,
        source_id=head.tenant.id,
        tenant_id=new_id() if new_ids else head.tenant.id,
        new_ids=new_ids,
        tokens=tokens,
        secret=secrets.token_hex(32),
        offset=offset,
        planned=head.planned,
        resume_webhooks=options.resume_webhooks,
    )


async def _take_positions(engine: Engine, lowest: int, highest: int) -> int:
    """Take as many positions of this server's log as the archive's are apart; returns what is added
    to these, perhaps less than 0."""
    count = highest - lowest + 1
    last = (await engine.db.read("", events.log_snapshot)).last
    if count > _MOST_POSITIONS or last + count > _LAST_POSITION:
        raise ArchiveError("the positions of its events are too far apart")
    return await engine.db.take_positions(count) - (lowest - 1) if count else 0


def _check_names(known: list[Tenant], source_id: str, slug: str, options: ImportOptions) -> None:
    if options.slug is None and any(each.id == source_id for each in known):
        raise ArchiveError(
            "this tenant is on the server already: --as NAME imports a copy beside it"
        )
    if any(each.slug == slug for each in known):
        raise ArchiveError(f"there is a tenant {slug} already: name another with --as NAME")


def _check_endpoints(engine: Engine, source: Source, contents: Contents) -> None:
    for dialects in _values(source, contents, "webhook_endpoints", "dialect"):
        if unknown := set(dialects) - engine.webhook_formats.keys():
            raise ArchiveError(f"this version has no webhooks of the format {min(unknown)!r:.60}")


async def _check_conversations(engine: Engine, source: Source, contents: Contents) -> None:
    tenant_id = contents.head.tenant.id
    found: list[str] = []
    for ids in _values(source, contents, "conversations", "id"):
        found += await engine.db.read(tenant_id, taken.taken_conversations, ids)
    if found:
        raise ArchiveError(
            f"{len(found)} ids of its conversations belong to other tenants here "
            f"({', '.join(found[:3])}…): import it with --new-ids"
        )


async def _taken_tokens(engine: Engine, source: Source, contents: Contents) -> list[str]:
    """The columns with a token that another tenant has here."""
    found = []
    for column in sorted(taken.TOKENS):
        table, name = column.split(".")
        for values in _values(source, contents, table, name):
            if await engine.db.read(contents.head.tenant.id, taken.taken_tokens, column, values):
                found.append(column)
                break
    return found


def _values(source: Source, contents: Contents, table: str, column: str) -> Iterator[list[Any]]:
    """The values of a column in the archive, some at a time."""
    for of, member in contents.rows:
        if of == table:
            values = [getattr(row, column) for row in read_rows(source, contents, of, member)]
            for first in range(0, len(values), _AT_ONCE):
                yield values[first : first + _AT_ONCE]
