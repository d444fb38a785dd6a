"""Fills a database with a tenant, by SQL statements for both databases.

The rows are those that the engine would write. The counters are computed from the rows at the end,
with the names of `koine.store.conversations.counters`.
"""

from collections.abc import Awaitable, Callable, Iterator

from msgspec import Struct

from bench.tenant_size import (
    ADMIN,
    AGENTS,
    BASE,
    CONVERSATION,
    FIRST_AGENT,
    FIRST_DRIVER,
    INBOX,
    INBOXES,
    MESSAGE,
    PERSON,
    RESPONDER,
    SEQ_BITS,
    STEP,
    TenantSize,
    id_ending,
    uuid,
)

Execute = Callable[[str], Awaitable[object]]


class SqlSyntax(Struct, frozen=True):
    """The two expressions that differ between the databases."""

    postgres: bool

    def uuid(self, kind: int, number: str) -> str:
        """The expression of an id, from the expression of its number."""
        if self.postgres:
            time = f"lpad(to_hex(CAST({number} AS bigint)), 12, '0')"
            return f"CAST({time} || '-{id_ending(kind)}' AS uuid)"
        return f"printf('%08x-%04x-{id_ending(kind)}', ({number}) >> 16, ({number}) & 65535)"

    def series(self, first: int | str, last: int | str) -> str:
        """A table with one column `n`, from `first` to `last`."""
        if self.postgres:
            return f"generate_series(CAST({first} AS bigint), {last}) AS s(n)"
        return (
            f"(WITH RECURSIVE s(n) AS (SELECT {first} WHERE {first} <= {last} UNION ALL "
            f"SELECT n + 1 FROM s WHERE n < {last}) SELECT n FROM s) AS s"
        )


def people_and_inboxes(sql: SqlSyntax, size: TenantSize) -> Iterator[str]:
    """The tenant, its people and its inboxes."""
    tenant = size.tenant_id()
    yield _insert(
        "tenants",
        {
            "id": f"'{tenant}'", "number": "1", "slug": "'bench'", "name": "'Bench'",
            "default_responder_id": "NULL", "settings": "'{}'", "created_at": str(BASE),
        },
    )  # fmt: skip
    role = (
        f"CASE WHEN n = {ADMIN} THEN 'tenant_admin' WHEN n = {RESPONDER} THEN NULL "
        f"WHEN n < {FIRST_DRIVER} THEN 'agent' WHEN n < {size.first_customer} THEN 'driver' END"
    )
    yield _insert(
        "identities",
        {
            "tenant_id": f"'{tenant}'", "id": sql.uuid(PERSON, "n"), "number": "n",
            "kind": f"CASE WHEN n = {RESPONDER} THEN 'agent' ELSE 'user' END",
            "name": "'Person ' || n", "first_name": "'Person'", "last_name": "CAST(n AS text)",
            "email": "'person-' || n || '@bench.test'", "role": role, "permissions": "'[]'",
            "blocked": "false", "custom_attributes": "'{}'", "additional_attributes": "'{}'",
            "labels": "'[]'", "settings": "'{}'", "created_at": str(BASE),
            "updated_at": str(BASE),
        },
        sql.series(1, size.people),
    )  # fmt: skip
    yield _insert(
        "inboxes",
        {
            "tenant_id": f"'{tenant}'", "id": sql.uuid(INBOX, "n"), "number": "n",
            "name": "'Inbox ' || n", "channel_type": "'api'", "identifier": "'bench-' || n",
            "hmac_token": "'bench'", "identity_required": "false",
            "single_conversation": "false", "settings": "'{}'", "created_at": str(BASE),
            "updated_at": str(BASE),
        },
        sql.series(1, INBOXES),
    )  # fmt: skip


def conversations(sql: SqlSyntax, size: TenantSize, first: int, last: int) -> Iterator[str]:
    """The conversations numbered `first` to `last`, with their participants and messages."""
    tenant, numbers = f"'{size.tenant_id()}'", sql.series(first, last)
    count = f"CASE WHEN n = 1 THEN {size.deep_messages} ELSE {size.messages} END"
    yield _insert("conversations", _conversation(sql, size, count), numbers)
    for person, read in (("driver", count), ("customer", f"{count} - 2")):
        yield _insert(
            "participants",
            {
                "tenant_id": tenant, "conversation_id": sql.uuid(CONVERSATION, "n"),
                "identity_id": sql.uuid(PERSON, _person(size, person)), "role": "'member'",
                "joined_at": str(BASE), "read_seq": read, "read_public": read,
                "read_message_id": sql.uuid(MESSAGE, f"(n << {SEQ_BITS}) + {read}"),
                "last_activity_at": _at(size, count),
            },
            numbers,
        )  # fmt: skip
    yield _messages(sql, size, numbers, sql.series(1, size.messages))
    if first == 1 and size.deep_messages > size.messages:
        rest = sql.series(size.messages + 1, size.deep_messages)
        yield _messages(sql, size, sql.series(1, 1), rest)


def totals(sql: SqlSyntax, size: TenantSize) -> Iterator[str]:
    """The counters, computed from the rows."""
    tenant = f"'{size.tenant_id()}'"
    if sql.postgres:
        yield "ANALYZE"  # without statistics, the planner joins a million rows by nested loops
    for entity, number in (
        ("conversation", size.conversations), ("identity", size.people), ("inbox", INBOXES),
    ):  # fmt: skip
        yield _counter(tenant, f"'number:{entity}'", str(number), "")
    live = f"FROM conversations WHERE tenant_id = {tenant} AND removed_at IS NULL"
    yield _counter(tenant, "'total:all'", "count(*)", live)
    for name, column in (
        ("status", "status"), ("kind", "kind"), ("priority", "priority"), ("inbox", "inbox_id"),
        ("owner", "owner_id"), ("assignee", "assignee_id"),
    ):  # fmt: skip
        rows = f"{live} AND {column} IS NOT NULL GROUP BY {column}"
        yield _counter(tenant, f"'total:{name}:' || CAST({column} AS text)", "count(*)", rows)
    members = (
        "FROM participants AS p JOIN conversations AS c "
        "ON c.tenant_id = p.tenant_id AND c.id = p.conversation_id "
        f"WHERE p.tenant_id = {tenant} AND p.left_at IS NULL AND c.removed_at IS NULL "
        "GROUP BY p.identity_id"
    )
    member = "'total:member:' || CAST(p.identity_id AS text)"
    yield _counter(tenant, member, "count(*)", members)
    for column in ("status", "kind"):
        yield _counter(
            tenant, f"{member} || ':{column}:' || c.{column}", "count(*)", f"{members}, c.{column}"
        )


def _conversation(sql: SqlSyntax, size: TenantSize, count: str) -> dict[str, str]:
    last = _at(size, count)
    status = "CASE WHEN n % 10 < 4 THEN 'closed' ELSE 'open' END" if size.closed else "'open'"
    agent = sql.uuid(PERSON, f"{FIRST_AGENT} + n % {AGENTS}")
    return {
        "tenant_id": f"'{size.tenant_id()}'", "id": sql.uuid(CONVERSATION, "n"),
        "number": "n", "kind": "CASE WHEN n % 10 = 5 THEN 'team' ELSE 'order' END",
        "status": status, "title": "'#ORD-' || n || ' - Person'",
        "priority": "CASE n % 4 WHEN 0 THEN 'low' WHEN 1 THEN 'medium' WHEN 2 THEN 'high' "
        "ELSE 'urgent' END",
        "channel": "'api'", "source": "'api'",
        "inbox_id": sql.uuid(INBOX, f"1 + n % {INBOXES}"),
        "owner_id": sql.uuid(PERSON, _person(size, "customer")),
        "assignee_id": f"CASE WHEN n % 2 = 0 THEN {agent} END",
        "responder_id": sql.uuid(PERSON, str(RESPONDER)), "responder_active": "true",
        "created_by": sql.uuid(PERSON, str(ADMIN)), "custom_attributes": "'{}'",
        "labels": "'[]'", "last_seq": count, "public_count": count, "last_public_seq": count,
        "last_content": _content(count), "last_sender_kind": "'user'", "last_message_at": last,
        "previous_content": _content(f"{count} - 1"), "previous_sender_kind": "'user'",
        "previous_message_at": _at(size, f"{count} - 1"), "last_activity_at": last,
        "participant_count": "2", "created_at": str(BASE), "updated_at": last,
    }  # fmt: skip


def _messages(sql: SqlSyntax, size: TenantSize, numbers: str, seqs: str) -> str:
    driver, customer = (sql.uuid(PERSON, _person(size, w)) for w in ("driver", "customer"))
    return _insert(
        "messages",
        {
            "tenant_id": f"'{size.tenant_id()}'",
            "id": sql.uuid(MESSAGE, f"(n << {SEQ_BITS}) + seq"),
            "conversation_id": sql.uuid(CONVERSATION, "n"), "seq": "seq",
            "public_seq": "seq",
            "sender_id": f"CASE WHEN seq % 2 = 1 THEN {customer} ELSE {driver} END",
            "sender_kind": "'user'", "type": "'text'", "content": _content("seq"),
            "content_type": "'text'", "content_attributes": "'{}'", "private": "false",
            "created_at": _at(size, "seq"), "updated_at": _at(size, "seq"),
        },
        f"{numbers} CROSS JOIN (SELECT n AS seq FROM {seqs}) AS q ORDER BY n, seq",
    )  # fmt: skip


def _person(size: TenantSize, role: str) -> str:
    if role == "driver":
        return f"{FIRST_DRIVER} + n % {size.drivers}"
    return f"{size.first_customer} + n % {size.customers}"


def _at(size: TenantSize, seq: str) -> str:
    """The time of a message: all first messages come before all second ones, and so on."""
    return f"{BASE} + (CAST({seq} AS bigint) * {size.conversations} + n) * {STEP}"


def _content(seq: str) -> str:
    return f"'The parcel of order ' || n || ' is on its way, message ' || ({seq})"


def _counter(tenant: str, name: str, value: str, rows: str) -> str:
    return f"INSERT INTO counters (tenant_id, name, value) SELECT {tenant}, {name}, {value} {rows}"


def _insert(table: str, values: dict[str, str], rows: str = "") -> str:
    text = f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())}"
    return f"{text} FROM {rows}" if rows else text


async def small(execute: Execute, sql: SqlSyntax, size: TenantSize) -> None:
    """Write a whole small tenant."""
    for statement in (
        *people_and_inboxes(sql, size),
        *conversations(sql, size, 1, size.conversations),
        *totals(sql, size),
    ):
        await execute(statement)


def token_claims(size: TenantSize, person: int, role: str | None) -> dict[str, object]:
    """The claims of a person's access token (docs/dialects/delivery.md)."""
    return {
        "sub": uuid(PERSON, person), "tenant_id": size.tenant_id(), "role": role,
        "permissions": [], "is_system_admin": False,
    }  # fmt: skip
