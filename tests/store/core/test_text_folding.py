"""The differences of texts that a search ignores."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koine.store.core.text_folding import fold, folded_or_none

ALIKE = [
    ("Zoé", "Zoe\u0301"), ("ZOÉ", "zoe"), ("İnşaat", "inşaat"), ("INSAAT", "ınşaat"),
    ("Straße", "STRASSE"), ("ﬁne", "fine"), ("Ｋｏｉｎｅ", "koine"), ("ΣΊΣΥΦΟΣ", "σίσυφος"),
    ("علي", "علی"), ("كتاب", "کتاب"), ("أحمد", "احمد"), ("إيمان", "ایمان"), ("آب", "اب"),
    ("ٱلله", "الله"), ("مدرسة", "مدرسه"), ("مُحَمَّد", "محمــد"), ("ﺳﻼم", "سلام"),
    ("می‌روم", "میروم"), ("نی‍", "نی"), ("so\u00adft", "soft"), ("\u200fabc\u202e", "abc"),
    ("٠١٢٣٤٥٦٧٨٩", "0123456789"), ("۰۱۲۳۴۵۶۷۸۹", "0123456789"),
    ("  Ana \t\n Silva\u00a0", "ana silva"), ("한글", unicodedata.normalize("NFD", "한글")),
]  # fmt: skip
UNLIKE = [("が", "か"), ("कि", "क"), ("ана", "ana"), ("a b", "ab"), ("100%", "100"), ("a_", "ab")]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_texts_that_read_alike_fold_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), UNLIKE)
def test_different_characters_stay_different(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text(max_size=40))
def test_a_folded_text_folds_to_itself(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_every_character_folds_to_what_folds_to_itself() -> None:
    every = (chr(code) for code in range(0x20000) if not 0xD800 <= code < 0xE000)
    assert [c for c in every if fold(fold(c)) != fold(c)] == []


@given(st.text(st.characters(codec="latin-1"), max_size=40))
def test_the_stored_and_the_computed_folded_text_are_equal(text: str) -> None:
    stored = folded_or_none(text)
    assert fold(text) == (text.lower() if stored is None else stored)


@given(st.text(st.characters(categories=("L", "M", "N"), max_codepoint=0x6FF), max_size=20))
def test_form_case_and_marks_make_no_difference(text: str) -> None:
    text = text.replace("\u0345", "")
    decomposed = unicodedata.normalize("NFD", text)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    for variant in (decomposed, unicodedata.normalize("NFC", text), text.upper().lower(), bare):
        assert fold(variant) == fold(text)
