"""The source keeps the rules of tests/support/source_rules.py, and each finds a planted fault."""

import re
from pathlib import Path, PurePath

import pytest

from tests.support import source_rules as rules

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "koine"
# Migrations are generated and never edited, so they may be long.
WRITTEN = PurePath("store/migrations/versions")
FILES: dict[PurePath, str] = {
    path.relative_to(SOURCE): path.read_text()
    for path in sorted(SOURCE.rglob("*.py"))
    if not path.relative_to(SOURCE).is_relative_to(WRITTEN)
}
OTHERS = [
    path
    for pattern in (
        "*.*",
        "Makefile",
        ".ci/*",
        "docs/**/*.*",
        *(f"{tree}/**/*.py" for tree in ("bench", "examples", "chaos", "tests")),
    )
    for path in ROOT.glob(pattern)
    if path.is_file() and path.suffix in {"", ".py", ".md", ".toml", ".txt", ".ini"}
]


def named(check: rules.Check) -> str:
    return check.__name__


@pytest.mark.parametrize("check", rules.CHECKS, ids=named)
def test_the_source_keeps_the_rule(check: rules.Check) -> None:
    complaints = [line for path, text in FILES.items() for line in check(path, text)]
    assert not complaints, "\n".join(complaints)


def test_half_of_the_files_are_short() -> None:
    assert rules.high_median(list(FILES.values())) == []


def test_entities_have_the_same_folders_in_engine_and_store() -> None:
    assert rules.different_folders(FILES) == []


def test_no_other_file_names_a_machine_path_or_is_unfinished() -> None:
    checks = (rules.machine_path, rules.unfinished)
    complaints = [
        line
        for path in OTHERS
        for check in checks
        for line in check(path.relative_to(ROOT), path.read_text())
    ]
    assert not complaints, "\n".join(complaints)


def test_what_the_rigs_import_from_the_tests_does_not_import_the_rigs() -> None:
    shared = [
        ROOT / "tests" / "cast.py",
        *(
            path
            for folder in ("support", "drivers")
            for path in (ROOT / "tests" / folder).glob("*.py")
        ),
    ]
    imports = re.compile(r"^\s*(?:from|import) (?:chaos|bench)\b", re.MULTILINE)
    assert [str(path) for path in shared if imports.search(path.read_text())] == []


@pytest.mark.parametrize("lock", ["run.txt", "test.txt"])
def test_a_lock_names_hashes_and_no_host(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    packages = re.split(r"\n(?=\w)", text.split("\n\n")[-1])
    assert "://" not in text
    assert all("--hash=sha256:" in package for package in packages if "==" in package)


def test_one_function_creates_messages_and_has_one_caller() -> None:
    module, function = "koine.store.conversations.messages", "insert_many"
    assert f"def {function}(" in FILES[PurePath("store/conversations/messages.py")]
    callers = [
        f"{path}:{line}"
        for path, text in FILES.items()
        for line in rules.references(text, module, function)
    ]
    assert len(callers) == 1, callers


# ---------------------------------------------------------------- each rule can fail

DOC = '"""Said."""\n'
LONG = "said\n" * 60
PLANTED: dict[rules.Check, tuple[str, str]] = {
    rules.long_file: ("kit/a.py", "x = 1\n" * 401),
    rules.long_function: ("kit/a.py", "def f():\n" + "    x = 1\n" * 40),
    rules.many_parameters: ("kit/a.py", "def f(a, b, c, d, e, f, g): ...\n"),
    rules.inner_import: ("kit/a.py", "def f():\n    import os\n"),
    rules.undocumented: ("kit/a.py", DOC + "def f(): ...\n"),
    rules.unfinished: ("kit/a.py", "# TO" + "DO: later\n"),
    rules.machine_path: ("kit/a.py", "x = '" + "/ho" + "me/ann/x'\n"),
    rules.database_word: ("engine/a.py", "def f(): return 'sqlite'\n"),
    rules.dialect_word: ("engine/a.py", "# as Chatwoot does\n"),
    rules.dialect_name: ("model/a.py", "KNOWN = {'native': 1}\n"),
    rules.http_word: ("engine/a.py", "x = 404\n"),
    rules.extras_read: ("engine/a.py", "x = message.extras['html']\n"),
    rules.unmarked_tx: ("engine/a.py", "def get(engine): ...\ndef add(tx): ...\n"),
    rules.irregular_name: ("store/a.py", "async def find(tx): ...\ndef find_page(tx): ...\n"),
}


@pytest.mark.parametrize("check", rules.CHECKS, ids=named)
def test_the_rule_can_fail(check: rules.Check) -> None:
    path, text = PLANTED[check]
    assert len(check(PurePath(path), text)) == 1


@pytest.mark.parametrize(
    ("check", "path", "text"),
    [
        (rules.long_function, "kit/a.py", f"def f():\n    '''{LONG}'''\n    return 1\n"),
        (rules.many_parameters, "kit/a.py", "def f(self, a, b, c, d, e, f, *, g): ...\n"),
        (rules.undocumented, "kit/a.py", DOC + "def _f(): ...\n"),
        (rules.database_word, "store/sqlite.py", "import apsw\n"),
        (rules.database_word, "engine/a.py", "# SQLite never suspends here\n"),
        (rules.dialect_word, "engine/a.py", "condition = 1\n"),
        (rules.dialect_word, "dialects/inbox/messages/render.py", "'''Chatwoot'''\n"),
        (rules.dialect_name, "engine/a.py", "'''A helpdesk.md rule (S) of an inbox.'''\n"),
        (rules.dialect_name, "dialects/chats/a.py", "name = 'chats'\n"),
        (rules.http_word, "http/a.py", "x = 404\n"),
        (rules.extras_read, "engine/a.py", "extras: dict[str, object] = draft.extras\n"),
        (
            rules.unmarked_tx,
            "engine/a.py",
            "@read_tx\ndef get(tx): ...\ndef add_tx(tx): ...\n",
        ),
        (rules.unmarked_tx, "engine/a.py", "def require(tx): ...\n"),
        (rules.irregular_name, "kit/a.py", "def read(): ...\n"),
    ],
)
def test_the_rule_accepts(check: rules.Check, path: str, text: str) -> None:
    assert check(PurePath(path), text) == []


def test_a_high_median_is_reported() -> None:
    assert rules.high_median(["x\n" * 101, "x\n" * 101, "x\n"])


@pytest.mark.parametrize(
    ("module", "in_engine"),
    [
        ("store/people/inboxes.py", ["people/users.py", "contacts/inboxes.py"]),
        ("store/people/users.py", ["contacts/inboxes.py", "tenants.py"]),
        ("store/inboxes.py", ["tenants.py", "contacts/inboxes.py"]),
    ],
)
def test_a_module_in_another_folder_than_in_the_engine_is_reported(
    module: str, in_engine: list[str]
) -> None:
    engine = [PurePath("engine", each) for each in in_engine]
    assert len(rules.different_folders([PurePath(module), *engine])) == 1


@pytest.mark.parametrize(
    "text",
    [
        "from koine.store.conversations import messages\nmessages.insert_many(tx, rows)\n",
        "from koine.store.conversations import messages as m\ndb.write(t, m.insert_many, rows)\n",
        "from koine.store.conversations.messages import insert_many\ninsert_many(tx, rows)\n",
        "import koine.store.conversations.messages\n"
        "koine.store.conversations.messages.insert_many(tx, rows)\n",
    ],
)
def test_a_second_caller_is_found(text: str) -> None:
    assert rules.references(text, "koine.store.conversations.messages", "insert_many") == [2]
