"""The credentials in `Authorization`."""

import pytest

from koine.http.headers import Headers
from koine.model.errors import Unauthenticated


def shown(value: str) -> Headers:
    return Headers([(b"authorization", value.encode("latin-1"))])


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("Bearer abc", ("bearer", "abc")),
        (" BEARER  abc ", ("bearer", "abc")),
        ("Basic a b", ("basic", "a b")),
        ("Bearer", ("bearer", "")),
        ("", ("", "")),
    ],
)
def test_scheme_and_credentials(value: str, parts: tuple[str, str]) -> None:
    assert shown(value).authorization() == parts


def test_a_bearer_token_is_what_follows_the_scheme() -> None:
    assert shown("bearer sk_live_1").bearer_token() == "sk_live_1"


def test_without_the_header_there_is_no_token() -> None:
    assert Headers([]).bearer_token() == ""


@pytest.mark.parametrize("value", ["Bearer", "Bearer  ", "Basic abc", "abc"])
def test_another_scheme_or_no_token_is_refused(value: str) -> None:
    with pytest.raises(Unauthenticated, match="invalid"):
        shown(value).bearer_token()
