"""Rows are mapped to structs by the names of their columns."""

import pytest
from msgspec import Struct
from sqlalchemy import literal

from koine.store.core.row_mapper import RowMapper
from tests.store.scratch import things

c = things.c


class Thing(Struct, frozen=True):
    name: str
    id: str
    note: str = "none"


class Holder(Struct, frozen=True):
    id: str
    count: int
    thing: Thing | None = None


def test_columns_are_in_the_order_of_the_fields_and_others_are_named() -> None:
    row = RowMapper(Thing, things, note=c.count)
    assert row.columns == [c.name, c.id, c.count]
    assert row.into("a", "1", "n") == Thing(name="a", id="1", note="n")
    assert row.into is Thing


def test_the_last_field_may_be_a_row_of_its_own_or_be_missing() -> None:
    row = RowMapper(Holder, things, thing=RowMapper(Thing, things, note=literal("x")))
    assert [column.key for column in row.columns[:4]] == ["id", "count", "name", "id"]
    assert row.into("1", 2, "a", "3", "x") == Holder("1", 2, Thing("a", "3", "x"))
    assert row.into("1", 2, None, None, None) == Holder("1", 2, None)


def test_a_field_left_out_of_the_row_has_its_default() -> None:
    row = RowMapper(Holder, things, thing=None)
    assert row.columns == [c.id, c.count]
    assert row.into("1", 2) == Holder("1", 2)


@pytest.mark.parametrize(
    "fields", [{}, {"note": None, "nothing": c.id}, {"id": None, "note": c.id}]
)
def test_names_that_do_not_fit_are_refused_when_it_is_built(fields: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        RowMapper(Thing, things, **fields)  # type: ignore[arg-type]  # wrong on purpose
