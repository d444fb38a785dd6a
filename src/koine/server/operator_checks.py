"""Checks of `koine doctor` that no start makes: connections and rights of PostgreSQL, the programs
and the disk of backups, the service's unit."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from koine.kit.amounts import size
from koine.kit.lazy_import import LazyModule
from koine.kit.settings import PREFIX, Settings
from koine.server.data_folder import nearest_existing
from koine.server.preflight import Finding

if TYPE_CHECKING:
    from koine.store.postgres import operator_facts as postgres
else:
    postgres = LazyModule("koine.store.postgres.operator_facts")

CONNECTIONS_BESIDE_POOL = 3
"""Of each process: two for sends, one for notifications."""
PROGRAMS = ("pg_dump", "pg_restore")
UNIT = Path("/etc/systemd/system/koine.service")
ENVIRONMENT_FILE = Path("/etc/koine/koine.env")
_VERSION_SECONDS = 10
_STOP_TIMEOUT = re.compile(r"^TimeoutStopSec=(\d+)s?$", re.MULTILINE)
_VARIABLE = re.compile(rf"^\s*({PREFIX}\w+)=", re.MULTILINE)


async def check_server(settings: Settings) -> list[Finding]:
    """What the PostgreSQL server of the settings allows this node to do."""
    try:
        facts = await postgres.operator_facts(settings.database_url)
    except Exception as error:
        return [Finding("problem", "rights", f"cannot be checked: {type(error).__name__}")]
    return [
        _connections(facts, settings),
        *_rights(facts),
        *_schemas(facts),
        *check_programs(settings, facts.major),
    ]


def check_programs(settings: Settings, major: int) -> Iterator[Finding]:
    """Whether the programs of backups are there, and not older than the server's `major`."""
    for program in PROGRAMS:
        path = shutil.which(program, path=settings.postgres_programs or None)
        if path is None:
            where = settings.postgres_programs or "the search path"
            advice = (
                f"for `koine backup`: apt install postgresql-client-{major}, or name the folder "
                "with KOINE_POSTGRES_PROGRAMS"
            )
            yield Finding("warning", "backups", f"no {program} in {where}", advice)
            continue
        version = _major_of(path)
        if version is not None and version < major:
            found = f"{path} is of PostgreSQL {version}, and the server of {major}"
            advice = f"apt install postgresql-client-{major}: an older one cannot read the server"
            yield Finding("warning", "backups", found, advice)


def check_backup_folder(folder: Path, bytes_of_database: int, settings: Settings) -> list[Finding]:
    """Whether a backup into `folder` has the right to write there, and the space."""
    there = nearest_existing(folder)
    if not os.access(there, os.W_OK | os.X_OK):
        return [Finding("problem", "backups", f"{there} cannot be written", "see `koine backup`")]
    uploads = sum(
        file.stat().st_size
        for file in (Path(settings.data_dir) / "files").rglob("*")
        if file.is_file()
    )
    free, needed = shutil.disk_usage(there).free, 3 * bytes_of_database + 2 * uploads
    found = f"{size(free)} free in {there}, a verified backup needs {size(needed)}"
    if free < needed:
        return [Finding("warning", "backups", found, "free some space, or use --no-verify")]
    return [Finding("ok", "backups", found)]


def check_service(
    env: Mapping[str, str],
    settings: Settings,
    unit: Path = UNIT,
    environment_file: Path = ENVIRONMENT_FILE,
) -> Iterator[Finding]:
    """Whether the unit and the environment file of the service agree with these settings, if they
    are there."""
    yield from _check_environment_file(env, environment_file)
    try:
        drop_ins = sorted(unit.with_suffix(".service.d").glob("*.conf"))
        texts = [file.read_text() for file in (unit, *drop_ins)]
    except OSError:
        return
    stops = [int(seconds) for text in texts for seconds in _STOP_TIMEOUT.findall(text)]
    needed = settings.drain_seconds + settings.grace_seconds
    if stops and stops[-1] <= needed:
        found = f"systemd kills the server {stops[-1]} s after a stop, which may take {needed} s"
        advice = f"set TimeoutStopSec above {needed}: systemctl edit koine"
        yield Finding("warning", "service", found, advice)


def _check_environment_file(env: Mapping[str, str], file: Path) -> Iterator[Finding]:
    try:
        mode, text = file.stat().st_mode, file.read_text()
    except OSError:
        return
    if mode & 0o007:
        found = f"everybody can read {file}, which may hold a password and a key"
        yield Finding("problem", "service", found, f"chmod 640 {file}")
    missing = sorted(set(_VARIABLE.findall(text)) - set(env))
    if missing:
        found = f"{file} sets {', '.join(missing)}, and this command runs without"
        advice = "run koine with the settings of the service: see docs/install.md"
        yield Finding("warning", "service", found, advice)


def _connections(facts: "postgres.OperatorFacts", settings: Settings) -> Finding:
    of_each = settings.pool_size + CONNECTIONS_BESIDE_POOL
    needed = settings.workers * of_each
    found = (
        f"this node opens up to {needed} (workers {settings.workers} × {of_each}); "
        f"the server allows {facts.connections_allowed}, others use {facts.connections_of_others} "
        f"and Koine {facts.connections_of_koine} now"
    )
    advice = "raise max_connections, or lower KOINE_POOL_SIZE or KOINE_WORKERS"
    if needed > facts.connections_allowed:
        return Finding("problem", "connections", found, advice)
    if max(needed, facts.connections_of_koine) + facts.connections_of_others > (
        facts.connections_allowed
    ):
        return Finding("warning", "connections", found, advice)
    return Finding("ok", "connections", found)


def _rights(facts: "postgres.OperatorFacts") -> Iterator[Finding]:
    if not facts.may_create_databases:
        found = f"{facts.role} may not create databases: backups are written, but not verified"
        advice = f"ALTER ROLE {facts.role} CREATEDB, or koine backup --no-verify"
        yield Finding("warning", "backups", found, advice)
    if facts.schema is not None and not facts.may_create_tables:
        found = f"{facts.role} may not create tables in the schema {facts.schema}"
        advice = f"GRANT CREATE ON SCHEMA {facts.schema} TO {facts.role}: migrations need it"
        yield Finding("problem", "rights", found, advice)


def _schemas(facts: "postgres.OperatorFacts") -> Iterator[Finding]:
    if facts.schema is None:
        found = f"no schema of the search path ({facts.search_path}) exists or may be used"
        advice = f"GRANT USAGE, CREATE ON SCHEMA public TO {facts.role}, or set another search_path"
        yield Finding("problem", "schema", found, advice)
    if not facts.table_schemas and facts.other_schemas:
        found = (
            f"the search path ({facts.search_path}) does not reach the tables, "
            f"which are in the schema {', '.join(facts.other_schemas)}"
        )
        advice = f"ALTER ROLE {facts.role} SET search_path = {facts.other_schemas[0]}"
        yield Finding("problem", "schema", found, advice)
    elif facts.table_schemas and facts.table_schemas[0] != facts.schema:
        found = f"the tables are in {facts.table_schemas[0]}, new ones would go into {facts.schema}"
        advice = f"ALTER ROLE {facts.role} SET search_path = {facts.table_schemas[0]}"
        yield Finding("warning", "schema", found, advice)


def _major_of(program: str) -> int | None:
    """The version that `pg_dump --version` prints; None if it does not say one."""
    try:
        said = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=_VERSION_SECONDS,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(found[1]) if found else None
