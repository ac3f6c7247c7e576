"""Filter expressions: ``args_lr > 0.01 and summary_acc > 0.9``.

A subset of what Python and ``DataFrame.query`` understand. It is parsed with `ast`, every node is
checked, and closures are made of it; nothing is ever evaluated as Python.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ._query_names import Field, Names, explain
from ._query_tokens import Expression, scan
from ._query_values import BINARY, FUNCTIONS, METHODS, RELATIONS, equal, negated, truth
from ._table import MISSING
from .errors import QueryError

__all__ = ["Query", "compile"]

Row = dict[str, Any]
Evaluate = Callable[[Row], Any]

_DEEPEST = 80
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
        return self._evaluate(row)

    def __repr__(self) -> str:
        return f"<filter {self.text!r}>"

    def bind(self, names: Names) -> Evaluate:
        """Give the function that evaluates it, with every name looked up among those of all rows.

        Raises:
            QueryError: a name is unknown, or could mean several things.
        """

        def find(word: str, offset: int) -> Evaluate:
            return self._field(word, offset, names).getter

        return self._compiled(find)

    def filter(self, rows: Sequence[Row]) -> list[Row]:
        """Give the rows for which it is true.

        Raises:
            QueryError: a name in it is unknown or ambiguous among these rows.
        """
        if not rows:
            return []
        evaluate = self.bind(Names(rows))
        return [row for row in rows if truth(evaluate(row))]

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

        return value

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
    """Turns the nodes of an expression into functions of a row."""

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
        value = node.value  # True, False or None: the rest are placeholders
        return lambda row: value

    def name(self, node: ast.Name | ast.Attribute) -> Evaluate:
        if isinstance(node, ast.Name):
            value, is_name = self._expression.values[node.id]
            if not is_name:
                return lambda row: value
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
            values = [item({}) for item in items]
            return lambda row: values
        return lambda row: [item(row) for item in items]

    def is_constant(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            return self.word(node.id) is None
        return isinstance(node, ast.Constant)

    # ------------------------------------------------------------------------ operators

    def logic(self, node: ast.BoolOp) -> Evaluate:
        parts = self.all_of(node.values)
        if isinstance(node.op, ast.And):
            return lambda row: all(truth(part(row)) for part in parts)
        return lambda row: any(truth(part(row)) for part in parts)

    def unary(self, node: ast.UnaryOp) -> Evaluate:
        operand = self.value(node.operand)
        if isinstance(node.op, ast.USub):
            return lambda row: negated(operand(row))
        if isinstance(node.op, ast.UAdd):
            return lambda row: negated(negated(operand(row)))
        return lambda row: not truth(operand(row))

    def binary(self, node: ast.BinOp) -> Evaluate:
        make = BINARY.get(type(node.op).__name__)
        if make is None:
            raise self.error(node, "this operator is not known here.")
        apply, left, right = make(), self.value(node.left), self.value(node.right)
        return lambda row: apply(left(row), right(row))

    def comparison(self, node: ast.Compare) -> Evaluate:
        for operator, other in zip(node.ops, node.comparators, strict=True):
            is_none = isinstance(other, ast.Constant) and other.value is None
            if isinstance(operator, (ast.Is, ast.IsNot)) and not is_none:
                raise self.error(other, "'is' is for None only.", "Write '==' or '!='.")
        first = self.value(node.left)
        relations = [RELATIONS[type(operator).__name__] for operator in node.ops]
        others = self.all_of(node.comparators)
        if len(others) == 1:
            relation, other_value = relations[0], others[0]
            return lambda row: relation(first(row), other_value(row))

        def chain(row: Row) -> bool:
            left = first(row)
            for relation, other in zip(relations, others, strict=True):
                right = other(row)
                if not relation(left, right):
                    return False
                left = right
            return True

        return chain

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
                value, part = self.all_of(arguments)
                return lambda row: apply(value(row), part(row), case=False)
        elif node.keywords:
            raise self.error(node, f"{name}() takes no named arguments.")
        values = self.all_of(arguments)
        if len(values) == 1:
            only = values[0]
            return lambda row: apply(only(row))
        return lambda row: apply(*[value(row) for value in values])

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
