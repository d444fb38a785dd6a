"""`language` localises `message`: en, ar, ku, fa; an unknown one is en."""

import re
from pathlib import Path

import pytest

from koine.dialects import delivery
from koine.dialects.delivery.translations import _TRANSLATIONS, translate
from koine.kit.ids import new_id
from tests.dialects.delivery.conftest import DeliveryClient

SOURCE = Path(delivery.__file__).parent


@pytest.mark.parametrize("language", ["ar", "ku", "fa"])
def test_every_text_has_a_translation_of_its_own(language: str) -> None:
    translated = [translate(text, language) for text in _TRANSLATIONS]
    assert len(set(translated)) == len(translated)
    assert all(re.search("[\u0600-\u06ff]", text) for text in translated)


def test_no_two_languages_have_the_same_text() -> None:
    same = [text for text, (ar, ku, fa) in _TRANSLATIONS.items() if len({ar, ku, fa}) < 3]
    assert same == []


@pytest.mark.parametrize("language", [None, "", "en", "de", "AR"])
def test_an_unknown_language_is_english(language: str | None) -> None:
    assert translate("Not found", language) == "Not found"


def test_a_text_about_a_field_keeps_it_behind_a_translated_one() -> None:
    assert translate("title must be a string", "fa") == "ورودی نامعتبر: title must be a string"


def test_every_fixed_text_of_the_dialect_is_translated() -> None:
    code = "".join(path.read_text() for path in SOURCE.rglob("[er]*.py"))
    ends = "successfully|updated|added|removed|found|articipant|active|large|requests|error"
    used = set(re.findall(rf'"([A-Z][A-Za-z ]+(?:{ends}))"', code))
    assert len(used) > 10 and used <= set(_TRANSLATIONS)


async def test_success_and_refusal_are_localised(delivery_client: DeliveryClient) -> None:
    listed = await delivery_client.get("dan", language="ar")
    assert listed.json()["message"] == "تم جلب المحادثات بنجاح"
    refused = await delivery_client.get("dan", f"/{new_id()}", language="ku")
    assert (refused.status_code, refused.json()["message"]) == (404, "گفتوگۆکە نەدۆزرایەوە")


async def test_a_401_is_translated_too(delivery_client: DeliveryClient) -> None:
    response = await delivery_client.client.get(
        "/messaging/conversations", params={"language": "fa"}
    )
    assert response.status_code == 401
    assert response.json() == {"success": False, "message": "احراز هویت نشده"}
