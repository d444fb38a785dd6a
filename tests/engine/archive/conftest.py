"""An archive to look into, and to forge."""

import asyncio
from pathlib import Path

import pytest

from koine.engine.archive.exporting import ExportOptions, export_tenant
from koine.model.actor import operator
from tests.cast import make_cast
from tests.engine.archive.archived import fill
from tests.support import databases


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of a small tenant, not encrypted."""
    folder = tmp_path_factory.mktemp("archive")
    asyncio.run(_export(folder))
    return folder / "acme.koine"


async def _export(folder: Path) -> None:
    async with databases.sqlite(folder) as db:
        cast = await make_cast(db, data_dir=str(folder / "data"))
        await fill(cast)
        admin = operator(cast.acme.tenant.id)
        await export_tenant(cast.engine, admin, folder / "acme.koine", ExportOptions())
