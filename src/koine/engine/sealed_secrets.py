"""The secrets that the server's keys have encrypted: counted by key, and encrypted anew.

`reseal` follows a change of keys. It works in small batches while nodes serve, may be stopped at
any point, and skips what the newest key has encrypted already. The secrets themselves stay, so
neither receivers nor clients notice.
"""

from collections.abc import Callable
from typing import Final

from msgspec import Struct, field, structs

from koine.engine.contacts.hmac_tokens import TOKEN_BYTES
from koine.engine.core.encryption import SealingKeys, named_key
from koine.engine.core.engine import Engine
from koine.engine.core.server_keys import STORED_KEY, USED_KEY, ServerKeys
from koine.kit.tokens import random_token
from koine.store import sealed_secrets as rows
from koine.store import server_values
from koine.store.core.db import Database, Tx
from koine.store.sealed_secrets import SealedKind, SealedRow, SealedTable

CLEAR_UNTIL: Final = "clear_hmac_tokens_until"
"""The server's value with the time (µs, as text) until which HMAC tokens are left in clear text, as
nodes of the version before may read them: the migration writes it."""
MAX_LISTED: Final = 1000
"""Most rows that a report lists."""


class UnopenedRow(Struct, frozen=True):
    """A row with values that no key opens: `values` names them, `keys` has the identifiers of the
    keys they name (not those of an older Koine, which name none)."""

    tenant: str
    kind: SealedKind
    id: str
    name: str
    values: list[str]
    keys: list[str]


class SealedReport(Struct):
    """Encrypted values, counted by the identifier of the key that opens them. `clear` counts HMAC
    tokens in clear text, `unopened_values` those that no key opens, `unopened_rows` their rows, of
    which `unopened` lists the first `MAX_LISTED`."""

    by_key: dict[str, int] = field(default_factory=dict)
    clear: int = 0
    unopened_values: int = 0
    unopened_rows: int = 0
    unopened: list[UnopenedRow] = field(default_factory=list)


class Resealed(Struct):
    """What `reseal` did: how many values it encrypted anew, how many HMAC tokens in clear text it
    encrypted, how many expired secrets it dropped, how many values no key opens; and whether the
    newest key is the one stored in the database, or that one is removed."""

    resealed: int = 0
    sealed: int = 0
    dropped: int = 0
    unopened: int = 0
    newest_in_database: bool = False
    stored_key_removed: bool = False


async def survey(
    db: Database, server_keys: ServerKeys, now: int, *, thorough: bool = True
) -> SealedReport:
    """Count what is encrypted with which key. `thorough` decrypts each value; otherwise one that
    names a known key counts as opened by it, which is cheap enough for each start."""
    report = SealedReport()
    names = await db.read("", rows.slugs)
    for table in rows.SEALED:
        after: tuple[str, str] | None = rows.FIRST
        while after is not None:
            page = await db.read_long("", rows.find_page, table, after)
            for row in page:
                _count(report, server_keys.sealing, (table.kind, names), row, now, thorough)
            after = _next(page)
    return report


async def reseal(
    engine: Engine, progress: Callable[[int], None] = lambda rows_done: None
) -> Resealed:
    """Encrypt everything with the newest key; `progress` gets the number of rows of each batch.

    Then the key that is stored in the database is removed, unless it is the newest itself: no value
    needs it any more. Raises Unavailable.
    """
    done = Resealed(newest_in_database=engine.server_keys.newest_is_stored)
    for table in rows.SEALED:
        await _reseal_table(engine, table, done, progress)
    await engine.db.write("", server_values.put, CLEAR_UNTIL, "0")
    if engine.server_keys.stored_id is not None and not engine.server_keys.newest_is_stored:
        # Once more, for what a node that had not been given the newest key has encrypted meanwhile.
        done.unopened = 0
        for table in rows.SEALED:
            await _reseal_table(engine, table, done, lambda rows_done: None)
        await engine.db.write("", _remove_stored, engine.server_keys.sealing.ids[0])
        done.stored_key_removed = True
    return done


async def seal_clear_tokens(engine: Engine) -> int:
    """Encrypt the HMAC tokens that are in clear text, unless nodes of the version before may still
    read them; returns how many. Raises Unavailable."""
    until = await engine.db.read("", server_values.get, CLEAR_UNTIL)
    if int(until or 0) > engine.clock.now() or not await has_clear_tokens(engine.db):
        return 0
    done = Resealed()
    await _reseal_table(engine, rows.HMAC_TOKENS, done, lambda rows_done: None)
    return done.sealed


async def count_rows(db: Database) -> int:
    """How many rows `reseal` reads. Raises Unavailable."""
    return await db.read_long("", rows.count)


async def has_clear_tokens(db: Database) -> bool:
    """Whether an HMAC token is in clear text. Raises Unavailable."""
    return await db.read_long("", rows.has_clear_tokens)


async def _reseal_table(
    engine: Engine, table: SealedTable, done: Resealed, progress: Callable[[int], None]
) -> None:
    after: tuple[str, str] | None = rows.FIRST
    while after is not None:
        now = engine.clock.now()
        page, batch = await engine.db.write("", _reseal_page, table, engine.encryption, after, now)
        done.resealed += batch.resealed
        done.sealed += batch.sealed
        done.dropped += batch.dropped
        done.unopened += batch.unopened
        progress(len(page))
        after = _next(page)


async def _reseal_page(
    tx: Tx, table: SealedTable, keys: SealingKeys, after: tuple[str, str], now: int
) -> tuple[list[SealedRow], Resealed]:
    batch = Resealed()
    page = await rows.find_page(tx, table, after, lock=True)
    changed = [(row, new) for row in page if (new := _resealed_row(keys, row, now, batch)) != row]
    if changed:
        await rows.change_many(tx, table, [new for _, new in changed])
    return page, batch


def _resealed_row(keys: SealingKeys, row: SealedRow, now: int, batch: Resealed) -> SealedRow:
    if row.secret is None and row.clear is not None:
        sealed = keys.encrypt(row.clear.encode())
        row = structs.replace(row, secret=sealed, clear=random_token(TOKEN_BYTES))
        batch.sealed += 1
    old = row.old_secret
    if old is not None and (row.old_until or 0) <= now:
        old = None
        batch.dropped += 1
    return structs.replace(
        row,
        secret=_resealed(keys, row.secret, batch),
        old_secret=_resealed(keys, old, batch),
        headers=_resealed(keys, row.headers, batch),
    )


def _resealed(keys: SealingKeys, value: bytes | None, batch: Resealed) -> bytes | None:
    if value is None or keys.is_newest(value):
        return value
    try:
        plain = keys.decrypt(value)
    except ValueError:
        batch.unopened += 1
        return value
    batch.resealed += 1
    return keys.encrypt(plain)


async def _remove_stored(tx: Tx, newest: str) -> None:
    """The identifier of the newest key stays, so that no process generates another key."""
    await server_values.put(tx, USED_KEY, newest)
    await server_values.delete_one(tx, STORED_KEY)


def _count(
    report: SealedReport,
    keys: SealingKeys,
    about: tuple[SealedKind, dict[str, str]],
    row: SealedRow,
    now: int,
    thorough: bool,
) -> None:
    if row.secret is None and row.clear is not None:
        report.clear += 1
    old = row.old_secret if (row.old_until or 0) > now else None
    closed: dict[str, bytes] = {}
    for name, value in (("secret", row.secret), ("old_secret", old), ("headers", row.headers)):
        if value is None:
            continue
        key = _key_of(keys, value, thorough)
        if key is None:
            closed[name] = value
        else:
            report.by_key[key] = report.by_key.get(key, 0) + 1
    if not closed:
        return
    report.unopened_values += len(closed)
    report.unopened_rows += 1
    if len(report.unopened) < MAX_LISTED:
        kind, names = about
        missing = sorted({id_ for each in closed.values() if (id_ := named_key(each))})
        tenant = names.get(row.tenant_id, row.tenant_id)
        report.unopened.append(UnopenedRow(tenant, kind, row.id, row.name, list(closed), missing))


def _key_of(keys: SealingKeys, value: bytes, thorough: bool) -> str | None:
    named = named_key(value)
    if not thorough and named in keys.ids:
        return named
    return keys.opening_key(value)


def _next(page: list[SealedRow]) -> tuple[str, str] | None:
    """After which row the next page begins; None after the last."""
    return (page[-1].tenant_id, page[-1].id) if len(page) == rows.BATCH else None
