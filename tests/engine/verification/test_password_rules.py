"""Weak passwords are refused, and strong ones of every kind accepted."""

import pytest

from koine.engine.verification.password_rules import COMMON, SHORTEST, is_of_names, weakness

NAMES = ["ada.lovelace@acme.example", "Ada Lovelace", "Ada", "Lovelace", "Acme Deliveries", "acme"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x" * 11, "too_short"),
        ("aB3$" * 257, "too_long"),
        ("Password1234", "common"),
        (" PASSWORD1234", "common"),
        ("aaaaaaaaaaaa", "common"),
        ("abababababab", "common"),
        ("abcdabcdabcd", "common"),
        ("123456789012", "common"),
        ("987654321098", "common"),
        ("abcdefghijkl", "common"),
        ("correct horse battery", None),
        ("пароль из слов", None),
        ("鍵鍵と言葉と馬と電池と枕木", None),
        ("            x", "common"),
        ("f" * 6 + "g7Q!-k", None),
        ("n0t-So-c0mmon", None),
    ],
)
def test_what_is_wrong_with_a_password(text: str, expected: str | None) -> None:
    assert weakness(text) == expected


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("ada.lovelace@acme.example", True),
        ("Ada.Lovelace1", True),
        ("lovelace2026!", True),
        ("acmedeliveries", True),
        ("AcmeAcmeAcme1", True),
        ("lovelace and her engine", False),
        ("correct horse battery", False),
    ],
)
def test_a_password_of_names(text: str, refused: bool) -> None:
    assert is_of_names(text, [*NAMES, None]) is refused


def test_short_names_forbid_nothing() -> None:
    assert not is_of_names("bobobobobobo-x", ["Bo", "bo@b.c", "B"])


def test_the_list_has_passwords_that_pass_the_other_rules() -> None:
    assert all(len(text) >= SHORTEST and text == text.casefold() for text in COMMON)
