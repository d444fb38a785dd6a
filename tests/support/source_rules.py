"""The rules for source files: each check gets a path in src/koine and its text, returns faults."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Collection
from functools import cache
from pathlib import PurePath
from statistics import median

FILE_LINES = 400
MEDIAN_LINES = 100
FUNCTION_LINES = 40
PARAMETERS = 6

Check = Callable[[PurePath, str], list[str]]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def long_file(path: PurePath, text: str) -> list[str]:
    """A file has at most 400 lines."""
    lines = len(text.splitlines())
    return [f"{path}: {lines} lines, over {FILE_LINES}"] if lines > FILE_LINES else []


def high_median(texts: list[str]) -> list[str]:
    """Half of the files have at most 100 lines."""
    found = median(len(text.splitlines()) for text in texts)
    return [f"median of {found} lines, over {MEDIAN_LINES}"] if found > MEDIAN_LINES else []


def long_function(path: PurePath, text: str) -> list[str]:
    """A function has at most 40 lines, not counting its docstring."""
    return [
        f"{path}:{function.lineno}: {function.name} has {lines} lines, over {FUNCTION_LINES}"
        for function in _functions(text)
        if (lines := _length(function)) > FUNCTION_LINES
    ]


def many_parameters(path: PurePath, text: str) -> list[str]:
    """A function takes at most six positional parameters."""
    return [
        f"{path}:{function.lineno}: {function.name} takes over {PARAMETERS} positional parameters"
        for function in _functions(text)
        if len(_positional(function)) > PARAMETERS
    ]


def inner_import(path: PurePath, text: str) -> list[str]:
    """Imports are at the top of a file."""
    return [
        f"{path}:{node.lineno}: import inside {function.name}"
        for function in _functions(text)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def undocumented(path: PurePath, text: str) -> list[str]:
    """A module, and each public function and class of it, has a docstring."""
    module = _tree(text)
    public = [
        node
        for node in module.body
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_")
    ]
    bare = [f"{path}:{node.lineno}: {node.name}" for node in public if not ast.get_docstring(node)]
    module_bare = [] if ast.get_docstring(module) else [f"{path}: the module"]
    return [f"{name} has no docstring" for name in module_bare + bare]


def unfinished(path: PurePath, text: str) -> list[str]:
    """Open tasks are in the issue tracker, not in the source."""
    return _matches(path, text, re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b"))


def machine_path(path: PurePath, text: str) -> list[str]:
    """No file names a directory of a developer's machine."""
    return _matches(path, text, re.compile(r"(?<![\w.}~/:-])/(work|root|home|Users)/\w"))


DATABASE_WORD = re.compile(r"sqlite|postgres|asyncpg|apsw", re.IGNORECASE)
KNOWS_DATABASES = re.compile(
    r"store/(sqlite|postgres)\w*(\.py|/)|store/(core/(expressions|statements|types)|migration_sql)\.py"
    r"|store/(tables|migrations)/"
    r"|kit/settings\.py|(server|cli)(\.py|/)"
)


def database_word(path: PurePath, text: str) -> list[str]:
    """Only the backends, the settings and the modules that connect them know the databases."""
    if KNOWS_DATABASES.match(path.as_posix()):
        return []
    return [
        f"{path}:{line}: {word!r} names a database"
        for line, word in _code_words(text)
        if DATABASE_WORD.search(word)
    ]


CORE = ("kit", "model", "store", "engine", "event_log", "realtime", "webhooks")
DIALECT_WORD = re.compile(
    r"zaia|chatwoot|tateth|omnivibe|(?<![A-Za-z])on-?di(?![a-z])", re.IGNORECASE
)
# Inbox and delivery are also entities, so they count only before "dialect" or "API". The name of a
# contract's file is a citation.
DIALECT_NAME = re.compile(
    r"\b(chats|helpdesk)\b(?!\.md)|[\"']native[\"']|\b(native|inbox|delivery) (dialect|API)\b"
)
# Without 400 and 500, which are also sizes.
HTTP_WORD = re.compile(
    r"starlette|\bstatus_code\b|HTTPStatus|HTTPException"
    r"|(?<![\w.])(401|403|404|405|409|410|413|415|422|429|502|503|504)(?![\w.])"
)
HTTP_CLIENT = "webhooks/response.py"
"""Reads the status of responses that endpoints send: there Koine is the HTTP client."""
EXTRAS_READ = re.compile(r"\bextras\s*(\[\s*[\"'\w]|\.\s*(get|pop|items|keys|values)\b)")


def dialect_word(path: PurePath, text: str) -> list[str]:
    """No layer below the dialects names a product, not even in a comment."""
    if path.parts[0] not in (*CORE, "http"):
        return []
    return _matches(path, text, DIALECT_WORD)


def dialect_name(path: PurePath, text: str) -> list[str]:
    """No layer below the dialects names one, except for settings, which have limits for each."""
    if path.parts[0] not in (*CORE, "http") or path.parts[0] == "kit":
        return []
    return _matches(path, text, DIALECT_NAME)


def http_word(path: PurePath, text: str) -> list[str]:
    """Layers below http have errors with fields, and no HTTP status."""
    if path.parts[0] not in CORE or path.as_posix() == HTTP_CLIENT:
        return []
    return [
        f"{path}:{line}: {word!r} belongs to http"
        for line, word in _code_words(text)
        if HTTP_WORD.search(word)
    ]


def extras_read(path: PurePath, text: str) -> list[str]:
    """The engine passes on the `extras` of a dialect without reading them."""
    if path.parts[0] != "engine":
        return []
    return _matches(path, text, EXTRAS_READ)


def unmarked_tx(path: PurePath, text: str) -> list[str]:
    """In a module with operations, a public function that takes a transaction ends in `_tx`."""
    public = [
        node
        for node in _tree(text).body
        if isinstance(node, Function) and not node.name.startswith("_")
    ]
    takes_tx = [node for node in public if _positional(node)[:1] == ["tx"]]
    helpers = [node for node in takes_tx if not node.decorator_list]
    takes_engine = any(_positional(node)[:1] == ["engine"] for node in public)
    if path.parts[0] != "engine" or not (takes_engine or len(helpers) < len(takes_tx)):
        return []
    return [
        f"{path}:{node.lineno}: {node.name} runs in a transaction: name it {node.name}_tx"
        for node in helpers
        if not node.name.endswith("_tx")
    ]


IRREGULAR_NAME = re.compile(
    r"(find|page|one|all_?|everyone|named|read|update|(forget|drop|discard)(_\w+)?)"
)


def irregular_name(path: PurePath, text: str) -> list[str]:
    """The functions of an entity have the names that CONTRIBUTING.md lists."""
    if not path.is_relative_to("engine") and not path.is_relative_to("store"):
        return []
    return [
        f"{path}:{node.lineno}: {node.name} has another name in CONTRIBUTING.md"
        for node in _tree(text).body
        if isinstance(node, Function) and IRREGULAR_NAME.fullmatch(node.name)
    ]


CHECKS: tuple[Check, ...] = (
    long_file,
    long_function,
    many_parameters,
    inner_import,
    undocumented,
    unfinished,
    machine_path,
    database_word,
    dialect_word,
    dialect_name,
    http_word,
    extras_read,
    unmarked_tx,
    irregular_name,
)


DATABASE_FOLDERS = {"core", "postgres", "sqlite", "tables", "migrations"}
"""The folders of the store that are about databases and not about entities."""


def different_folders(paths: Collection[PurePath]) -> list[str]:
    """Modules of the store in a folder that the engine does not have, or whose namesakes in the
    engine are all in other folders."""
    store, engine = (
        [path.relative_to(package) for path in paths if path.parts[0] == package]
        for package in ("store", "engine")
    )
    faults = []
    for module in store:
        namesakes = {other.parent for other in engine if other.name == module.name}
        allowed = namesakes or {other.parent for other in engine}
        if module.parts[0] not in DATABASE_FOLDERS and module.parent not in allowed:
            faults.append(f"store/{module}: not in the folder of the engine")
    return faults


def references(text: str, module: str, function: str) -> list[int]:
    """The lines of `text` that use `function` of the dotted `module`, under any alias."""
    if function not in text:
        return []
    tree = _tree(text)
    parent, _, last = module.rpartition(".")
    modules, names = {module}, set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {a.asname for a in node.names if a.name == module and a.asname}
        elif isinstance(node, ast.ImportFrom):
            for a in node.names:
                if node.module == parent and a.name == last:
                    modules.add(a.asname or a.name)
                if node.module == module and a.name == function:
                    names.add(a.asname or a.name)
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Name)]
    return [node.lineno for node in used if _is(node, modules, names, function)]


def _is(node: ast.Attribute | ast.Name, modules: set[str], names: set[str], function: str) -> bool:
    if isinstance(node, ast.Name):
        return node.id in names
    return node.attr == function and ast.unparse(node.value) in modules


@cache
def _tree(text: str) -> ast.Module:
    """Parsed once for all checks."""
    return ast.parse(text)


@cache
def _functions(text: str) -> list[Function]:
    return [node for node in ast.walk(_tree(text)) if isinstance(node, Function)]


def _length(function: Function) -> int:
    last = function.end_lineno or function.lineno
    docstring = function.body[0] if ast.get_docstring(function) else None
    documentation = (docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0
    return last - function.lineno + 1 - documentation


def _positional(function: Function) -> list[str]:
    names = [a.arg for a in function.args.posonlyargs + function.args.args]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def _matches(path: PurePath, text: str, pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}: {found.group()!r}"
        for number, line in enumerate(text.splitlines(), 1)
        if (found := pattern.search(line))
    ]


@cache
def _code_words(text: str) -> list[tuple[int, str]]:
    """The names, numbers and strings of a file, without its comments and docstrings."""
    prose = {line for node in ast.walk(_tree(text)) for line in _prose_lines(node)}
    kinds = {tokenize.NAME, tokenize.NUMBER, tokenize.STRING}
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [(t.start[0], t.string) for t in tokens if t.type in kinds and t.start[0] not in prose]


def _prose_lines(node: ast.AST) -> range:
    # A string as a statement is prose: a docstring, or a note below an attribute.
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
        return range(0)
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)
