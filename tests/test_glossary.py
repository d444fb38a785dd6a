"""The terms of docs/glossary.md are in use, and its former words are not."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs" / "glossary.md"
FORMER = "## Words that are not used any more"
FOLDERS = ("src", "docs", "tests", "bench", "chaos", "examples")
SUFFIXES = (".py", ".md", ".js", ".cjs", ".html", ".c", ".sql")
EXEMPT = (
    GLOSSARY,
    ROOT / "docs/contracts",  # copies of agreed documents
    ROOT / "src/koine/store/migrations/versions",  # tables and columns as they were named
    ROOT / "tests/store/test_plain_names.py",
    ROOT / "src/koine/demo/credentials.py",  # fields of files that older versions wrote
    ROOT / "tests/demo/test_credentials.py",
    ROOT / "src/koine/demo/scripts.py",  # what people write to each other
)
_ROW = re.compile(r"^\| (?!before |term |---)([^|]+?) \|", re.MULTILINE)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def rows(former: bool) -> list[str]:
    """The first column of the tables of terms, or of the table of former words."""
    terms, _, before = GLOSSARY.read_text().partition(FORMER)
    cells = _ROW.findall(before if former else terms)
    return [word for cell in cells for word in re.sub(r" \(.*\)", "", cell).split(", ")]


def words(text: str) -> str:
    """A text as lower-case words with one space between them; identifiers are split."""
    return " ".join(re.findall(r"[a-z0-9]+", _CAMEL.sub(" ", text).lower()))


@cache
def files() -> dict[str, str]:
    """The words of the Makefile and of every source in FOLDERS, by path."""
    return {str(path.relative_to(ROOT)): f" {words(path.read_text())} " for path in _sources()}


def _sources() -> Iterator[Path]:
    yield ROOT / "Makefile"
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            exempt = any(path.is_relative_to(each) for each in EXEMPT)
            if path.suffix in SUFFIXES and not exempt:
                yield path


@pytest.mark.parametrize("term", rows(former=False))
def test_every_term_is_in_use(term: str) -> None:
    wanted = f" {words(term)}"
    assert any(wanted in text for text in files().values())


@pytest.mark.parametrize("word", rows(former=True))
def test_no_former_word_is_in_use(word: str) -> None:
    former = re.compile(rf" {words(word)}s? ")
    assert [name for name, text in files().items() if former.search(text)] == []
