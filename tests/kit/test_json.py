import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koine.kit.json import BadJson, check_text, json_text, loads_strict

clean = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
numbers = st.integers(-(2**53), 2**53) | st.floats(-(2.0**53), 2.0**53)
trees = st.recursive(
    st.none() | st.booleans() | numbers | clean,
    lambda inner: st.lists(inner) | st.dictionaries(clean, inner),
)


def deep(levels: int, core: str = "") -> bytes:
    return ("[" * levels + core + "]" * levels).encode()


@given(trees, st.booleans())
def test_valid_json_decodes_as_in_the_standard_library(tree: object, ascii_only: bool) -> None:
    body = json.dumps(tree, ensure_ascii=ascii_only).encode()
    assert loads_strict(body) == json.loads(body)


@given(st.binary())
def test_any_bytes_are_a_value_or_bad_json(body: bytes) -> None:
    try:
        value = loads_strict(body)
    except BadJson:
        return
    assert value == json.loads(body)


@given(st.text('[]{}",:\\u0d8e1.+- \ttrufalsn', max_size=40))
def test_near_json_is_a_value_or_bad_json(text: str) -> None:
    try:
        value = loads_strict(text.encode())
    except BadJson:
        return
    assert value == json.loads(text)


@pytest.mark.parametrize(
    "body",
    [
        b"0",
        b"-0",
        b"9007199254740992",
        b"-9007199254740992",
        b"0.1e-5",
        b'"\\ud83d\\ude00"',
        b'"\\\\u0000"',
        b'{"a":{"a":1}}',
        b" [] \n",
        deep(32),
        deep(32, '"\\u00e9"'),
        b'{"a":[' + b"{}," * 100 + b"{}]}",
        b'"' + b"[" * 100 + b'"',
    ],
)
def test_valid_json_is_accepted(body: bytes) -> None:
    assert loads_strict(body) == json.loads(body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[1,]", "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b"01", "not JSON"),
        (b"[] []", "not JSON"),
        (b'"\n"', "not JSON"),
        (b'"\x00"', "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        ('{"a":1}'.encode("utf-16"), "not UTF-8"),
        (b'"\xff"', "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b"NaN", "NaN"),
        (b"[-Infinity]", "-Infinity"),
        (b"1e400", "range"),
        (b"-1e400", "range"),
        (b"1e16", "range"),
        (b"9007199254740993", "range"),
        (b"-9007199254740993", "range"),
        (b"1" * 5000, "range"),
        (b"0." + b"1" * 5000, "range"),
        (b'{"a":1,"a":1}', "twice"),
        (b'{"a":1,"\\u0061":1}', "twice"),
        (b'[{"b":{"a":1,"a":2}}]', "twice"),
        (b'"\\u0000"', "U+0000"),
        (b'{"\\u0000":1}', "U+0000"),
        (b'["\\ud800"]', "surrogate"),
        (b'["\\ude00\\ud83d"]', "surrogate"),
        (deep(32, '"\\u0000"'), "U+0000"),
        (deep(33), "deeper"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "deeper"),
        (deep(900), "deeper"),
        (deep(20_000), "deeper"),
        (b"[" * 2**20, "deeper"),
        (b'{"a":' * 2**17, "deeper"),
    ],
)
def test_invalid_json_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(BadJson) as refused:
        loads_strict(body)
    assert reason in refused.value.reason


def test_check_text_takes_what_can_be_stored() -> None:
    check_text("any text, even \u2028 and \U0001f600")


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "\udfff"])
def test_check_text_refuses_what_cannot(text: str) -> None:
    with pytest.raises(BadJson):
        check_text(text)


def test_json_text_is_read_back() -> None:
    assert json_text({"a": [1, "é", None]}) == '{"a":[1,"é",null]}'
