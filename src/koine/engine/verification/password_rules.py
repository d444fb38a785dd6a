"""Which passwords are refused, after NIST SP 800-63B: by length and by what guessers try first.

No rule asks for digits or signs: they make passwords worse.
"""

from itertools import pairwise
from typing import Final

SHORTEST: Final = 12
LONGEST: Final = 1024
"""In characters: no hash is made of more."""
_OWN_PART = 6
"""So many characters, at least, must be neither the user's nor the tenant's names."""
_SHORTEST_NAME = 4
_FEW = 3
_LONGEST_UNIT = 4

_COMMON = """
password1234 password12345 password123456 password1234! passwordpassword password123!
passw0rd1234 passwort1234 p@ssw0rd1234 p@ssword1234 mypassword12 mypassword123 newpassword1
newpassword123 changeme1234 changemenow1 changemenow! letmein12345 letmeinplease welcome12345
welcome123456 welcomehome1 administrator administrator1 admin1234567 adminadmin12
adminadminadmin qwertyuiop12 qwertyuiop123 qwertyuiop[] qwertyqwerty qwerty123456
qwerty1234567 qwertyuiopas qwertyuiopasdf qwertyuiopasdfgh 1q2w3e4r5t6y 1q2w3e4r5t6y7u
1qaz2wsx3edc 1qaz2wsx3edc4rfv zaq12wsxcde3 qazwsxedcrfv asdfghjkl123 asdfghjkl;'\\ zxcvbnm12345
qweasdzxc123 abcd12345678 abc123abc123 abc123456789 a1b2c3d4e5f6 iloveyou1234 iloveyou12345
iloveyouforever trustno1trustno1 sunshine1234 princess1234 football1234 baseball1234
superman1234 starwars1234 dragon123456 monkey123456 michael12345 charlie12345 computer1234
internet1234 whatever1234 correcthorsebatterystaple secretsecret secret123456 topsecret123
default12345 testtesttest testing12345 test12345678 temporary123 temppassword guestguest12
rootrootroot toortoortoor 111111222222 112233445566 123123123123 123321123321 121212121212
123qwe123qwe 147258369147 987654321987 123456qwerty
"""
COMMON: Final = frozenset(_COMMON.split())
"""Of the passwords that leaks show most often, those long enough to pass by length. Lower case."""


def weakness(text: str) -> str | None:
    """What is wrong with a password by itself: "too_short", "too_long" or "common"."""
    if len(text) < SHORTEST:
        return "too_short"
    if len(text) > LONGEST:
        return "too_long"
    plain = text.casefold().strip()
    if plain in COMMON or len(set(plain)) <= _FEW or _repeats(plain) or _counts(plain):
        return "common"
    return None


def is_of_names(text: str, names: list[str | None]) -> bool:
    """Whether a password is little else than these names: of the user, the e-mail, the tenant."""
    plain = text.casefold()
    parts = {each.strip() for name in names if name for each in _parts(name.casefold())}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SHORTEST_NAME:
            plain = plain.replace(part, "")
    return plain != text.casefold() and len(plain) < _OWN_PART


def _parts(name: str) -> list[str]:
    """The name, and its pieces: of an e-mail what is before the sign, and the domain's labels."""
    return [name, *name.split(), *name.partition("@")[::2], *name.rpartition("@")[2].split(".")]


def _repeats(plain: str) -> bool:
    """Whether it is a few characters over and over."""
    units = (plain[:length] for length in range(1, _LONGEST_UNIT + 1))
    return any((unit * len(plain)).startswith(plain) for unit in units)


def _counts(plain: str) -> bool:
    """Whether each character follows the one before, up or down (9 is followed by 0)."""
    around = 10 if plain.isdecimal() else 1 << 21
    steps = {(ord(b) - ord(a)) % around for a, b in pairwise(plain)}
    return steps in ({1}, {around - 1})
