"""Queries and paths that are no numbers, no words of ours, no text: never a 500."""

from collections.abc import Callable

import pytest
from msgspec import inspect

from koine.server import dialects
from tests.authz_matrix.runner import Run
from tests.bad_input.prober import Prober, fields, rows
from tests.bad_input.values import COUNTS, ENCODINGS, FAR, NUMBERS, PLACES

SPOKEN = {each.name: each for each in dialects()}
Record = Callable[[str, object], None]
COUNTED = "counted: bad inputs"
QUERIES = list(rows([*SPOKEN.values()], "query"))


@pytest.mark.parametrize(("name", "route"), QUERIES)
async def test_a_number_that_counts_nothing_is_refused(
    run: Run, name: str, route: str, record_property: Record
) -> None:
    asker = Prober(run, SPOKEN[name], route)
    body = await asker.sent()
    for field in fields(asker.route.query):
        for number in NUMBERS:
            query = f"{field.encode_name}={number}"
            counts = field.encode_name in COUNTS and number != FAR
            await asker.expect(query, query=query, body=body, refused=counts)
    record_property(COUNTED, asker.asked)
    assert asker.wrong == []


@pytest.mark.parametrize(("name", "route"), QUERIES)
async def test_a_word_that_is_none_of_ours_is_refused(
    run: Run, name: str, route: str, record_property: Record
) -> None:
    asker = Prober(run, SPOKEN[name], route)
    body = await asker.sent()
    for field in fields(asker.route.query):
        if "Literal" in repr(inspect.type_info(field.type)):
            query = f"{field.encode_name}=no-word-of-ours"
            await asker.expect(query, query=query, body=body)
    for bytes_ in ENCODINGS:
        for query in (f"search={bytes_}", f"{bytes_}=1", f"page=1&unknown={bytes_}"):
            await asker.expect(query, query=query, body=body)
    record_property(COUNTED, asker.asked)
    assert asker.wrong == []


@pytest.mark.parametrize(("name", "route"), list(rows([*SPOKEN.values()], "path")))
async def test_a_place_that_is_no_id_is_nothing(
    run: Run, name: str, route: str, record_property: Record
) -> None:
    asker = Prober(run, SPOKEN[name], route)
    body = await asker.sent()
    before = await asker.prints()
    for part in [each[1:-1] for each in asker.path.split("/") if each.startswith("{")]:
        for value in PLACES:
            place = {part: value.replace("{id}", "%7Bid%7D")}
            await asker.expect(f"{part}={value[:40]}", path=place, body=body)
    record_property(COUNTED, asker.asked)
    assert asker.wrong == []
    assert await asker.prints() == before
