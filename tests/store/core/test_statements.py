"""Statements: how they are built and compiled, without a database."""

from types import ModuleType
from typing import Literal

import pytest
import sqlalchemy as sa
from msgspec import Struct

from koine.model.conversation import Conversation
from koine.store.core import statements
from koine.store.core.statements import Query, StatementVariants, param
from koine.store.postgres import renderer as postgres_sql
from koine.store.sqlite import renderer as sqlite_sql
from koine.store.tables import conversations
from koine.store.tables.base import columns_of
from tests.store.scratch import MINE, things

BOTH = pytest.mark.parametrize("renderer", [sqlite_sql, postgres_sql], ids=["sqlite", "postgres"])
c = things.c


@BOTH
def test_constants_are_part_of_the_text(renderer: ModuleType) -> None:
    compiled = renderer.render(
        Query(sa.select(c.id).where(MINE, c.name == "it's", c.count.in_([1, 2])))
    )
    assert compiled.names == ("tenant_id",)
    assert "'it''s'" in compiled.text
    assert "IN (1, 2)" in compiled.text


@BOTH
def test_a_parameter_may_be_named_twice(renderer: ModuleType) -> None:
    twice = sa.or_(c.id == param("id"), c.id > param("id"))
    compiled = renderer.render(Query(sa.select(c.id).where(MINE, twice)))
    assert compiled.bind({"tenant_id": "t", "id": "x"}) in (["t", "x"], ["t", "x", "x"])


@BOTH
def test_a_limit_adds_no_hidden_parameter(renderer: ModuleType) -> None:
    compiled = renderer.render(Query(sa.select(c.id).where(MINE).limit(param("limit"))))
    assert compiled.names == ("tenant_id", "limit")


@BOTH
def test_the_booleans_of_an_answer_are_known_by_place(renderer: ModuleType) -> None:
    two = sa.select(c.id, c.open, c.name, c.open.label("again"), sa.func.count() > 1)
    assert renderer.render(Query(two)).bools == (1, 3, 4)


def test_only_one_backend_locks_rows() -> None:
    query = Query(sa.select(c.id).where(MINE).with_for_update(of=things))
    assert postgres_sql.render(query).text.endswith("FOR UPDATE OF things")
    assert "UPDATE" not in sqlite_sql.render(query).text


class Part(Struct, frozen=True):
    size: Literal[0, 10, 20] = 0


class Variant(Struct, frozen=True, kw_only=True):
    named: bool = False
    order: Literal["new", "old"] = "new"
    part: Part = Part()


def things_of(_variant: Variant) -> Query[str]:
    return Query(sa.select(c.id).where(MINE), str)


def test_a_family_builds_each_variant_once() -> None:
    family = StatementVariants(things_of, Variant)
    assert family.of(Variant(named=True)) is family.of(Variant(named=True))
    assert family.of(Variant()) is not family.of(Variant(part=Part(10)))


def test_a_sample_of_a_family_has_every_pair() -> None:
    asked: list[Variant] = []

    def build(variant: Variant) -> Query[str]:
        asked.append(variant)
        return things_of(variant)

    assert len(StatementVariants(build, Variant).sample()) == 1 + 4 + 5 + 1
    assert {(v.named, v.order) for v in asked} == {(n, o) for n in (0, 1) for o in ("new", "old")}
    assert {(v.order, v.part.size) for v in asked} == {
        (order, size) for order in ("new", "old") for size in (0, 10, 20)
    }
    assert Variant(named=True, order="old", part=Part(20)) in asked


def test_a_statement_knows_where_it_was_built() -> None:
    query = Query(sa.select(c.id).where(MINE))
    assert query in statements.STATEMENTS
    assert query.module == __name__
    assert query.origin.startswith("test_statements.py:")


def test_columns_of_a_struct_are_in_its_order() -> None:
    names = [column.name for column in columns_of(conversations, Conversation)]
    assert names == list(Conversation.__struct_fields__)
