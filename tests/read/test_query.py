"""Filter expressions: what old commands mean by them, what is refused, and that nothing raises,
takes long or is evaluated as Python.
"""

import itertools
import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meticulous import QueryError, _query
from meticulous._query_values import truth
from meticulous._table import MISSING

ROW = {
    "expid": "12",
    "status": "ERROR",
    "status_message": "ValueError: x",
    "sha": None,
    "start_time": "2026-11-03T10:00:00+00:00",
    "duration": 61.5,
    "description": "",
    "problems": [],
    "args": {
        "lr": 0.01,
        "model": {"name": "ResNet", "width": 64, "depth": None},
        "layers": [8, 4],
        "lambda": 3,
        "my-key": True,
        "data/train": "a.csv",
        "none": None,
        "a.b": {"c": 1},
    },
    "default_args": {"lr": 0.1},
    "summary": {"acc": 0.95, "loss": "NaN", "top": "Infinity"},
    "metadata": {"githead-sha": "abc", "command": ["x"], "git": {"branch": "main"}},
    "annotations": {"tags": ["best", "paper"]},
}
OTHER = {**ROW, "expid": "named", "args": {"extra": 1}, "summary": {}}

TRUE = [
    "args_lr > 0.001 and summary_acc > 0.9",
    "`args.lr` == 0.01",
    "args.lr==1e-2",
    "lr < .1 < acc < 1",
    "lr > 0.001 & acc > 0.9 | lr == 7",
    "~(lr > 1) & ~lr.isnull()",
    "not lr > 1 or False",
    "id == 12 and id == '12' and expid > 9 and id in [1, 12] and id not in ['13']",
    "id.startswith('1') and len(id) == 2 and id + 1 == 13",
    "status == 'ERROR' and header.status in ('ERROR', 'LOST') and message.contains('Value')",
    "start_time > '2026-11' and begin_time < '2026-12' and duration / 60 > 1",
    "args.model.name == 'ResNet' and args_model_name == 'ResNet' and model.width == 64",
    "args_model_width // 10 == 6 and model.width % 10 == 4 and model_width ** 2 == 4096",
    "args.model.name.str.lower().str.contains('net') and model.name.upper().endswith('NET')",
    "model.name.str.contains('res', case=False, na=False) and model.name.contains('Net')",
    "model.name.str.contains('[', regex=False) == False",
    "args.lambda + -1 == +2",
    "`args.my-key` and args_my_key == True and `my-key` == 1 and my_key",
    '`data/train` == "a.csv" and args.data_train.str.len() == 5',
    "metadata.githead_sha == 'abc' and `githead-sha` == 'abc' and metadata_git_branch == 'main'",
    "tags.contains('best') and 'paper' in annotations.tags and len(tags) == 2",
    "layers == [8, 4] and 8 in layers and not 9 in layers and len(layers) == 2",
    "none == None and none is None and lr is not None and lr != None and sha.isna()",
    "none.isnull() and args_extra.isna() and isnull(loss) and acc.notnull() and notna(acc)",
    "args.extra != 3 and not args.extra == 3 and not args.extra < 3 and not args.extra > 3",
    "args.extra not in [1] and not args.extra in [1] and args_extra != args_extra",
    "args.extra != None and not (args.extra == None)",
    "loss != 1 and not loss < 1 and not loss >= 1 and loss == 'NaN'",
    "top > 10 ** 9 and top == 'Infinity' and top * -1 < 0 and not -top > 0",
    "lr != 'x' and not lr < 'x' and not lr > 'x' and not layers < 3 and lr != '0.01'",
    "abs(-lr) == lr and max(1, lr) == 1 and min(layers) == 4 and round(acc, 1) == 0.9",
    "(9**9**9).isnull() and ('a' * 10**9).isnull() and (1 / 0).isna() and (0 ** -1).isna()",
    "((-8) ** 0.5).isna() and (2 ** 5000).isna() and round(1, 10**9).isna() and ('%s' % 3).isna()",
    "default_args.lr == 0.1 and default_args_lr < 1",
    "\n lr\n>\t0.001  ",
    "'a' + 'b' == 'ab' and '\\'' == \"'\" and 'a\\d' == 'a\\\\d' and 'é' == 'é'",
    "`args.a.b.c` == 1 and args_a_b_c == 1 and a.b.c == 1",
    "model.name.isin(['ResNet', 'x']) and not lr.contains('x') and not lr.startswith(0)",
]


@pytest.mark.parametrize("text", TRUE)
def test_an_expression_means_what_it_says(text):
    query = _query.compile(text)
    assert query.filter([ROW, OTHER])[:1] == [ROW]
    assert truth(query(ROW))


def test_only_the_rows_for_which_it_is_true_are_left():
    rows = [{**ROW, "expid": str(n), "args": {"lr": n / 10}} for n in range(20)]
    query = _query.compile("lr >= 0.5 and id < 7")
    assert [row["expid"] for row in query.filter(rows)] == ["5", "6"]
    assert query.names == ["lr", "id"] and query.text == "lr >= 0.5 and id < 7"
    assert query.filter([]) == []
    assert query(ROW) is False and _query.compile("args.nowhere")(ROW) is MISSING


class Watched(dict):
    """A row that notes which of its groups are asked for."""

    def get(self, name, default=None):
        self.asked.append(name)
        return super().get(name, default)


def test_of_rows_that_are_decided_nothing_more_is_read():
    rows = [Watched(args={"lr": n % 2}, summary={"acc": n % 3}) for n in range(300)]
    for text, wanted in (
        ("args.lr == 1 and summary.acc == 2", [n % 2 == 1 and n % 3 == 2 for n in range(300)]),
        ("not (args.lr == 0 or summary.acc < 2)", [n % 2 == 1 and n % 3 == 2 for n in range(300)]),
    ):
        for row in rows:
            row.asked = []
        assert _query.compile(text).filter(rows) == list(itertools.compress(rows, wanted))
        asked = [row.asked for row in rows[2:]]  # the names are those of the first ones
        assert asked == [["args", "summary"] if n % 2 else ["args"] for n in range(2, 300)]


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "it is empty"),
        ("lr > ", 5, "this is not an expression"),
        ("lr > (1", 6, "a bracket is not closed"),
        ("lr = 3", 4, "'=' does not compare. Write '=='."),
        ("lr > 1 2", 8, "this is not an expression"),
        ("lr == 'x", 7, "' is not closed"),
        ("lr > @x", 6, "variables do not exist here"),
        ("lr > 3 # why", 8, "'#' means nothing here"),
        ("args.2d > 1", 6, "a name does not begin with a digit"),
        ("é > lr + acuracy", 1, "There is no 'é'"),
        ("lr > 0 and summary.acuracy > 1", 12, "Did you mean 'summary.acc'"),
        ("acuracy > 1 or lr", 1, "There is no 'acuracy'"),
        ("branch == 'main'", 1, "Did you mean 'metadata.git.branch'?"),
        ("lr == true", 7, "There is no 'true'. Write True."),
        ("lr != null", 7, "There is no 'null'. Write None."),
        ("args.none.lr", 1, "There is no 'args.none.lr'"),
        ("__import__('os').system('x')", 1, "system() is not known here"),
        ("__import__('os')", 1, "__import__() is not known here"),
        ("().__class__.__bases__", 1, "only names have parts"),
        ("lr.real", 1, "There is no 'lr.real'"),
        ("lr.contain('x')", 1, "Did you mean contains()?"),
        ("(lr)(3)", 1, "lr() is not known here"),
        ("len(lr)(3)", 1, "this cannot be called"),
        ("len()", 1, "len() takes another number of arguments"),
        ("len(*lr)", 5, "this cannot be part of a filter"),
        ("len(a=1)", 1, "len() takes another number of arguments"),
        ("lr.round(digits=1)", 1, "round() takes no named arguments"),
        ("lr[0]", 1, "this cannot be part of a filter"),
        ("lambda: 1", 7, "':' means nothing here"),
        ("[x for x in lr]", 2, "this is not an expression"),
        ("(x := 3)", 4, "':' means nothing here"),
        ("lr if lr else lr", 4, "this is not an expression"),
        ("lr is 3", 7, "'is' is for None only"),
        ("lr.str.contains('a|b')", 1, "plain text, not for regular expressions"),
        ("lr.contains('a', regex=True)", 1, "plain text, not for regular expressions"),
        ("lr.contains('a', flags=0)", 1, "contains() takes case=False"),
        ("f'{lr}'", 2, "this is not an expression"),
        ("b'x' == lr", 2, "this is not an expression"),
        ("lr > 1; lr", 7, "';' means nothing here"),
        ("lr >> 1", 5, "this is not an expression"),
        ("lr ^ 1", 4, "'^' means nothing here"),
        ("9" * 401, 1, "this number is too long"),
        ("lr\0", 3, "means nothing here"),
        ("lr == 1 or " * 1000 + "lr", 1, "longer than 10000 characters"),
        ("(" * 70 + "1" + ")" * 70, 61, "nested too deeply"),
        ("not " * 200 + "lr", 321, "nested too deeply"),
        ("-" * 9000 + "1", 1, "nested too deeply"),
        ("2**" * 3000 + "1", 1, "nested too deeply"),
        ("1+" * 4000 + "1", 1, "nested too deeply"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text, column, message):
    began = time.monotonic()
    with pytest.raises(QueryError) as caught:
        _query.compile(text).filter([ROW, OTHER])
    error = caught.value
    assert message in str(error), str(error)
    assert error.column == column or "nested" in message, str(error)
    assert error.exit_code == 2 and text.startswith(error.text)
    assert len(str(error)) < 400 and "\n" not in error.message
    assert time.monotonic() - began < 20


def test_names_with_two_meanings_are_refused_and_full_names_are_not():
    row = {**ROW, "args": {"acc": 1, "status": 2, "a.b": 3, "a_b": 4, "summary_acc": 5}}
    for text, names in (
        ("acc > 0", "'args.acc' or 'summary.acc'"),
        ("status == 2", "'header.status' or 'args.status'"),
        ("`args.a/b`", "'args.a.b' or 'args.a_b'"),
    ):
        with pytest.raises(QueryError, match="can mean " + names):
            _query.compile(text).filter([row])
    clear = "args.acc == 1 and summary_acc == 0.95 and args.status == 2 and args_a_b == 4"
    assert _query.compile(clear + " and `args.a.b` == 3 and `a.b` == 3").filter([row])


# ------------------------------------------------------------------------------ any text

PIECES = r"""args lr args.lr `my-key` 'a' "b" 0 1 9.5 1e9 and or not in is None True & | ~ + - * /
// % ** < <= == != > ( ) [ ] , . str contains len = isnull ` ' " \ # é 世 ٣"""
WORDS = st.sampled_from([*PIECES.split(), "\n", "\0", "\ud800", " "])


@settings(deadline=20_000, max_examples=300)
@given(
    st.text(max_size=80) | st.lists(WORDS, max_size=40).map(" ".join) | st.lists(WORDS).map("".join)
)
def test_any_text_is_an_expression_or_an_error_of_ours(text):
    try:
        query = _query.compile(text)
        query.filter([ROW, OTHER])
    except QueryError as error:
        assert 1 <= error.column <= len(text) + 1
    else:
        truth(query(OTHER))


# ------------------------------------------------------------------------------ any expression

VALUES = st.one_of(
    st.just(MISSING),
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from([10**400, -(10**30)]),
    st.floats(),
    st.sampled_from(["", "a", "ab", "1", "NaN", "Infinity", "-Infinity"]),
    st.lists(st.integers(0, 2) | st.just("a"), max_size=2),
    st.dictionaries(st.sampled_from("ab"), st.integers(0, 2), min_size=1, max_size=1),
)
LITERALS = (
    st.integers(0, 9)
    | st.floats(0, 1e300, allow_nan=False)
    | st.sampled_from(["", "a", "ab", "NaN"])
    | st.sampled_from([None, True, False])
)
LEAVES = st.tuples(st.just("value"), LITERALS) | st.tuples(st.just("name"), st.sampled_from("xyz"))


def branches(inner):
    arithmetic = st.sampled_from(["+", "-", "*", "/", "//", "%", "**"])
    relations = st.sampled_from(["<", "<=", "==", "!=", ">", ">="])
    return st.one_of(
        st.tuples(arithmetic, inner, inner),
        st.tuples(relations, inner, inner),
        st.tuples(st.sampled_from(["and", "or", "&", "|"]), inner, inner),
        st.tuples(st.sampled_from(["not", "~", "-u", "isnull", "len"]), inner),
        st.tuples(st.sampled_from(["in", "not in"]), inner, st.lists(LITERALS, max_size=3)),
    )


TREES = st.recursive(LEAVES, branches, max_leaves=12)


def written(tree):
    kind, *parts = tree
    if kind == "value":
        return repr(parts[0])
    if kind == "name":
        return f"args.{parts[0]}"
    inner = [written(part) if isinstance(part, tuple) else repr(part) for part in parts]
    if len(parts) == 2:
        return (
            f"({inner[0]}) {kind} ({inner[1]})"
            if kind[-2:] != "in"
            else f"({inner[0]}) {kind} {inner[1]}"
        )
    if kind in ("isnull", "len"):
        return f"{kind}({inner[0]})"
    return f"{kind.rstrip('u')} ({inner[0]})"


def expected(tree, row):
    """The same, worked out another way."""
    kind, *parts = tree
    if kind == "value":
        return parts[0]
    if kind == "name":
        return row.get(parts[0], MISSING)
    values = [expected(part, row) if isinstance(part, tuple) else part for part in parts]
    if kind in ("and", "&"):
        return all(map(is_true, values))
    if kind in ("or", "|"):
        return any(map(is_true, values))
    if kind in ("not", "~"):
        return not is_true(values[0])
    if kind == "isnull":
        return no_value(values[0])
    if kind == "len":
        return len(values[0]) if isinstance(values[0], (str, list, dict)) else MISSING
    if kind in ("in", "not in"):
        return any(related("==", values[0], one) for one in values[1]) is (kind == "in")
    if kind in ("<", "<=", "==", "!=", ">", ">="):
        return related(kind, *values)
    return calculated(kind, [0, *values] if kind == "-u" else values)


def no_value(value):
    return value in (None, MISSING, "NaN") or value != value


def is_true(value):
    return bool(value) and not no_value(value)


def as_number(value):
    if isinstance(value, str) and value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    return value if isinstance(value, (int, float)) else None


def related(relation, a, b):
    if relation == "!=":
        return not related("==", a, b)
    if not (isinstance(a, str) and isinstance(b, str)):
        if relation == "==" and type(a) is type(b) and a is not MISSING and as_number(a) is None:
            return a == b
        a, b = as_number(a), as_number(b)
        if a is None or b is None:
            return False
    return {"<": a < b, "<=": a <= b, "==": a == b, ">": a > b, ">=": a >= b}[relation]


def calculated(kind, values):
    if kind == "+" and all(isinstance(value, str) for value in values):
        return "".join(values)
    a, b = map(as_number, values)
    if a is None or b is None:
        return MISSING
    if kind == "**" and abs(b) > 400 and isinstance(a, int) and isinstance(b, int) and abs(a) > 1:
        return ANYTHING
    try:
        operations = {
            "+": lambda: a + b,
            "-": lambda: a - b,
            "-u": lambda: -b,
            "*": lambda: a * b,
            "/": lambda: a / b,
            "//": lambda: a // b,
            "%": lambda: a % b,
            "**": lambda: a**b,
        }
        found = operations[kind]()
    except ArithmeticError:
        return MISSING
    if isinstance(found, complex):
        return MISSING
    return ANYTHING if isinstance(found, int) and abs(found) > 2**3000 else found


class ANYTHING:
    """A result whose size is cut somewhere: not compared."""


def uses_anything(tree, row):
    if not isinstance(tree, tuple) or tree[0] in ("value", "name"):
        return False
    return expected(tree, row) is ANYTHING or any(uses_anything(part, row) for part in tree[1:])


@settings(deadline=20_000, max_examples=600)
@given(TREES, st.lists(st.dictionaries(st.sampled_from("xyz"), VALUES, min_size=3), max_size=3))
def test_every_expression_agrees_with_another_evaluator(tree, rows):
    rows = [{key: value for key, value in row.items() if value is not MISSING} for row in rows]
    rows = [row for row in rows if not uses_anything(tree, row)]
    everywhere = {"x": 1, "y": 1, "z": 1}
    evaluate = _query.compile(written(tree)).bind(
        _query.Names([{"args": row} for row in (*rows, everywhere)])
    )
    values = evaluate([{"args": row} for row in rows])
    for row, found in zip(rows, values, strict=True):
        wanted = expected(tree, row)
        if isinstance(wanted, float) and math.isnan(wanted):
            assert math.isnan(found)
        else:
            assert found == wanted and isinstance(found, bool) == isinstance(wanted, bool), written(
                tree
            )
