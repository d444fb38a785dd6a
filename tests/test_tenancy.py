"""Every statement of the store names its tenant; planted ones prove that the test can fail."""

import importlib
import pkgutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from koine import store
from koine.store.core import statements
from tests.support import tenancy

OURS = {path.name for path in Path(store.__path__[0]).rglob("*.py")}


@pytest.fixture(scope="module")
def all_statements() -> list[statements.Statement]:
    for found in pkgutil.walk_packages(store.__path__, "koine.store."):
        if ".migrations" not in found.name:
            importlib.import_module(found.name)
    families = [query for family in list(statements.VARIANTS) for query in family.sample()]
    # Other tests build statements, too; the rule is for those of the store.
    return [s for s in statements.STATEMENTS if s.origin.split(":")[0] in OURS or s in families]


def test_every_statement_names_its_tenant(all_statements: list[statements.Statement]) -> None:
    complaints = [line for s in all_statements for line in tenancy.violations(s)]
    assert all_statements
    assert not complaints, "\n".join(sorted(set(complaints)))


TABLES = sa.MetaData()
TENANTS = sa.Table("tenants", TABLES, sa.Column("id"), sa.Column("name"))
A = sa.Table("a", TABLES, sa.Column("tenant_id"), sa.Column("id"))
B = sa.Table("b", TABLES, sa.Column("tenant_id"), sa.Column("id"), sa.Column("a_id"))
MINE = statements.param("tenant_id")
A2 = A.alias("a2")
OF_B = sa.select(B.c.tenant_id, B.c.a_id).subquery()


@pytest.mark.parametrize(
    ("core", "table"),
    [
        (sa.select(A.c.id), "a"),
        (sa.select(A.c.tenant_id, A.c.id).where(A.c.id == statements.param("id")), "a"),
        (sa.select(A.c.id).where(A.c.tenant_id == statements.param("other")), "a"),
        (sa.select(A.c.id).join(B, B.c.a_id == A.c.id).where(A.c.tenant_id == MINE), "b"),
        (sa.select(A.c.id).join(A2, A2.c.id == A.c.id).where(A.c.tenant_id == MINE), "a"),
        (sa.select(A.c.id).where(A.c.tenant_id == MINE, A.c.id.in_(sa.select(B.c.a_id))), "b"),
        (sa.select(sa.func.count()).select_from(A), "a"),
        (sa.select(OF_B.c.a_id), "b"),
        (sa.update(A).values(id=1), "a"),
        (sa.delete(A).where(A.c.id == statements.param("id")), "a"),
        (sa.insert(A).values(id=statements.param("id")), "a"),
        (sa.select(TENANTS.c.name), "tenants"),
    ],
)
def test_a_table_without_its_tenant_is_reported(core: sa.ClauseElement, table: str) -> None:
    assert tenancy.unnamed(core) == [table]


@pytest.mark.parametrize(
    "core",
    [
        sa.select(A.c.id).where(A.c.tenant_id == MINE),
        sa.select(A.c.id).join(B, B.c.tenant_id == A.c.tenant_id).where(A.c.tenant_id == MINE),
        sa.select(OF_B.c.a_id).where(OF_B.c.tenant_id == MINE),
        sa.update(A).values(id=1).where(A.c.tenant_id == MINE),
        sa.insert(A).values(tenant_id=MINE, id=statements.param("id")),
        sa.select(TENANTS.c.name).where(TENANTS.c.id == MINE),
    ],
)
def test_a_table_with_its_tenant_is_accepted(core: sa.ClauseElement) -> None:
    assert tenancy.unnamed(core) == []
