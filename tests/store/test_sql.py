"""Statements: how they are built and spelled, without a database."""

from types import ModuleType

import pytest
import sqlalchemy as sa

from koine.model.conversation import Conversation
from koine.store import sql
from koine.store.postgres import spelling as postgres_sql
from koine.store.sql import Family, Query, p
from koine.store.sqlite import spelling as sqlite_sql
from koine.store.tables import conversations
from koine.store.tables.base import columns_of
from tests.store.scratch import MINE, things

BOTH = pytest.mark.parametrize("spelling", [sqlite_sql, postgres_sql], ids=["sqlite", "postgres"])
c = things.c


@BOTH
def test_constants_are_part_of_the_text(spelling: ModuleType) -> None:
    plan = spelling.plan(Query(sa.select(c.id).where(MINE, c.name == "it's", c.count.in_([1, 2]))))
    assert plan.names == ("tenant_id",)
    assert "'it''s'" in plan.text
    assert "IN (1, 2)" in plan.text


@BOTH
def test_a_parameter_may_be_named_twice(spelling: ModuleType) -> None:
    twice = sa.or_(c.id == p("id"), c.id > p("id"))
    plan = spelling.plan(Query(sa.select(c.id).where(MINE, twice)))
    assert plan.bind({"tenant_id": "t", "id": "x"}) in (["t", "x"], ["t", "x", "x"])


@BOTH
def test_a_limit_adds_no_hidden_parameter(spelling: ModuleType) -> None:
    plan = spelling.plan(Query(sa.select(c.id).where(MINE).limit(p("limit"))))
    assert plan.names == ("tenant_id", "limit")


@BOTH
def test_the_booleans_of_an_answer_are_known_by_place(spelling: ModuleType) -> None:
    two = sa.select(c.id, c.open, c.name, c.open.label("again"), sa.func.count() > 1)
    assert spelling.plan(Query(two)).bools == (1, 3, 4)


def test_only_one_backend_locks_rows() -> None:
    query = Query(sa.select(c.id).where(MINE).with_for_update(of=things))
    assert postgres_sql.plan(query).text.endswith("FOR UPDATE OF things")
    assert "UPDATE" not in sqlite_sql.plan(query).text


def test_a_family_builds_each_member_once() -> None:
    family = Family(lambda names: sa.select(c.id).where(MINE), str, filters={"a", "b"})
    assert family.of({"a"}) is family.of(["a"])
    assert family.of() is not family.of({"a", "b"})
    with pytest.raises(KeyError, match="typo"):
        family.of({"typo"})


def test_a_sample_of_a_family_has_every_pair() -> None:
    family = Family(lambda names: sa.select(c.id).where(MINE), filters="abcd")
    assert len(family.sample()) == 1 + 4 + 6 + 1


def test_a_statement_knows_where_it_was_built() -> None:
    query = Query(sa.select(c.id).where(MINE))
    assert query in sql.STATEMENTS
    assert query.module == __name__
    assert query.origin.startswith("test_sql.py:")


def test_columns_of_a_struct_are_in_its_order() -> None:
    names = [column.name for column in columns_of(conversations, Conversation)]
    assert names == list(Conversation.__struct_fields__)
