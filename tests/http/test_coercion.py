"""Values of bodies are coerced as in Rails."""

from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from koine.http.coercion import CoercingBodyReader
from koine.model.errors import Invalid


class Inner(Struct, omit_defaults=True):
    count: Annotated[int, Meta(ge=1)] | None = None
    text: str | None = None


class Body(Struct, omit_defaults=True):
    text: str | None = None
    echo: Annotated[str, Meta(max_length=9)] | int | float | None = None
    flag: bool | None = None
    size: float | None = None
    bag: dict[str, object] | None = None
    inner: Inner | None = None
    several: Inner | list[Inner] | None = None


FORMS = CoercingBodyReader(Body)


def read(value: object) -> Body:
    return msgspec.convert(FORMS.json(value), Body)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ({"text": 4}, Body(text="4")),
        ({"text": 4.5}, Body(text="4.5")),
        ({"text": True}, Body(text="true")),
        ({"echo": 7}, Body(echo=7)),
        ({"echo": False}, Body(echo="false")),
        ({"flag": "true", "size": "1.5"}, Body(flag=True, size=1.5)),
        ({"flag": "", "size": ""}, Body()),
        ({"bag": []}, Body(bag={})),
        ({"bag": {"a": 1, "b": []}}, Body(bag={"a": 1, "b": []})),
        ({"inner": {"count": "5", "text": 5}}, Body(inner=Inner(5, "5"))),
        ({"inner": {"count": 5.0}}, Body(inner=Inner(5))),
        ({"inner": {"count": "5.0", "more": 1}}, Body(inner=Inner(5))),
        ({"inner": []}, Body(inner=Inner())),
        ({"several": [{"text": 1}, []]}, Body(several=[Inner(text="1"), Inner()])),
        ({"several": {"text": 1}}, Body(several=Inner(text="1"))),
        ({"text": None, "more": {}}, Body()),
        ([], Body()),
    ],
)
def test_safe_values_are_coerced_to_the_fields_type(sent: object, meant: Body) -> None:
    assert read(sent) == meant


@pytest.mark.parametrize(
    "sent",
    [
        {"text": ["a"]}, {"text": {}}, {"inner": {"count": "5 stars"}}, {"inner": {"count": 4.5}},
        {"inner": {"count": True}}, {"inner": {"count": "0"}}, {"bag": [1]}, {"bag": 1},
        {"flag": "maybe"}, {"size": "1e3"}, {"several": "x"}, {"echo": [1]}, {"inner": "x"},
    ],
)  # fmt: skip
def test_other_values_are_refused(sent: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(sent)


@pytest.mark.parametrize("body", [None, 1, "x", True, [1]])
def test_a_body_must_be_an_object(body: object) -> None:
    with pytest.raises(Invalid, match="must be an object"):
        FORMS.json(body)


def test_a_form_is_read_in_the_same_way() -> None:
    pairs = [("text", "a"), ("text", "b"), ("inner[count]", "5.0"), ("bag[]", ""),
             ("several[][text]", "x"), ("several[][text]", "y"), ("flag", "on")]  # fmt: skip
    wanted = Body("b", None, True, None, {}, Inner(5), [Inner(text="x"), Inner(text="y")])
    assert msgspec.convert(FORMS.pairs(pairs), Body) == wanted


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from("count"), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(Body.__struct_fields__), VALUES) | VALUES)
def test_any_value_is_read_or_refused(value: object) -> None:
    try:
        made = read(value)
    except (Invalid, msgspec.ValidationError):
        return
    assert read(msgspec.to_builtins(made)) == made
