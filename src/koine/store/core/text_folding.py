"""Text as searches compare it: `fold` is applied to what is stored and to what is looked for.

Both databases compare the folded texts byte by byte, so they find the same. docs/search.md says
what is folded; a change of it takes a new VERSION, and every stored text is folded again.
"""

import unicodedata

VERSION = "1"
"""Stored beside the folded texts; another value there means that they are out of date."""

_KEPT_CLASSES = frozenset({0, 7, 8, 9})
"""Combining classes that are no accents: vowel signs, nukta, Japanese voicing marks, virama."""
_FILLERS = (0x034F, 0x0640, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0)
_MONGOLIAN = (0x180B, 0x180C, 0x180D, 0x180F)
_IGNORED = frozenset((*_FILLERS, *_MONGOLIAN, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
"""Tatweel, fillers and variation selectors; format characters (Cf) are left out by category."""
_LETTERS = str.maketrans(
    {
        "ı": "i",
        "\u0345": "ι",  # the iota below, which its own upper case writes beside
        "ٱ": "ا",
        "ى": "ي", "ی": "ي", "ې": "ي",
        "ک": "ك",
        "ة": "ه", "ۃ": "ه", "ە": "ه", "ہ": "ه", "ھ": "ه",
    }
)  # fmt: skip
_BASIC_PLANE = 0x10000


def fold(text: str) -> str:
    """The text without differences of case, accent, form, direction and blanks; idempotent.

    Compatibility forms, case, accents and other combining marks, Arabic and Persian forms of one
    letter, decimal digits of any script, and characters that are not seen (zero width, soft hyphen,
    direction) make no difference; blanks are one space, and none at either end.
    """
    if text.isascii():
        lower = text.lower()
        if lower.isprintable() and "  " not in lower and lower.strip(" ") is lower:
            return lower
        return " ".join(lower.split())
    plain = _plain(_plain(text).casefold())
    return " ".join(unicodedata.normalize("NFC", plain).split())


def folded_or_none(text: str | None) -> str | None:
    """The folded text as it is stored: None where it is the text with its ASCII letters in lower
    case, which the database computes itself."""
    if text is None:
        return None
    folded = fold(text)
    return None if text.isascii() and folded == text.lower() else folded


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKD", text).translate(_PLAIN)


class _Plain(dict[int, str | int]):
    """What becomes of a code point once it is decomposed; at most the basic plane is kept."""

    def __missing__(self, code: int) -> str | int:
        found = _replacement(code)
        if code < _BASIC_PLANE:
            self[code] = found
        return found


def _replacement(code: int) -> str | int:
    char = chr(code)
    if code in _LETTERS:
        return str(_LETTERS[code])
    if code in _IGNORED or unicodedata.category(char) == "Cf":
        return ""
    if unicodedata.combining(char) not in _KEPT_CLASSES:
        return ""
    digit = unicodedata.decimal(char, None)
    return code if digit is None else str(digit)


_PLAIN = _Plain()
