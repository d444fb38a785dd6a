"""What the SQL of migrations does to the rows that are there: which tables it locks, and for how
many rows."""

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from koine.store.migration_files import Migration

_HEADING = re.compile(r"^-- Running upgrade .*-> (\w+)(?:, .*)?$", re.MULTILINE)
_OWN = {"alembic_version", "server"}
"""Tables with a few rows, in which each migration is recorded."""
_EFFECTS = (
    ("every row is read", r"ALTER TABLE (\w+) ALTER (?:COLUMN )?\w+ SET NOT NULL"),
    ("every row is written", r"ALTER TABLE (\w+) ALTER (?:COLUMN )?\w+ (?:TYPE|ADD GENERATED)"),
    ("every row is read", r"ALTER TABLE (\w+) ADD (?:CONSTRAINT|FOREIGN KEY|CHECK|UNIQUE)"),
    ("changed in a moment", r"ALTER TABLE (\w+) "),
    ("every row is indexed", r"CREATE (?:UNIQUE )?INDEX \w+ ON (\w+)"),
    ("rows are written", r"UPDATE (\w+) "),
    ("rows are written", r"(?:WITH .*?\) ?)?(?:UPDATE|INSERT INTO|DELETE FROM) (\w+)"),
    ("dropped", r"DROP TABLE (\w+)"),
)
_PATTERNS = [(effect, re.compile(text, re.DOTALL)) for effect, text in _EFFECTS]
_CREATED = re.compile(r"CREATE TABLE (\w+)")
_MOMENTARY = {"changed in a moment", "dropped"}


class Step(Struct, frozen=True):
    """One migration with its SQL."""

    migration: Migration
    sql: str


class Lock(Struct, frozen=True):
    """A table that the migrations lock. `effects` say in words what is done to it; `rows` is about
    how many rows must be read or written for that, 0 if it takes a moment."""

    table: str
    effects: list[str]
    rows: int


def steps(sql: str, missing: Sequence[Migration]) -> list[Step]:
    """The SQL of `koine.store.schema.script`, divided into the migrations that are missing."""
    parts = _HEADING.split(sql)
    texts = dict(zip(parts[1::2], parts[2::2], strict=True))
    return [Step(each, texts.get(each.revision, "").strip()) for each in missing]


def locks(sql: str, rows: Mapping[str, int]) -> list[Lock]:
    """The tables that are there and that the SQL locks, most rows first. `rows` are the rows that
    each table has (`Database.estimate_rows`)."""
    created = set(_CREATED.findall(sql)) | _OWN
    effects: dict[str, list[str]] = {}
    for statement in sql.split(";\n"):
        for effect, pattern in _PATTERNS:
            if found := pattern.match(_without_comments(statement)):
                if (table := found[1]) not in created and effect not in effects.get(table, []):
                    effects.setdefault(table, []).append(effect)
                break
    found_locks = [
        Lock(table, done, 0 if set(done) <= _MOMENTARY else rows.get(table, 0))
        for table, done in effects.items()
    ]
    return sorted(found_locks, key=lambda lock: (-lock.rows, lock.table))


def _without_comments(statement: str) -> str:
    return re.sub(r"^--.*\n?", "", statement.strip(), flags=re.MULTILINE).strip()
