"""Mutants of Python: what a tired person could write instead, and every test would still be green."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.mutants.mutant import Mutant, numbered

COMPARISONS = {
    "Lt": "<=", "LtE": "<", "Gt": ">=", "GtE": ">", "Eq": "!=", "NotEq": "==",
    "In": "not in", "NotIn": "in", "Is": "is not", "IsNot": "is",
}  # fmt: skip
OPERATIONS = {"Add": "-", "Sub": "+", "Mult": "/", "Div": "*", "FloorDiv": "*", "Mod": "+"}
SYMBOLS = {"Add": "+", "Sub": "-", "Mult": "*", "Div": "/", "FloorDiv": "//", "Mod": "%"}
SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any"}
# Words for people are not what must never be wrong; neither are names of types.
WORDS = {"debug", "info", "warning", "error", "exception", "cast", "TypeVar"}
# What a type checker refuses to go against, and no test runs: records that do not change, and how they are made.
TYPED = {"frozen", "kw_only", "slots"}
PARAMETERS = {"TypeVar", "ParamSpec"}


def mutants_of(file: str, source: str) -> list[Mutant]:
    """Every mutant of a module."""
    return numbered(list(_Finder(file, source).found()))


class _Finder:
    def __init__(self, file: str, source: str) -> None:
        self._file = file
        self._source = source
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._lines = source.splitlines(keepends=True)

    def found(self) -> Iterator[Mutant]:
        yield from self._below(ast.parse(self._source), "")

    def _below(self, node: ast.AST, scope: str) -> Iterator[Mutant]:
        types = [getattr(node, name, None) for name in ("annotation", "returns")]
        for child in ast.iter_child_nodes(node):
            if any(child is each for each in types) or child is _encoding(node):
                continue
            inner = scope
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                inner = f"{scope}.{child.name}".lstrip(".")
            if self._is_for_people(child):
                continue
            yield from self._of(child, inner or "module")
            yield from self._below(child, inner)

    def _is_for_people(self, node: ast.AST) -> bool:
        """Annotations, docstrings, imports, log lines, ``__all__``; the words of an error are tested with its code."""
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.JoinedStr, ast.arg)):
            return True
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return True
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"dataclass", *PARAMETERS}
        ):
            return node.func.id in PARAMETERS or {keyword.arg for keyword in node.keywords} <= TYPED
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return True
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            function = node.value.func
            return isinstance(function, ast.Attribute) and function.attr in WORDS
        if isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            return bool({"__all__", "log"} & set(names)) or (_is_literal(node.value) and not self._is_read(names))
        return False

    def _is_read(self, names: list[str]) -> bool:
        """Whether values are held against this type at runtime."""
        return any(f"one_of({name}" in self._source for name in names)

    def _of(self, node: ast.AST, scope: str) -> Iterator[Mutant]:
        if isinstance(node, ast.Compare):
            yield from self._comparisons(node, scope)
        elif isinstance(node, ast.BoolOp):
            yield from self._boolean(node, scope)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield self._mutant("not", scope, node, self._text(node.operand))
        elif isinstance(node, ast.BinOp):
            yield from self._operation(node, scope)
        elif isinstance(node, ast.Constant):
            yield from self._constant(node, scope)
        elif isinstance(node, (ast.If, ast.While, ast.IfExp)):
            for value in ("True", "False") if not isinstance(node, ast.While) else ("False",):
                yield self._mutant("condition", scope, node.test, value)
        elif isinstance(node, ast.comprehension):
            for test in node.ifs:
                yield self._mutant("filter", scope, test, "True")
        elif isinstance(node, ast.Call):
            yield from self._call(node, scope)
        elif isinstance(node, (ast.Set, ast.Tuple, ast.List)):
            yield from self._elements(node, scope)
        else:
            yield from self._statement(node, scope)

    def _statement(self, node: ast.AST, scope: str) -> Iterator[Mutant]:
        if isinstance(node, (ast.Raise, ast.AugAssign)) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
        ):
            yield self._mutant("left out", scope, node, "pass")
        elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
            yield self._mutant("return", scope, node, "return None")
        elif isinstance(node, ast.ExceptHandler) and node.type is not None:
            yield self._mutant("caught", scope, node.type, "()")

    def _comparisons(self, node: ast.Compare, scope: str) -> Iterator[Mutant]:
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            between = self._end(left), self._offset(right)
            text = self._source[between[0] : between[1]]
            if text.strip():  # without brackets between
                changed = f" {COMPARISONS[type(operator).__name__]} " + ("(" if text.rstrip().endswith("(") else "")
                changed = (")" if text.lstrip().startswith(")") else "") + changed
                yield self._between("compare", scope, node.lineno, *between, changed)
            left = right

    def _boolean(self, node: ast.BoolOp, scope: str) -> Iterator[Mutant]:
        word, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            text = self._source[self._end(left) : self._offset(right)]
            yield self._between(
                "and/or", scope, right.lineno, self._end(left), self._offset(right), text.replace(word, other, 1)
            )
        for value in node.values:
            yield self._mutant("operand", scope, value, "True" if word == "and" else "False")

    def _operation(self, node: ast.BinOp, scope: str) -> Iterator[Mutant]:
        name = type(node.op).__name__
        if name not in OPERATIONS or any(
            isinstance(side, (ast.JoinedStr, ast.List)) for side in (node.left, node.right)
        ):
            return
        start, end = self._end(node.left), self._offset(node.right)
        text = self._source[start:end]
        yield self._between(
            "operator", scope, node.lineno, start, end, text.replace(SYMBOLS[name], OPERATIONS[name], 1)
        )

    def _constant(self, node: ast.Constant, scope: str) -> Iterator[Mutant]:
        value = node.value
        if isinstance(value, bool):
            yield self._mutant("constant", scope, node, str(not value))
        elif isinstance(value, (int, float)):
            yield self._mutant("constant", scope, node, f"({self._text(node)} + 1)")
        elif isinstance(value, str) and value and " " not in value and self._text(node)[:1] in "'\"":
            yield self._mutant("constant", scope, node, repr(f"{value}!"))

    def _call(self, node: ast.Call, scope: str) -> Iterator[Mutant]:
        if isinstance(node.func, ast.Name) and node.func.id in SWAPPED:
            yield self._mutant("function", scope, node.func, SWAPPED[node.func.id])
        for keyword in node.keywords:
            if keyword.arg is not None:  # a condition, a token, a limit that is not given any more
                start = self._starts[keyword.lineno - 1] + self._columns(keyword.lineno, keyword.col_offset)
                end = self._end(keyword.value)
                after = self._source[end:].lstrip()
                if after.startswith(","):
                    end = self._source.index(",", end) + 1
                yield self._between("argument", scope, keyword.lineno, start, end, "")

    def _elements(self, node: ast.Set | ast.Tuple | ast.List, scope: str) -> Iterator[Mutant]:
        if isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del)) or len(node.elts) < 2:
            return
        if not all(isinstance(element, (ast.Constant, ast.Name, ast.Attribute)) for element in node.elts):
            return
        for element in node.elts:
            start, end = self._offset(element), self._end(element)
            rest = self._source[end : self._end(node)]
            if not rest.lstrip().startswith(",") or (isinstance(node, ast.Tuple) and len(node.elts) == 2):
                continue
            yield self._between("element", scope, element.lineno, start, self._source.index(",", end) + 1, "")

    def _mutant(self, kind: str, scope: str, node: ast.AST, after: str) -> Mutant:
        return self._between(kind, scope, node.lineno, self._offset(node), self._end(node), after)  # type: ignore[attr-defined]

    def _between(self, kind: str, scope: str, line: int, start: int, end: int, after: str) -> Mutant:
        return Mutant(self._file, line, scope, kind, self._source[start:end], after, 0, start, end)

    def _text(self, node: ast.AST) -> str:
        return self._source[self._offset(node) : self._end(node)]

    def _offset(self, node: ast.AST) -> int:
        return self._starts[node.lineno - 1] + self._columns(node.lineno, node.col_offset)  # type: ignore[attr-defined]

    def _end(self, node: ast.AST) -> int:
        return self._starts[node.end_lineno - 1] + self._columns(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def _columns(self, line: int, offset: int) -> int:
        """ast counts bytes."""
        return len(self._lines[line - 1].encode()[:offset].decode())


def _is_literal(node: ast.AST) -> bool:
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Literal"


def _encoding(node: ast.AST) -> ast.AST | None:
    """The name of an encoding, in which Python skips punctuation: with a mark behind it is the same one."""
    if isinstance(node, ast.keyword) and node.arg == "encoding":
        return node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("encode", "decode"):
        return node.args[0] if node.args else None
    return None


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
