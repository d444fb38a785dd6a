"""Erased people stay erased when a tenant is imported: those of the archive, and those whom this
server knows as erased although the archive, which is older, has their data.
"""

import asyncio
from contextlib import suppress

from msgspec import Struct, structs

from koine.engine.archive.format import ArchiveError
from koine.engine.archive.renewal import Renewal
from koine.engine.core.engine import Engine
from koine.engine.personal_data import erased_list, erasure
from koine.engine.personal_data.erased_list import BadList, ErasedPerson
from koine.engine.personal_data.same_person import survivors_tx
from koine.model.actor import operator
from koine.model.errors import Conflict, Unavailable
from koine.model.page import Window
from koine.store.core.db import Tx
from koine.store.personal_data import erasures

_PAGE = 200


async def known_here(engine: Engine, renewal: Renewal) -> list[ErasedPerson]:
    """The people of the archive's tenant whom this server knows as erased, by the ids that they get
    here. Raises ArchiveError if the list of erased people cannot be read."""
    path = erased_list.path_of(engine)
    try:
        listed = await asyncio.to_thread(erased_list.load, path) if path.is_file() else []
    except BadList as error:
        raise ArchiveError(f"who was erased here is not known: {error}") from None
    found = [each for each in listed if each.tenant_id == renewal.source_id]
    window: Window | None = Window(limit=_PAGE)
    while window is not None:
        page = await engine.db.read(renewal.source_id, erasures.find_page, window)
        found += [erased_list.erased_person(renewal.source_id, each) for each in page.items]
        window = None if page.next is None else Window(limit=_PAGE, cursor=page.next)
    return [_renewed(renewal, each) for each in found]


class ErasedAgain(Struct, frozen=True):
    """The ids of people whose erasure was begun, and of those whose data a legal hold keeps."""

    begun: list[str] = []
    held: list[str] = []


async def erase_tx(tx: Tx, now: int, people: list[ErasedPerson]) -> ErasedAgain:
    """Begin to erase those who are in the tenant and not erased: their rows are empty when the
    tenant becomes visible."""
    found = ErasedAgain([], [])
    for person in people:
        for each in await survivors_tx(tx, person.ids, person.kind):
            if each in found.held or await erasures.get(tx, each) is not None:
                continue
            actor = operator(tx.tenant_id)
            try:
                await erasure.request.in_tx(tx, now, actor, each, person.kind, person.messages)
            except Conflict:
                found.held.append(each)
            else:
                found.begun.append(each)
    return found


async def finish(engine: Engine, tenant_id: str, ids: list[str]) -> None:
    """Erase the rest of them. Maintenance goes on with those for which the database or the disk is
    not available now."""
    for each in ids:
        with suppress(Unavailable):
            await erasure.run(engine, tenant_id, each)


def _renewed(renewal: Renewal, person: ErasedPerson) -> ErasedPerson:
    return structs.replace(
        person,
        tenant_id=renewal.tenant_id,
        id=renewal.id(person.id),
        also=[renewal.id(each) for each in person.also],
    )
