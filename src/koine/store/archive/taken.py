"""Which values of an archive are in use on this server by other tenants: those that are unique on
the whole server, not only in their tenant."""

from collections.abc import Sequence

from sqlalchemy import select

from koine.store.archive.columns import TABLES
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list
from koine.store.core.statements import Query, param
from koine.store.tables import conversations, logins

_WHY = "an import asks which values other tenants use"

TOKENS = {
    f"{each.name}.{name}": each.table.c[name] for each in TABLES for name in each.of_kind("token")
}
"""The columns that are unique on the server, by their names."""
_TAKEN = {
    name: Query(
        select(column).where(
            in_list(column, "values"), column.table.c.tenant_id != param("tenant_id")
        ),
        str,
        crosses_tenants=_WHY,
    )
    for name, column in TOKENS.items()
}
_CONVERSATIONS = Query(
    select(conversations.c.id).where(
        in_list(conversations.c.id, "values"), conversations.c.tenant_id != param("tenant_id")
    ),
    str,
    crosses_tenants=_WHY,
)
_EMAILS = Query(
    select(logins.c.email).where(
        in_list(logins.c.email, "values"), logins.c.tenant_id != param("tenant_id")
    ),
    str,
    crosses_tenants=_WHY,
)


async def taken_tokens(tx: Tx, column: str, values: Sequence[str]) -> list[str]:
    """Those of these values of a column of `TOKENS` that other tenants use."""
    return await tx.all(_TAKEN[column], values=list(values))


async def taken_conversations(tx: Tx, ids: Sequence[str]) -> list[str]:
    """Those of these ids that conversations of other tenants have: a survey is known by the id of
    its conversation alone."""
    return await tx.all(_CONVERSATIONS, values=list(ids))


async def taken_emails(tx: Tx, emails: Sequence[str]) -> list[str]:
    """Those of these e-mails by which users of other tenants log in."""
    return await tx.all(_EMAILS, values=list(emails))
