"""Every refusal in this dialect's error format."""

import msgspec
import pytest

from koine.dialects.chats import ChatsDialect, errors
from koine.http.dialect import MethodNotAllowed
from koine.model import errors as model

EXAMPLES: dict[type[model.Refusal], tuple[model.Refusal, int, str]] = {
    model.Malformed: (model.Malformed("no JSON"), 400, "INVALID_DATA"),
    model.Invalid: (model.Invalid("title", "is wrong"), 400, "INVALID_DATA"),
    model.Unauthenticated: (model.Unauthenticated("expired"), 401, "UNAUTHORIZED"),
    model.Forbidden: (model.Forbidden("write"), 403, "FORBIDDEN"),
    model.NotFound: (model.NotFound("conversation"), 404, "CHAT_NOT_FOUND"),
    model.Conflict: (model.Conflict("closed"), 409, "CONFLICT"),
    model.TooLarge: (model.TooLarge(1), 413, "PAYLOAD_TOO_LARGE"),
    model.TooMany: (model.TooMany(1), 429, "RATE_LIMITED"),
    model.Unavailable: (model.Unavailable(), 503, "UNAVAILABLE"),
}


def body(refusal: model.Refusal | None) -> errors.Error:
    response = ChatsDialect("https://help.example").error_response(refusal, "r", True)
    assert isinstance(response.body, errors.Error)
    return response.body


@pytest.mark.parametrize("kind", model.REFUSALS)
def test_every_refusal_has_its_status_code_and_three_languages(kind: type[model.Refusal]) -> None:
    refusal, status, code = EXAMPLES[kind]
    response = ChatsDialect().error_response(refusal, "r", True)
    error = body(refusal)
    assert (response.status, error.code) == (status, code)
    texts = msgspec.structs.astuple(error.feedback)
    assert error.message == texts[0] and len(set(texts)) == 3
    assert error.cta == errors.Cta("support-contact", "https://help.example")


def test_the_documented_texts() -> None:
    assert body(model.Unauthenticated("missing")).message == "Unauthorized."
    assert body(model.NotFound("conversation")).message == "Chat not found."
    assert body(model.Malformed("x")).message == "Invalid data provided."


def test_an_unexpected_error_is_a_500_without_details() -> None:
    assert ChatsDialect().error_response(None, "r", True).status == 500
    assert body(None).code == "INTERNAL"


def test_a_wrong_method_and_an_unknown_entity() -> None:
    assert body(MethodNotAllowed(("GET",))).name == "MethodNotAllowedError"
    assert body(model.NotFound("thing")).code == "NOT_FOUND"


def test_details_come_with_400_alone() -> None:
    assert body(model.Invalid("a", "is b")).details == [errors.Detail("a", "a is b")]
    assert body(model.Malformed("no")).details == [errors.Detail(None, "no")]
    assert b"details" not in msgspec.json.encode(body(model.Conflict("x")))
