"""The documentation describes every route, error, setting and command, and no others."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from koine.cli import app
from koine.http.dialect import Dialect, MethodNotAllowed
from koine.kit import settings
from koine.model import errors
from koine.server import dialects
from tests.support.mentions import Names

ROOT = Path(__file__).parents[1]
DIALECTS = {each.name: each for each in dialects()}
PAGES = (
    ROOT / "SECURITY.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "README.md",
    ROOT / "ARCHITECTURE.md",
    *ROOT.glob("docs/**/*.md"),
)
EVERY = pytest.mark.parametrize("name", DIALECTS)
METHOD = "(?:GET|POST|PUT|PATCH|DELETE)"
_CODE = re.compile(r"`([^`\n]+)`")
_METHODS = re.compile(rf"{METHOD}(?:[|, ]+{METHOD})*")
_CELL = re.compile(rf"\|\s*({METHOD}(?:, {METHOD})*)\s*\|")
_BELOW = re.compile(r"below `(/[^`]+)`")
_PARAMETER = re.compile(r"\{[^}]*\}")
_PATH = re.compile(
    r"`((?:[\w<>.-]+/)+(?:[\w<>-]+\.py)?|(?:src|tests)/[\w/]+|test_\w+\.py)(?:::\w+)?`"
)
"""A path of the repository: it ends in `/` or `.py`, or begins with src or tests."""
_NOT_OURS = {"files/"}
"""A folder in the data folder of a server."""
REFUSALS: dict[type[errors.Refusal] | None, errors.Refusal | None] = {
    errors.Malformed: errors.Malformed("no JSON"),
    errors.Invalid: errors.Invalid("title", "is required"),
    errors.Unauthenticated: errors.Unauthenticated("missing"),
    errors.Forbidden: errors.Forbidden("view:tenant"),
    errors.NotFound: errors.NotFound("conversation"),
    errors.Conflict: errors.Conflict("closed"),
    errors.TooLarge: errors.TooLarge(1),
    errors.TooMany: errors.TooMany(1),
    errors.Unavailable: errors.Unavailable(1),
    MethodNotAllowed: MethodNotAllowed(("GET",)),
    None: None,
}


def page(name: str) -> str:
    return (ROOT / "docs" / "dialects" / f"{name}.md").read_text()


def all_pages() -> str:
    return "\n".join(path.read_text() for path in (ROOT / "README.md", *ROOT.glob("docs/**/*.md")))


@EVERY
def test_every_route_is_in_its_dialects_page(name: str) -> None:
    shown = {call for calls in documented(page(name)) for call in calls}
    short = tuple(call for call in shown if "…" in call)
    missing = [call for call in declared(DIALECTS[name]) if call not in shown]
    assert [call for call in missing if not any(_is_shown(call, each) for each in short)] == []


@EVERY
def test_every_call_in_the_page_is_a_route(name: str) -> None:
    known = [call for each in DIALECTS.values() for call in declared(each)]
    for calls in documented(page(name)):
        assert any(_is_shown(call, each) for call in known for each in calls), calls


@EVERY
def test_every_parameter_and_field_of_a_request_is_in_its_dialects_page(name: str) -> None:
    shown = set(re.findall(r"\w+", " ".join(code(page(name)))))
    given = {
        (route.path, part)
        for route in DIALECTS[name].routes
        if not route.hidden
        for type_ in (route.query, route.body)
        if type_ is not None
        for field in msgspec.structs.fields(type_)
        for part in re.findall(r"\w+", field.encode_name)
    }
    assert {(path, part) for path, part in given if part not in shown} == set()


def test_every_refusal_of_the_engine_is_in_the_list() -> None:
    assert set(errors.REFUSALS) <= set(REFUSALS)


@EVERY
@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.__name__ if kind else "a crash")
def test_every_refusal_is_in_the_page(name: str, kind: type[errors.Refusal] | None) -> None:
    status, codes = rendered(DIALECTS[name], REFUSALS[kind])
    text = page(name)
    assert re.search(rf"^\|[^|]*\b{status}\b", text, re.MULTILINE), status
    assert [code for code in codes if code not in text] == []


@pytest.mark.parametrize("setting", settings.describe(), ids=lambda each: each.name)
def test_every_setting_is_in_the_docs_as_the_code_describes_it(
    setting: settings.SettingDoc,
) -> None:
    default = f"`{setting.default}`" if setting.default else ""
    row = f"| `{setting.env}` | {default} | {setting.doc} | {setting.accepts} |"
    assert row in (ROOT / "docs" / "running.md").read_text().splitlines()


def test_every_setting_in_the_docs_exists() -> None:
    named = set(re.findall(r"KOINE_[A-Z_]+[A-Z]", all_pages()))
    known = {each.env for each in settings.describe()}
    # Variables that `koine demo --env` exports.
    others = set(re.findall(r"KOINE_\w+", (ROOT / "src/koine/demo/env.py").read_text()))
    assert {
        n for n in named - known - others if not n.startswith(("KOINE_TEST", "KOINE_FUZZ"))
    } == set()


def test_every_command_is_in_the_docs() -> None:
    text = all_pages()
    assert [each for each in commands() if f"koine {each}" not in text] == []


def test_every_command_in_the_docs_exists() -> None:
    known = set(commands())
    groups = {each.split()[0] for each in known if " " in each}
    found = re.findall(r"\bkoine ([a-z][a-z-]+)(?: ([a-z][a-z-]+))?", "\n".join(code(all_pages())))
    shown = {f"{first} {second}" if first in groups else first for first, second in found}
    assert {each.strip() for each in shown} - known - groups == set()


def test_the_commands_to_load_the_demonstrations_variables_work_after_make_run() -> None:
    """`make run` installs `koine` in `.venv/bin`, which is not on the search path."""
    used = re.findall(r"\$\((\S+) demo --env", all_pages())
    assert len(used) > 1 and set(used) == {".venv/bin/koine"}


def test_every_path_the_pages_name_exists() -> None:
    """`store/core/db.py` may stand for src/koine/store/core/db.py, `http/test_router.py` for a
    test, and a bare name for one in the folder of the path before it on the line."""
    missing: list[str] = []
    for page_ in PAGES:
        for line in page_.read_text().splitlines():
            folder: Path | None = None
            for name in _PATH.findall(line):
                if name in _NOT_OURS:
                    continue
                found = [path for path in _candidates(name, folder) if path.exists()]
                missing += [] if found else [f"{page_.name}: {name}"]
                folder = found[0].parent if found else folder
    assert missing == []


@pytest.fixture(scope="module")
def names() -> Names:
    return Names(ROOT, ROOT / "src" / "koine")


def test_every_name_that_a_docstring_or_comment_quotes_exists(names: Names) -> None:
    assert sum(1 for module in names.modules for _ in module.quoted()) > 1000
    assert names.unknown() == []


@pytest.mark.parametrize(
    ("text", "is_known"),
    [
        ("koine.engine.sending.write_batcher", True),
        ("koine.engine.sending.batcher", False),
        ("event_log.log_reader.EventLogReader", True),
        ("webhooks.log_reader", False),
        ("Hub.subscribe", True),
        ("Hub.subscribed", False),
        ("reader.next_batch", False),
        ("engine/auth/access.py", True),
        ("engine/auth/accesses", False),
        ("write_tx", True),
        ("no_such_name()", False),
        ("NoSuchName", False),
        ("an `if` and prose", True),
    ],
)
def test_a_name_that_does_not_exist_is_found(names: Names, text: str, is_known: bool) -> None:
    hub = next(each for each in names.modules if each.path.match("realtime/hub.py"))
    assert names.is_known(hub, text) is is_known


def _candidates(name: str, folder: Path | None) -> Iterator[Path]:
    """The files or folders that a path of a page may mean."""
    if "/" not in name:
        yield from () if folder is None else (folder / name,)
    for base in (ROOT, ROOT / "src", ROOT / "src" / "koine", ROOT / "tests"):
        path = base / name.replace("<d>", "native").rstrip("/")
        yield from (path, path.with_name(f"{path.name}.py"))


def declared(dialect: Dialect) -> list[str]:
    """Every call of a dialect, as "GET /path/{}"."""
    open_ = [route for route in dialect.routes if not route.hidden]
    return [f"{route.method} {_PARAMETER.sub('{}', route.path)}" for route in open_]


def documented(text: str) -> Iterator[tuple[str, ...]]:
    """Every call of a page, each with its whole path and with the path below the page's base.

    Methods may be before the path or in a cell of their own; "…" stands for the omitted beginning.
    """
    base = _BELOW.search(text)
    for line in text.splitlines():
        cell = _CELL.match(line)
        pending = re.findall(METHOD, cell[1]) if cell else []
        for part in _CODE.findall(line.replace("\\|", "|")):
            head = _METHODS.match(part)
            rest = part[head.end() :].strip() if head else part
            methods = re.findall(METHOD, head[0]) if head else []
            if not rest.startswith(("/", "…/")):
                pending += methods
                continue
            path = _PARAMETER.sub("{}", rest.partition("?")[0].rstrip("/"))
            for method in pending + methods:
                yield f"{method} {path}", f"{method} {base[1] if base else ''}{path}"
            pending = [] if methods else pending


def _is_shown(call: str, shown: str) -> bool:
    method, path = shown.split(" ", 1)
    if not path.startswith("…"):
        return call == shown
    return call.startswith(f"{method} ") and call.endswith(path[1:])


def code(text: str) -> list[str]:
    """The code blocks and code spans of a text."""
    return re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL) + _CODE.findall(text)


def rendered(dialect: Dialect, refusal: errors.Refusal | None) -> tuple[int, list[str]]:
    """The status of a refusal in a dialect, and the codes that programs check."""
    response = dialect.error_response(refusal, "id", True)
    raw = response.body
    body = msgspec.json.decode(raw if isinstance(raw, bytes) else msgspec.json.encode(raw))
    problem = body.get("error") if isinstance(body, dict) else None
    found = problem if isinstance(problem, dict) and problem else body
    codes = [found[key] for key in ("code", "type") if key in found] if found else []
    return response.status or 500, [each.rsplit("/", 1)[-1] for each in codes]


def commands() -> list[str]:
    """Every command line there is, without `koine`."""
    return list(_leaves(typer.main.get_command(app), ""))


def _leaves(command: Any, name: str) -> Iterator[str]:
    if not hasattr(command, "list_commands"):
        yield name
        return
    context = command.make_context(name, [], resilient_parsing=True)
    for word in command.list_commands(context):
        yield from _leaves(command.get_command(context, word), f"{name} {word}".strip())
