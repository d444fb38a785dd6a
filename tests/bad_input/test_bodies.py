"""Bodies that are no JSON, of the wrong type, or with texts that cannot be stored: a 4xx in the
dialect's error format, never a 500, and no row is changed."""

from collections.abc import Callable

import msgspec
import pytest

from koine.http.coercion import CoercingBodyReader
from koine.http.route import Route
from koine.server import dialects
from tests.authz_matrix.expectations import YES
from tests.authz_matrix.runner import Run
from tests.bad_input.prober import REFUSED_ROWS, Prober, fields, rows
from tests.bad_input.values import BODIES, LARGE, TEXTS, TYPES, UNSTORABLE, raw

SPOKEN = {each.name: each for each in dialects()}
Record = Callable[[str, object], None]
COUNTED = "counted: bad inputs"
EVERY = pytest.mark.parametrize(("name", "route"), list(rows([*SPOKEN.values()], "body")))


@EVERY
async def test_what_is_no_json_object_changes_nothing(
    run: Run, name: str, route: str, record_property: Record
) -> None:
    prober = Prober(run, SPOKEN[name], route)
    valid = await prober.expect("a valid request", body=await prober.valid_body(), refused=False)
    assert valid.status in YES or prober.row.right in REFUSED_ROWS, valid.text
    run.targets.forget_all()
    await prober.body()
    before = await prober.fingerprint()
    for what, body in BODIES.items():
        # For a route that accepts forms, an empty list is an empty body (inbox.md, F).
        if not (prober.route.forms and what == "an array"):
            await prober.expect(what, body=body)
    record_property(COUNTED, prober.requests)
    assert prober.wrong == []
    assert await prober.fingerprint() == before


@EVERY
async def test_a_field_of_a_wrong_type_changes_nothing(
    run: Run, name: str, route: str, record_property: Record
) -> None:
    prober = Prober(run, SPOKEN[name], route)
    good = await prober.body()
    before = await prober.fingerprint()
    for field in fields(prober.route.body):
        for value in TYPES:
            body = good | {field.encode_name: value}
            if not fits(body, prober.route):
                await prober.expect(f"{field.encode_name}: {value!r}", body=raw(body))
    record_property(COUNTED, prober.requests)
    assert prober.wrong == []
    assert await prober.fingerprint() == before


@EVERY
async def test_a_text_that_cannot_be_stored_changes_nothing(
    run: Run, name: str, route: str, record_property: Record
) -> None:
    prober = Prober(run, SPOKEN[name], route)
    good = await prober.body()
    before = await prober.fingerprint()
    for field in fields(prober.route.body):
        for what, text in UNSTORABLE.items():
            for value in (text, [text], {"a": text}, {text: 1}):
                body = raw(good | {field.encode_name: value})
                await prober.expect(f"{field.encode_name}: {what}", body=body)
    record_property(COUNTED, prober.requests)
    assert prober.wrong == []
    assert await prober.fingerprint() == before


@EVERY
async def test_an_unusual_text_or_number_is_never_a_500(
    run: Run, name: str, route: str, record_property: Record
) -> None:
    prober = Prober(run, SPOKEN[name], route)
    values: list[tuple[str, object]] = [
        (w, v) for w, text in TEXTS.items() for v in (text, [text], {"a": text})
    ]
    values += [(str(number), number) for number in LARGE]
    for field in fields(prober.route.body):
        for what, value in values:
            body = raw(await prober.body() | {field.encode_name: value})
            reply = await prober.expect(f"{field.encode_name}: {what}", body=body, refused=False)
            if reply.status in YES:
                run.targets.forget_all()
    record_property(COUNTED, prober.requests)
    assert prober.wrong == []


def fits(body: object, route: Route) -> bool:
    """Whether the route's body type accepts it, with coercion where the route accepts forms."""
    assert route.body is not None
    try:
        msgspec.convert(
            CoercingBodyReader(route.body).json(body) if route.forms else body, route.body
        )
    except msgspec.ValidationError:
        return False
    return True
