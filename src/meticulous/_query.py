"""Filter expressions: ``args_lr > 0.01 and summary_acc > 0.9``.

A subset of what Python and ``DataFrame.query`` understand. It is parsed with `ast`, every node is
checked, and closures are made of it; nothing is ever evaluated as Python. Each closure gives the
values of many rows at once, since a call for each row and node would take most of the time.
"""

from __future__ import annotations

import ast
import functools
import itertools
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ._query_names import Field, Names, explain
from ._query_tokens import Expression, scan
from ._query_values import BINARY, FUNCTIONS, METHODS, RELATIONS, equal, negated, truth
from ._table import MISSING
from .errors import QueryError

__all__ = ["Query", "compile"]

Row = Any
Evaluate = Callable[[Sequence[Row]], list[Any]]

_DEEPEST = 80
_AT_ONCE = 128
"""So many rows are looked at together: few, since rows may read their values anew when others were
asked meanwhile."""
_SPECIAL = frozenset("\\^$*+?{[|(")


class Query:
    """A compiled filter expression.

    Called with a row (see `ExperimentReader.row`) it gives the expression's value for it: True or
    False for comparisons, `MISSING` where there is none.

    Args:
        text: the expression.

    Attributes:
        text: the expression.
        names: the names in it as they are written, in their order.

    Raises:
        QueryError: it cannot be understood.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: list[str] = []
        self._expression = scan(text)
        self._tree = _parsed(self._expression)
        self._evaluate = self._compiled(self._of_one_row)

    def __call__(self, row: Row) -> Any:
        return self._evaluate([row])[0]

    def __repr__(self) -> str:
        return f"<filter {self.text!r}>"

    def bind(self, names: Names) -> Evaluate:
        """Give the function that evaluates it for each of some rows, with every name looked up
        among those of all rows.

        Raises:
            QueryError: a name is unknown, or could mean several things.
        """

        def find(word: str, offset: int) -> Evaluate:
            getter = self._field(word, offset, names).getter
            return lambda rows: list(map(getter, rows))

        return self._compiled(find)

    def filter(self, rows: Sequence[Row], names: Names | None = None) -> list[Row]:
        """Give the rows for which it is true.

        Args:
            rows: see `Names`.
            names: of the rows, when they are known.

        Raises:
            QueryError: a name in it is unknown or ambiguous among these rows.
        """
        if not rows:
            return []
        evaluate = self.bind(names or Names(rows))
        found: list[Row] = []
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            found += itertools.compress(some, map(truth, evaluate(some)))
        return found

    def _compiled(self, find: Callable[[str, int], Evaluate]) -> Evaluate:
        compiler = _Compiler(self._expression, find)
        evaluate = compiler.value(self._tree)
        self.names = list(dict.fromkeys(compiler.names))
        return evaluate

    def _of_one_row(self, word: str, offset: int) -> Evaluate:
        def value(row: Row) -> Any:
            names = Names([row])
            if not names.exact(word):
                return MISSING
            return self._field(word, offset, names).getter(row)

        return lambda rows: list(map(value, rows))

    def _field(self, word: str, offset: int, names: Names) -> Field:
        found = names.exact(word)
        if len(found) != 1:
            raise self._expression.error(offset, *explain(word, found, names))
        return found[0]


def compile(text: str) -> Query:
    """Make a `Query` of an expression.

    Raises:
        QueryError: it cannot be understood.
    """
    return Query(text)


def _parsed(expression: Expression) -> ast.expr:
    try:
        return ast.parse(expression.source, mode="eval").body
    except SyntaxError as error:
        # At its end Python names the line after it, where there is no column.
        at_the_end = not error.offset or (error.lineno or 1) > 1
        offset = len(expression.source) if at_the_end else (error.offset or 1) - 1
        reason = "a bracket is not closed." if "never closed" in str(error.msg) else ""
        raise expression.error(offset, reason or "this is not an expression.") from None
    except (ValueError, RecursionError, MemoryError):
        raise expression.error(0, "it is nested too deeply.") from None


class _Compiler:
    """Turns the nodes of an expression into functions of rows, which give a value for each."""

    def __init__(self, expression: Expression, find: Callable[[str, int], Evaluate]) -> None:
        self.names: list[str] = []
        self._expression = expression
        self._find = find
        self._depth = 0

    def error(self, node: ast.AST, problem: str, hint: str = "") -> QueryError:
        return self._expression.error(getattr(node, "col_offset", 0), problem, hint)

    def value(self, node: ast.expr) -> Evaluate:
        build = _BUILDERS.get(type(node))
        if build is None:
            raise self.error(node, "this cannot be part of a filter.")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.error(node, "it is nested too deeply.")
        evaluate = build(self, node)
        self._depth -= 1
        return evaluate

    def all_of(self, nodes: Iterable[ast.expr]) -> list[Evaluate]:
        return [self.value(node) for node in nodes]

    # ------------------------------------------------------------------------ values

    def constant(self, node: ast.Constant) -> Evaluate:
        return _always(node.value)  # True, False or None: the rest are placeholders

    def name(self, node: ast.Name | ast.Attribute) -> Evaluate:
        if isinstance(node, ast.Name):
            value, is_name = self._expression.values[node.id]
            if not is_name:
                return _always(value)
        word = self.dotted(node)
        if word is None:
            raise self.error(node, "only names have parts.", _known())
        self.names.append(word)
        return self._find(word, node.col_offset)

    def word(self, placeholder: str) -> str | None:
        value, is_name = self._expression.values[placeholder]
        return value if is_name else None

    def dotted(self, node: ast.expr) -> str | None:
        """The name that a chain of attributes spells; None when it is no name."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            part = self.word(node.attr)
            if part is None:
                return None
            parts.append(part)
            node = node.value
        start = self.word(node.id) if isinstance(node, ast.Name) else None
        return None if start is None else ".".join([start, *reversed(parts)])

    def sequence(self, node: ast.List | ast.Tuple) -> Evaluate:
        items = self.all_of(node.elts)
        if all(self.is_constant(item) for item in node.elts):
            return _always([item([None])[0] for item in items])
        return lambda rows: list(map(list, zip(*(item(rows) for item in items), strict=True)))

    def is_constant(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            return self.word(node.id) is None
        return isinstance(node, ast.Constant)

    # ------------------------------------------------------------------------ operators

    def logic(self, node: ast.BoolOp) -> Evaluate:
        parts = self.all_of(node.values)
        goes_on = isinstance(node.op, ast.And)

        def evaluate(rows: Sequence[Row]) -> list[bool]:
            found = list(map(truth, parts[0](rows)))
            for part in parts[1:]:
                # Only of rows that are not decided: the value of others may have to be read.
                left = [row for row, is_true in zip(rows, found, strict=True) if is_true is goes_on]
                truths = map(truth, part(left))
                found = [next(truths) if is_true is goes_on else is_true for is_true in found]
            return found

        return evaluate

    def unary(self, node: ast.UnaryOp) -> Evaluate:
        operand = self.value(node.operand)
        if isinstance(node.op, ast.USub):
            return lambda rows: list(map(negated, operand(rows)))
        if isinstance(node.op, ast.UAdd):
            return lambda rows: list(map(negated, map(negated, operand(rows))))
        return lambda rows: list(map(operator.not_, map(truth, operand(rows))))

    def binary(self, node: ast.BinOp) -> Evaluate:
        make = BINARY.get(type(node.op).__name__)
        if make is None:
            raise self.error(node, "this operator is not known here.")
        apply, left, right = make(), self.value(node.left), self.value(node.right)
        return lambda rows: list(map(apply, left(rows), right(rows)))

    def comparison(self, node: ast.Compare) -> Evaluate:
        for relation, other in zip(node.ops, node.comparators, strict=True):
            is_none = isinstance(other, ast.Constant) and other.value is None
            if isinstance(relation, (ast.Is, ast.IsNot)) and not is_none:
                raise self.error(other, "'is' is for None only.", "Write '==' or '!='.")
        values = self.all_of([node.left, *node.comparators])
        relations = [RELATIONS[type(relation).__name__] for relation in node.ops]

        def evaluate(rows: Sequence[Row]) -> list[bool]:
            sides = itertools.pairwise([value(rows) for value in values])
            first, *others = (
                map(relation, *pair) for relation, pair in zip(relations, sides, strict=True)
            )
            return list(functools.reduce(functools.partial(map, operator.and_), others, first))

        return evaluate

    # ------------------------------------------------------------------------ calls

    def call(self, node: ast.Call) -> Evaluate:
        function = node.func
        if isinstance(function, ast.Name):
            name, table, arguments = self.word(function.id), FUNCTIONS, node.args
        elif isinstance(function, ast.Attribute):
            name, table = self.word(function.attr), METHODS
            arguments = [self._owner(function.value, name), *node.args]
        else:
            raise self.error(node, "this cannot be called.", _known())
        if name not in table:
            raise self._unknown_call(node, name, table)
        apply, fewest, most = table[name]
        if not fewest <= len(arguments) <= most:
            raise self.error(node, f"{name}() takes another number of arguments.")
        if name == "contains":
            ignore_case = self._contains_options(node)
            if ignore_case:
                apply = functools.partial(apply, case=False)
        elif node.keywords:
            raise self.error(node, f"{name}() takes no named arguments.")
        values = self.all_of(arguments)
        return lambda rows: list(map(apply, *(value(rows) for value in values)))

    def _owner(self, node: ast.expr, method: str | None) -> ast.expr:
        """What a method is called on, without the ``.str`` that pandas wants before it."""
        if isinstance(node, ast.Attribute) and self.word(node.attr) == "str":
            whole = self.dotted(node.value)
            if whole is None or "." in whole or whole not in ("args", "metadata", "summary"):
                return node.value
        return node

    def _unknown_call(self, node: ast.expr, name: str | None, table: Iterable[str]) -> QueryError:
        import difflib

        close = difflib.get_close_matches(name or "", table, 1)
        hint = f"Did you mean {close[0]}()?" if close else _known()
        return self.error(node, f"{name}() is not known here.", hint)

    def _contains_options(self, node: ast.Call) -> bool:
        """Check the arguments of pandas' contains; tells whether to ignore case."""
        options: dict[str | None, Any] = {"case": True, "regex": None, "na": False}
        for keyword in node.keywords:
            name = self.word(keyword.arg or "") if keyword.arg else None
            if name not in options or not isinstance(keyword.value, ast.Constant):
                raise self.error(node, "contains() takes case=False, regex=False and na=False.")
            options[name] = keyword.value.value
        pattern = node.args[0] if len(node.args) == 1 else None
        text = self._expression.values[pattern.id][0] if isinstance(pattern, ast.Name) else ""
        is_pandas = (
            isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Attribute)
            and self.word(node.func.value.attr) == "str"
        )
        if options["regex"] or (
            is_pandas and options["regex"] is None and _SPECIAL & set(str(text))
        ):
            raise self.error(
                node,
                "contains() looks for plain text, not for regular expressions.",
                "Write .contains(...) without .str, or regex=False.",
            )
        return equal(options["case"], False)


def _always(value: Any) -> Evaluate:
    return lambda rows: [value] * len(rows)


def _known() -> str:
    return f"Known are: {', '.join(sorted({*FUNCTIONS, *METHODS}))}."


_BUILDERS: dict[type, Callable[[Any, Any], Evaluate]] = {
    ast.Constant: _Compiler.constant,
    ast.Name: _Compiler.name,
    ast.Attribute: _Compiler.name,
    ast.List: _Compiler.sequence,
    ast.Tuple: _Compiler.sequence,
    ast.BoolOp: _Compiler.logic,
    ast.UnaryOp: _Compiler.unary,
    ast.BinOp: _Compiler.binary,
    ast.Compare: _Compiler.comparison,
    ast.Call: _Compiler.call,
}
