"""No table and no column is forgotten by the archives of tenants."""

import pytest
import sqlalchemy as sa

from koine.store.archive import columns
from koine.store.archive.columns import NOT_ARCHIVED, TABLES, TENANT
from koine.store.archive.rows import row_type
from koine.store.core.types import Uuid
from koine.store.tables import metadata


def test_every_table_is_archived_or_there_is_a_reason() -> None:
    archived = {TENANT.name, *(table.name for table in TABLES)}
    assert archived | NOT_ARCHIVED.keys() == set(metadata.tables)
    assert not archived & NOT_ARCHIVED.keys()
    assert all(NOT_ARCHIVED.values())


def test_every_column_is_in_the_list() -> None:
    for each in (TENANT, *TABLES):
        assert [*each.kinds] == [c.name for c in each.table.columns if c.name != "tenant_id"]


def test_a_new_column_is_reported() -> None:
    table = sa.Table("things", sa.MetaData(), sa.Column("id"), sa.Column("new"))
    with pytest.raises(TypeError, match="new"):
        columns._table(table, id="id")
    with pytest.raises(TypeError, match="old"):
        columns._table(table, id="id new old")


def test_the_kind_id_is_that_of_every_column_with_ids() -> None:
    for each in (TENANT, *TABLES):
        ids = [name for name in each.kinds if isinstance(each.table.c[name].type, Uuid)]
        assert each.of_kind("id") == ids, each.name


def test_unique_text_of_the_whole_server_is_of_the_kind_token() -> None:
    unique = {
        (table.name, column.name)
        for table in metadata.sorted_tables
        for index in table.indexes
        if index.unique
        and table.name not in (TENANT.name, *NOT_ARCHIVED)
        and "tenant_id" not in index.columns
        for column in index.columns
    }
    assert unique == {(each.name, name) for each in TABLES for name in each.of_kind("token")}


def test_rows_come_after_those_they_refer_to() -> None:
    order = [table.name for table in TABLES]
    for each in TABLES:
        for key in each.table.foreign_keys:
            assert order.index(key.column.table.name) < order.index(each.name)


def test_a_row_has_a_field_for_each_column_in_archives() -> None:
    for each in TABLES:
        left_out = each.of_kind("derived", "here")
        assert {*row_type(each).__struct_fields__} == each.kinds.keys() - set(left_out)
