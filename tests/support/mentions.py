"""Names of code that docstrings and comments quote, such as `realtime.hub.Hub`: do they exist?"""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

_QUOTED = re.compile(r"`([^`\n]+)`")
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+")
_PATH = re.compile(r"\w+(?:/\w+)+(?:\.py)?/?")
_MODULE = re.compile(r"\bkoine(?:\.\w+)+")
_PLAIN = re.compile(r"_?[a-z]+(?:_[a-z0-9]+)+|(?:[A-Z][a-z]+){2,}")
"""A single name that is code without doubt: it has an underscore, or several capitals."""


class Module:
    """A parsed file: the names of its top level, of each of its classes, and all in its code."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._text = path.read_text()
        self._tree = ast.parse(self._text)
        self.classes = {
            node.name: (_members(node), [ast.unparse(base) for base in node.bases])
            for node in ast.walk(self._tree)
            if isinstance(node, ast.ClassDef)
        }
        self.names = _bound(self._tree.body)
        self.packages = _imported_packages(self._tree)

    @cached_property
    def identifiers(self) -> set[str]:
        """Every identifier, and every word of a string that is no docstring."""
        found: set[str] = set()
        documentation = {id(node.value) for node in _docstrings(self._tree)}
        for node in ast.walk(self._tree):
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                    found.add(name)
                case ast.alias(name=name, asname=alias):
                    found.update((alias or name).split("."))
                case ast.keyword(arg=str(name)):
                    found.add(name)
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    found.add(node.name)
                case ast.Constant(value=str(text)) if id(node) not in documentation:
                    found.update(re.findall(r"[\w.]+", text))
        return found

    def quoted(self) -> Iterator[tuple[int, str]]:
        """The line and text of each quotation in a docstring or comment, and of each `koine.…`."""
        for line, text in self._prose():
            for name in (*_QUOTED.findall(text), *_MODULE.findall(text)):
                yield line, name

    def _prose(self) -> Iterator[tuple[int, str]]:
        for node in _docstrings(self._tree):
            assert isinstance(node.value, ast.Constant)
            yield node.lineno, str(node.value.value)
        for token in tokenize.generate_tokens(io.StringIO(self._text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


class Names:
    """The names of all modules below `source`, the folder of a package in the folder `root`."""

    def __init__(self, root: Path, source: Path) -> None:
        self._root, self._source = root, source
        self.modules = [Module(path) for path in sorted(source.rglob("*.py"))]
        self._stems: dict[str, list[Module]] = defaultdict(list)
        self._classes: dict[str, list[tuple[set[str], list[str]]]] = defaultdict(list)
        for module in self.modules:
            path = module.path
            self._stems[path.parent.name if path.stem == "__init__" else path.stem].append(module)
            for name, members in module.classes.items():
                self._classes[name].append(members)
        self._identifiers = set().union(*(module.identifiers for module in self.modules))
        self._packages = set().union(*(module.packages for module in self.modules)) - {"koine"}
        self._members = set().union(
            *(members for found in self._classes.values() for members, _ in found)
        )

    def unknown(self) -> list[str]:
        """Each quoted name that is nowhere, with its file and line."""
        return [
            f"{module.path.relative_to(self._source)}:{line}: `{text}`"
            for module in self.modules
            for line, text in module.quoted()
            if not self.is_known(module, text)
        ]

    def is_known(self, module: Module, text: str) -> bool:
        """Whether a quotation in a module names something that exists, or is no name of code."""
        name = text.removesuffix("()")
        if _PATH.fullmatch(name):
            return self._is_path(module, name)
        if _PLAIN.fullmatch(name):
            return name in self._identifiers or name in self._stems
        if _DOTTED.fullmatch(name):
            return name in self._identifiers or self._is_dotted(module, name)
        return True

    def _is_path(self, module: Module, text: str) -> bool:
        bases = [self._root, self._source, self._root / "tests", *module.path.parents]
        return any((base / f"{text}{end}").exists() for base in bases for end in ("", ".py"))

    def _is_dotted(self, module: Module, text: str) -> bool:
        """A name in a module or class, or an attribute of a variable of this module, which some
        class must have. A name of another package is believed."""
        parts = text.removeprefix("koine.").split(".")
        for index, part in enumerate(parts):
            rest, folder = parts[index + 1 :], parts[:index]
            if any(_is_below(each, folder) and self._has(each, rest) for each in self._stems[part]):
                return True
        head, *rest = parts
        if head in self._packages:
            return True
        if head in self._classes:
            return self._has_member(head, rest)
        return head in module.identifiers and set(rest) <= self._members | module.identifiers

    def _has(self, module: Module, rest: list[str]) -> bool:
        if not rest:
            return True
        return rest[0] in module.names and (
            len(rest) == 1 or (rest[0] in module.classes and self._has_member(rest[0], rest[1:]))
        )

    def _has_member(self, name: str, rest: list[str]) -> bool:
        return len(rest) == 1 and any(
            rest[0] in members or any(self._has_member(base, rest) for base in bases)
            for members, bases in self._classes.get(name, [])
        )


def _is_below(module: Module, folder: list[str]) -> bool:
    parents = module.path.parent.parts
    if module.path.stem == "__init__":
        parents = parents[:-1]
    return parents[len(parents) - len(folder) :] == tuple(folder)


def _imported_packages(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found |= {each.name.partition(".")[0] for each in names}
            case ast.ImportFrom(module=str(name)):
                found.add(name.partition(".")[0])
    return found


def _docstrings(tree: ast.AST) -> Iterator[ast.Expr]:
    """The strings that are statements, also those after a variable."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node


def _bound(body: list[ast.stmt]) -> set[str]:
    """The names that statements bind, also in branches."""
    found: set[str] = set()
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(statement.name)
            case ast.If(body=first, orelse=second):
                found |= _bound(first) | _bound(second)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found |= {each.asname or each.name for each in names}
            case ast.Assign() | ast.AnnAssign():
                variables = [each for each in ast.walk(statement) if isinstance(each, ast.Name)]
                found |= {each.id for each in variables if isinstance(each.ctx, ast.Store)}
    return found


def _members(node: ast.ClassDef) -> set[str]:
    """The names of a class, and the attributes that its methods set on `self`."""
    return _bound(node.body) | {
        each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute)
        and isinstance(each.ctx, ast.Store)
        and ast.unparse(each.value) == "self"
    }
