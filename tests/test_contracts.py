"""Every citation of a contract names a file, section, mark and rule that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "contracts"
CONTRACTS = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.md"))}
DIALECTS = sorted(CONTRACTS.keys() - {"README"})
NOT_CITATIONS = {"tests/test_contracts.py", "tests/http/example_dialect.py"}
"""Files whose marks are examples."""
SOURCES = {
    name: path.read_text()
    for tree in ("src", "tests", "docs")
    for path in sorted((ROOT / tree).rglob("*"))
    if path.suffix in {".py", ".md"}
    and not path.is_relative_to(FOLDER)
    and (name := path.relative_to(ROOT).as_posix()) not in NOT_CITATIONS
}

# A page of docs/dialects has the name of a contract: in Markdown only a path cites the contract.
_NAMES = "|".join(DIALECTS)
_CITED = {
    ".py": re.compile(rf"(?<!dialects/)\b(?:(?:docs/)?contracts/(\w+)|({_NAMES}))\.md"),
    ".md": re.compile(r"contracts/(\w+)\.md()"),
}
_MARK = re.compile(r"[SFD]\b(?:(?: and | \+ )[SFD]\b)*")
_RULES = re.compile(r"(?:rules? )?(\d+)(?: to (\d+))?\b")
_BARE = re.compile(r"(?<![\"'\w])\(([SFD](?:(?: and | \+ )[SFD]\b)*)[:;,) ]")
_HEADING = re.compile(r"^#+ (.+?)(?: \([^()]*\))?$", re.MULTILINE)


def citations(name: str, text: str) -> Iterator[tuple[int, str, str]]:
    """Where a contract is cited, its stem, and the text after the file's name on one line."""
    for found in _CITED[Path(name).suffix].finditer(text):
        rest = re.sub(r"\s*\n\s*(?:#:? ?)?", " ", text[found.end() : found.end() + 200])
        yield found.start(), found[1] or found[2], rest


def fault(stem: str, rest: str) -> str | None:
    """Why the citation `<stem>.md<rest>` leads nowhere; None when it resolves."""
    if stem not in CONTRACTS:
        return f"no contract {stem}"
    scope = CONTRACTS[stem]
    while rest.startswith(", "):
        rest = rest[2:]
        if mark := _MARK.match(rest):
            unknown = [each for each in re.findall("[SFD]", mark[0]) if not _has(scope, each)]
            if unknown:
                return f"no {unknown} there"
            rest = rest[mark.end() :]
        elif rules := _RULES.match(rest):
            last = rules[2] or rules[1]
            if not re.search(rf"(?:^|[;:] ){last}\. ", scope, re.MULTILINE):
                return f"no rule {last} there"
            rest = rest[rules.end() :]
        elif rest[:1] == '"' or rest[:1].isupper():
            rest = rest.lstrip('"')
            heading = max((h for h in headings(scope) if rest.startswith(h)), key=len, default="")
            if not heading:
                return f"no section {rest[:40]!r}"
            scope = section(scope, heading)
            rest = rest[len(heading) :].removeprefix('"')
        else:
            return None
    return None


def headings(text: str) -> list[str]:
    """The headings of a page, without what stands in brackets at their ends."""
    return _HEADING.findall(text)


def section(text: str, heading: str) -> str:
    """A section, with those below it."""
    found = re.search(rf"^(#+) {re.escape(heading)}", text, re.MULTILINE)
    assert found is not None
    following = re.compile(rf"^#{{1,{len(found[1])}}} ", re.MULTILINE).search(text, found.end())
    return text[found.start() : following.start() if following else None]


def bare_marks(name: str, text: str) -> Iterator[tuple[str, str | None, str]]:
    """Each mark that names no file, and the contract it means: that of the dialect whose file it
    stands in, else the one that was cited last above it."""
    path = Path(name)
    own = next((stem for stem in (*path.parts[:-1], path.stem) if stem in DIALECTS), None)
    cited = list(citations(name, text))
    for found in _BARE.finditer(text):
        above = [stem for at, stem, _ in cited if at < found.start()]
        yield found[1], own or (above[-1] if above else None), text[: found.start()]


def _has(text: str, mark: str) -> bool:
    return re.search(rf"\b{mark}\b", text) is not None


def test_every_citation_resolves() -> None:
    faults = [
        f"{name}:{text[:at].count(chr(10)) + 1}: {stem}.md{rest[:50]!r}: {wrong}"
        for name, text in SOURCES.items()
        for at, stem, rest in citations(name, text)
        if (wrong := fault(stem, rest))
    ]
    assert not faults, "\n".join(faults)


def test_every_mark_means_a_contract_that_has_it() -> None:
    faults = [
        f"{name}:{before.count(chr(10)) + 1}: ({marks}) of {stem}"
        for name, text in SOURCES.items()
        if name.endswith(".py")
        for marks, stem, before in bare_marks(name, text)
        if stem is None or not all(_has(CONTRACTS[stem], m) for m in re.findall("[SFD]", marks))
    ]
    assert not faults, "\n".join(faults)


def test_there_are_many_citations() -> None:
    """Else the patterns above match nothing, and the tests above prove nothing."""
    cited = [stem for name, text in SOURCES.items() for _, stem, _ in citations(name, text)]
    marks = [m for name, text in SOURCES.items() for m in bare_marks(name, text)]
    assert set(cited) == CONTRACTS.keys()
    assert len(cited) > 80 and len(marks) > 80


@pytest.mark.parametrize(
    ("stem", "rest"),
    [
        ("billing", ", S)"),
        ("delivery", ", S, rule 11)"),
        ("delivery", ", Subjects, D)"),
        ("helpdesk", ', "Auth and colours")'),
        ("helpdesk", ', "Auth and permissions", D)'),
    ],
)
def test_a_citation_that_leads_nowhere_is_a_fault(stem: str, rest: str) -> None:
    assert fault(stem, rest) is not None


@pytest.mark.parametrize(
    ("stem", "rest"),
    [
        ("delivery", ", S)"),
        ("delivery", ", S, 1 to 10)"),
        ("delivery", ", Envelope, errors, auth)"),
        ("inbox", ', "Webhook of the inbox", F; what the contract does not say)'),
        ("chats", ": a ticket opens"),
    ],
)
def test_a_citation_that_leads_somewhere_is_not_a_fault(stem: str, rest: str) -> None:
    assert fault(stem, rest) is None
