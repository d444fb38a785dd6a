"""What in the SQL of a migration an older node cannot work with."""

import re

_CREATED = re.compile(r"CREATE TABLE (\w+)")
_REBUILT = re.compile(r"CREATE TABLE _alembic_tmp_(\w+)")
_COLUMN = r"ALTER (?:COLUMN )?(\w+)"
_BREAKS = {
    "drops a table": r"DROP TABLE (\w+)",
    "drops a column": r"ALTER TABLE (\w+) DROP (?:COLUMN )?\w+",
    "renames": r"ALTER TABLE (\w+) RENAME",
    "changes a type": rf"ALTER TABLE (\w+) {_COLUMN} (?:SET DATA )?TYPE",
    "adds a column that must be given": (
        r"ALTER TABLE (\w+) ADD (?:COLUMN )?\w+ (?!.*(?:DEFAULT|GENERATED)).*NOT NULL"
    ),
    "forbids NULL": rf"ALTER TABLE (\w+) {_COLUMN} SET NOT NULL",
    "forbids equal values": r"CREATE UNIQUE INDEX \w+ ON (\w+)",
    "forbids values": r"ALTER TABLE (\w+) ADD (?:CONSTRAINT|CHECK|FOREIGN|UNIQUE)",
}
_PATTERNS = {why: re.compile(text, re.IGNORECASE) for why, text in _BREAKS.items()}


def breaks(sql: str) -> list[str]:
    """Each statement that an older node cannot work with, and why.

    Tables that the migration itself creates are no matter: no older node knows them. Nor is a
    column that must be given, if the same migration gives it a default; or a table that SQLite
    creates anew under its own name.
    """
    own = set(_CREATED.findall(sql)) | set(_REBUILT.findall(sql))
    found = []
    for statement in re.split(r";\s*\n", re.sub(r"^--.*$", "", sql, flags=re.MULTILINE)):
        text = " ".join(statement.split())
        for why, pattern in _PATTERNS.items():
            if (match := pattern.match(text)) and match[1] not in own:
                column = match[2] if match.lastindex == 2 else ""
                if why != "forbids NULL" or not _has_default(sql, match[1], column):
                    found.append(f"{why}: {text}")
    return found


def _has_default(sql: str, table: str, column: str) -> bool:
    default = rf"ALTER TABLE {table} ALTER (COLUMN )?{column} (ADD GENERATED|SET DEFAULT)"
    return re.search(default, sql) is not None
