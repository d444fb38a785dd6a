"""Both databases with Koine's tables, opened as the server opens them."""

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from koine.store.db import Database
from tests.support.shared_postgres import SharedPostgres


@asynccontextmanager
async def sqlite(directory: Path) -> AsyncIterator[Database]:
    """A new file in `directory`."""
    opened = await _class("sqlite", "SqliteDatabase").open(directory / "koine.db")
    try:
        await _create(opened)
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def postgres(shared: SharedPostgres) -> AsyncIterator[Database]:
    """A new database on the run's PostgreSQL, a copy of the one that got the tables."""
    opened = await _class("postgres", "PostgresDatabase").open(shared.new_database(_tables))
    try:
        yield opened
    finally:
        await opened.close()


async def _tables(url: str) -> None:
    opened = await _class("postgres", "PostgresDatabase").open(url)
    try:
        await _create(opened)
    finally:
        await opened.close()


async def _create(opened: Database) -> None:
    await importlib.import_module("koine.store.schema").create(opened)


def _class(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f"koine.store.{module}"), name)
