import io
import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog

from koine.kit.logs import configure, redact
from koine.kit.tokens import new_api_key

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSJ9.c2lnbmF0dXJl"
HOSTILE = "a\r\nforged: line\x1b[31m\x00\x7f\x85\u2028\u2029\ud800"


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.setLevel(before[0])
    logging.getLogger("koine").setLevel(logging.NOTSET)
    root.handlers[:] = before[1]


def logged(as_json: bool, **fields: object) -> str:
    out = io.StringIO()
    configure("info", as_json, out)
    structlog.get_logger().info(fields.pop("event", "happened"), **fields)
    return out.getvalue()


def test_json_is_one_object_a_line() -> None:
    line = json.loads(logged(True, count=3))
    assert (line["event"], line["level"], line["count"]) == ("happened", "info", 3)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["timestamp"])


def test_bound_values_are_in_every_line() -> None:
    structlog.contextvars.bind_contextvars(request_id="r1", tenant="t1")
    line = json.loads(logged(True))
    assert (line["request_id"], line["tenant"]) == ("r1", "t1")


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("field", ["event", "text", "nested"])
def test_control_characters_are_escaped(as_json: bool, field: str) -> None:
    text = logged(as_json, **{field: [HOSTILE] if field == "nested" else HOSTILE})
    assert len(text.splitlines()) == 1
    assert text.removesuffix("\n").isprintable()
    assert "forged" in text


@pytest.mark.parametrize("as_json", [True, False])
def test_a_hostile_exception_forges_no_event(as_json: bool) -> None:
    out = io.StringIO()
    configure("info", as_json, out)
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        structlog.get_logger().exception("failed")
    assert not any(line.startswith("forged") for line in out.getvalue().splitlines())
    assert "ValueError" in out.getvalue()


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize(
    "secret",
    [new_api_key().text, new_api_key(False).text, JWT],
    ids=["live key", "test key", "token"],
)
def test_no_secret_is_logged_wherever_it_is(as_json: bool, secret: str) -> None:
    deep = {"headers": [("authorization", f"Bearer {secret}")], "error": ValueError(secret)}
    text = logged(as_json, event=f"got {secret}!", deep=deep, raw=secret.encode())
    assert secret not in text
    assert secret[-20:] not in text
    assert text.count("[redacted]") == 4


@pytest.mark.parametrize("as_json", [True, False])
def test_the_password_of_a_url_is_not_logged(as_json: bool) -> None:
    url = "postgresql://koine:p@ss#w/rd@db:5432/koine?a=b"
    text = logged(as_json, event=f"cannot reach {url}!", url=[url])
    assert text.count("koine:[redacted]@db:5432/koine") == 2
    assert redact("http://127.0.0.1:8420/x and ann@acme.test") == (
        "http://127.0.0.1:8420/x and ann@acme.test"
    )


def test_libraries_log_in_the_same_form() -> None:
    out = io.StringIO()
    configure("info", True, out)
    logging.getLogger("uvicorn.error").warning("key %s", new_api_key().text, extra={"port": 1})
    line = json.loads(out.getvalue())
    assert (line["event"], line["level"], line["port"]) == ("key sk_live_[redacted]", "warning", 1)


@pytest.mark.parametrize("library", ["uvicorn.error", "websockets.server", "httpx", "alembic"])
def test_what_libraries_say_below_a_warning_is_not_logged_at_debug(library: str) -> None:
    out = io.StringIO()
    configure("debug", True, out)
    logging.getLogger(library).debug("< GET /cable?identifier_hash=secret")
    logging.getLogger(library).info("cookie: secret")
    assert out.getvalue() == ""
    logging.getLogger("koine.engine").debug("ours")
    assert json.loads(out.getvalue())["event"] == "ours"


def test_below_the_level_nothing_is_logged() -> None:
    out = io.StringIO()
    configure("warning", True, out)
    structlog.get_logger().info("quiet")
    logging.getLogger("any").info("quiet")
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Authorization: bearer abc.def==", "Authorization: bearer [redacted]"),
        ("whsec_AbC+/=", "whsec_[redacted]"),
        (f"?token={JWT}&a=1", "?token=eyJ[redacted]&a=1"),
        ("a bearer of news, eyJ and sk_live", "a bearer of news, eyJ and sk_live"),
    ],
)
def test_redact(text: str, left: str) -> None:
    assert redact(text) == left
