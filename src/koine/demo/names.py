"""Who lives in the demonstration."""

from random import Random

from msgspec import Struct

_FIRST = (
    "Amelia", "Karwan", "Grace", "Tomás", "Priya", "Daniel", "Leila", "Marek", "Yuki", "Oskar",
    "Nadia", "Samuel", "Ines", "Rebin", "Chloé", "Viktor", "Aisha", "Lucas", "Hana", "Mateo",
    "Zuzana", "Omar", "Freya", "João", "Shirin", "Felix", "Ravi", "Elena", "Kwame", "Sofia",
)  # fmt: skip
_LAST = (
    "Hart", "Aziz", "Lindqvist", "Silva", "Nair", "Okafor", "Haddad", "Nowak", "Tanaka", "Brandt",
    "Petrova", "Adeyemi", "Carvalho", "Salih", "Moreau", "Horvath", "Rahman", "Meyer", "Suzuki",
    "Rossi", "Dvořák", "Farouk", "Larsen", "Pereira", "Ahmadi", "Vogel", "Iyer", "Marino",
    "Mensah", "Kowalska",
)  # fmt: skip
_ASCII = str.maketrans("áéãčřž", "aeacrz")


class Name(Struct, frozen=True):
    """A person's name and e-mail."""

    first: str
    last: str
    email: str

    @property
    def full(self) -> str:
        """First and last."""
        return f"{self.first} {self.last}"


def names(chance: Random, domain: str, count: int) -> list[Name]:
    """People of whom no two are the same, at most 900 of them."""
    pairs = [(first, last) for first in _FIRST for last in _LAST]
    return [
        Name(first, last, f"{_plain(first)}.{_plain(last)}@{domain}")
        for first, last in chance.sample(pairs, count)
    ]


def _plain(text: str) -> str:
    return text.lower().translate(_ASCII)
