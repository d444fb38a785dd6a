"""Invalid values in queries and paths: never a 500."""

from collections.abc import Callable

import pytest
from msgspec import inspect

from koine.server import dialects
from tests.authz_matrix.runner import Run
from tests.bad_input.prober import Prober, fields, rows
from tests.bad_input.values import COUNTS, ENCODINGS, FAR, NUMBERS, PATH_VALUES

SPOKEN = {each.name: each for each in dialects()}
Record = Callable[[str, object], None]
COUNTED = "counted: bad inputs"
QUERIES = list(rows([*SPOKEN.values()], "query"))


@pytest.mark.parametrize(("name", "route"), QUERIES)
async def test_an_invalid_number_in_a_query_is_refused(
    run: Run, name: str, route: str, record_property: Record
) -> None:
    prober = Prober(run, SPOKEN[name], route)
    body = await prober.valid_body()
    for field in fields(prober.route.query):
        for number in NUMBERS:
            query = f"{field.encode_name}={number}"
            counts = field.encode_name in COUNTS and number != FAR
            await prober.expect(query, query=query, body=body, refused=counts)
    record_property(COUNTED, prober.requests)
    assert prober.wrong == []


@pytest.mark.parametrize(("name", "route"), QUERIES)
async def test_an_unknown_value_or_encoding_in_a_query_is_refused(
    run: Run, name: str, route: str, record_property: Record
) -> None:
    prober = Prober(run, SPOKEN[name], route)
    body = await prober.valid_body()
    for field in fields(prober.route.query):
        if "Literal" in repr(inspect.type_info(field.type)):
            query = f"{field.encode_name}=no-such-value"
            await prober.expect(query, query=query, body=body)
    for bytes_ in ENCODINGS:
        for query in (f"search={bytes_}", f"{bytes_}=1", f"page=1&unknown={bytes_}"):
            await prober.expect(query, query=query, body=body)
    record_property(COUNTED, prober.requests)
    assert prober.wrong == []


@pytest.mark.parametrize(("name", "route"), list(rows([*SPOKEN.values()], "path")))
async def test_an_invalid_id_in_a_path_is_refused(
    run: Run, name: str, route: str, record_property: Record
) -> None:
    prober = Prober(run, SPOKEN[name], route)
    body = await prober.valid_body()
    before = await prober.fingerprint()
    for part in [each[1:-1] for each in prober.path.split("/") if each.startswith("{")]:
        for value in PATH_VALUES:
            parameters = {part: value.replace("{id}", "%7Bid%7D")}
            await prober.expect(f"{part}={value[:40]}", path=parameters, body=body)
    record_property(COUNTED, prober.requests)
    assert prober.wrong == []
    assert await prober.fingerprint() == before
