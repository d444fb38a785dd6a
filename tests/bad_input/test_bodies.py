"""Bodies that are no JSON, of the wrong type, or hold what cannot be kept: a 4xx in the dialect's
own shape, never a 500, and nothing half done."""

from collections.abc import Callable

import msgspec
import pytest

from koine.http.coercion import CoercingBodyReader
from koine.http.route import Route
from koine.server import dialects
from tests.authz_matrix.expectations import YES
from tests.authz_matrix.runner import Run
from tests.bad_input.prober import Prober, fields, rows
from tests.bad_input.values import BODIES, TEXTS, TYPES, UNSTORABLE, raw

SPOKEN = {each.name: each for each in dialects()}
Record = Callable[[str, object], None]
COUNTED = "counted: bad inputs"
EVERY = pytest.mark.parametrize(("name", "route"), list(rows([*SPOKEN.values()], "body")))


@EVERY
async def test_what_is_no_json_object_changes_nothing(
    run: Run, name: str, route: str, record_property: Record
) -> None:
    asker = Prober(run, SPOKEN[name], route)
    well = await asker.expect("well", body=await asker.sent(), refused=False)
    assert well.status in YES or asker.row.right in ("public 401", "password"), well.text
    run.things.spend_all()
    await asker.body()
    before = await asker.prints()
    for what, body in BODIES.items():
        # Of a route that takes forms an empty list is an empty body (inbox.md, F).
        if not (asker.route.forms and what == "an array"):
            await asker.expect(what, body=body)
    record_property(COUNTED, asker.asked)
    assert asker.wrong == []
    assert await asker.prints() == before


@EVERY
async def test_a_field_of_a_wrong_type_changes_nothing(
    run: Run, name: str, route: str, record_property: Record
) -> None:
    asker = Prober(run, SPOKEN[name], route)
    good = await asker.body()
    before = await asker.prints()
    for field in fields(asker.route.body):
        for value in TYPES:
            body = good | {field.encode_name: value}
            if not fits(body, asker.route):
                await asker.expect(f"{field.encode_name}: {value!r}", body=raw(body))
    record_property(COUNTED, asker.asked)
    assert asker.wrong == []
    assert await asker.prints() == before


@EVERY
async def test_a_text_that_cannot_be_kept_changes_nothing(
    run: Run, name: str, route: str, record_property: Record
) -> None:
    asker = Prober(run, SPOKEN[name], route)
    good = await asker.body()
    before = await asker.prints()
    for field in fields(asker.route.body):
        for what, text in UNSTORABLE.items():
            for value in (text, [text], {"a": text}, {text: 1}):
                body = raw(good | {field.encode_name: value})
                await asker.expect(f"{field.encode_name}: {what}", body=body)
    record_property(COUNTED, asker.asked)
    assert asker.wrong == []
    assert await asker.prints() == before


@EVERY
async def test_a_strange_text_never_breaks_anything(
    run: Run, name: str, route: str, record_property: Record
) -> None:
    asker = Prober(run, SPOKEN[name], route)
    for field in fields(asker.route.body):
        for what, text in TEXTS.items():
            for value in (text, [text], {"a": text}):
                run.things.spend_all()
                body = raw(await asker.body() | {field.encode_name: value})
                await asker.expect(f"{field.encode_name}: {what}", body=body, refused=False)
    record_property(COUNTED, asker.asked)
    assert asker.wrong == []


def fits(body: object, route: Route) -> bool:
    """Whether the type that reads the body takes it, loosely where forms are taken, too."""
    assert route.body is not None
    try:
        msgspec.convert(
            CoercingBodyReader(route.body).json(body) if route.forms else body, route.body
        )
    except msgspec.ValidationError:
        return False
    return True
