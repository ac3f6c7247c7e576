"""The nine rules of docs/design.md, section 4, over the syntax tree: lazy imports and those under
TYPE_CHECKING count like any other. The budgets of rule 9 are in test_budgets.py.

A rule is a function from a tree of modules to a list of sentences; an empty list means that it
holds. Each is also run on a small tree that breaks it, so that a rule that checks nothing fails.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
SOURCE = PROJECT / "src" / "meticulous"

# Every module has its layer; imports go to the same layer or down. docs/design.md shows the same.
LAYERS: dict[int, tuple[str, ...]] = {
    6: ("cli",),
    5: ("__init__", "reproduce", "web"),
    4: ("experiments",),
    3: ("experiment", "_index", "compare", "_bundle"),
    2: ("_folder", "_series", "_git", "_status", "_query", "_annotations", "_commits"),
    1: (
        "errors",
        "_json",
        "_files",
        "_table",
        "_better",
        "_screen",
        "_braille",
        "_settings",
        "_process",
        "_redact",
        "_writer",
        "_capped",
        "_console",
        "_lifecycle",
        "_environment",
        "_arguments",
    ),
}
LAYER = {name: layer for layer, names in LAYERS.items() for name in names}

SENSES = ("_git", "_arguments", "_environment", "_console", "_lifecycle")
SENSES_MAY_IMPORT = {"errors", "_json", "_files"}

WRITING_HALF_NEVER = {"experiments", "_index", "_query", "_status", "_table", "cli", "__init__"}
READING_HALF_NEVER = {*SENSES, "experiment", "_writer", "_capped", "cli", "__init__"}

# What looks later at what a sense looked at when it was recorded; reading itself needs no git.
LOOKS_AGAIN = {("_commits", "_git")}

# A third-party package, and the one file that may import it (always inside a function).
THIRD_PARTY: dict[str, str] = {
    "msgspec": "_series",
    "psutil": "_environment_counters",
    "numpy": "_experiments_series",
    "pandas": "_experiments_frames",
    "polars": "_experiments_frames",
    "pyarrow": "_experiments_frames",
    "starlette": "web.server",
    "uvicorn": "web.server",
}

# "stdout" and "stderr" are names of the record too, but also those of every stream.
RECORD_FILES = (
    "STATUS",
    "args.json",
    "default_args.json",
    "metadata.json",
    "environment.json",
    "code.patch",
    "summary.json",
    "annotations.json",
    "metrics.jsonl",
    "system.jsonl",
    "files.jsonl",
)
SPELLERS = {"_folder", "_series"}

# Where the rule of who prints and exits has an exception, and why.
PRINTS_AND_EXITS: dict[tuple[str, str], str] = {
    ("experiment", "sys.stderr.write"): (
        "the traceback that continue_on_error swallows; one line when the storage begins to fail"
    ),
    ("_console", "os._exit"): "the process that copies to the terminal, with capture=fd, ends",
    ("_lifecycle", "os._exit"): "die by a signal where its default action cannot be restored",
}

# The same for what changes the process.
TOUCHES_PROCESS: dict[tuple[str, str], str] = {
    ("_environment", "sys.modules"): "pynvml under a name of ours",
    ("web", "os.nice"): "a process of ours that reads curves gives way to trainings",
}

# The same for modules that are loaded in another way than by an import statement.
LOADS: dict[tuple[str, str], str] = {
    ("_environment", "exec_module"): "pynvml from its file, unseen by who imports it too",
}

# What a module may call while it is imported: it makes a value and does nothing else. Functions
# of the module itself are named with it.
CALLS_AT_IMPORT = {
    "_console._code_of",
    "_query_values._ordering",
    "_settings._choice",
    "cli.Field",
    "Callable",
    "NamedTuple",
    "TypeVar",
    "contextvars.ContextVar",
    "dict",
    "dict.fromkeys",
    "frozenset",
    "getattr",
    "hasattr",
    "itertools.count",
    "json.JSONDecoder",
    "json.JSONEncoder",
    "object",
    "re.compile",
    "re.escape",
    "set",
    "sorted",
    "str.maketrans",
    "struct.Struct",
    "threading.Lock",
    "threading.RLock",
    "threading.local",
    "tuple",
    "type",
}


# ------------------------------------------------------------------------------------ the tree


class Tree:
    """Modules by dotted name within the package: ``_git``, ``cli._output``, ``__init__``."""

    def __init__(self, sources: dict[str, str]) -> None:
        self.modules = {name: ast.parse(text) for name, text in sources.items()}

    @classmethod
    def read(cls, folder: Path) -> Tree:
        sources = {}
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            if parts[-1] == "__init__" and len(parts) > 1:
                parts = parts[:-1]
            sources[".".join(parts)] = path.read_text("utf-8")
        return cls(sources)

    def is_package(self, name: str) -> bool:
        return name == "__init__" or any(other.startswith(name + ".") for other in self.modules)

    def ours(self, name: str) -> Iterator[str]:
        """Modules of the package that a module imports."""
        for node in ast.walk(self.modules[name]):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.split(".")[0] == "meticulous":
                        yield self._module(alias.name.split(".")[1:])
            elif isinstance(node, ast.ImportFrom):
                base = self._base(name, node)
                if base is None:
                    continue
                for alias in node.names:
                    yield self._module([*base, alias.name])

    def _base(self, name: str, node: ast.ImportFrom) -> list[str] | None:
        """The package-relative module that a ``from … import`` names; None for a foreign one."""
        named = node.module.split(".") if node.module else []
        if node.level == 0:
            return named[1:] if named[:1] == ["meticulous"] else None
        inside = [] if name == "__init__" else name.split(".")
        ups = node.level - 1 if self.is_package(name) else node.level
        return inside[: len(inside) - ups] + named

    def _module(self, parts: list[str]) -> str:
        """The longest prefix that is a module; what is not one is a name in the face."""
        for length in range(len(parts), 0, -1):
            if ".".join(parts[:length]) in self.modules:
                return ".".join(parts[:length])
        return "__init__"

    def foreign(self, name: str) -> Iterator[str]:
        """Top-level names of the modules that a module imports from outside the package."""
        for node in ast.walk(self.modules[name]):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield node.module.split(".")[0]


def unit(name: str) -> str:
    """The module of the table that a file belongs to: a module may go on in files that begin with
    its name, as `_git_look` belongs to `_git` and `_experiment_end` to `experiment`.
    """
    top = name.split(".")[0]
    if top in LAYER:
        return top
    if top == "__main__":
        return "cli"
    begins = [whole for whole in LAYER if top.startswith("_" + whole.lstrip("_") + "_")]
    return max(begins, key=len, default=top)


def dotted(node: ast.AST) -> str:
    """``a.b.c`` for names and attributes, ``…`` for what they hang on otherwise."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return "…"


def docstrings(tree: ast.Module) -> set[int]:
    """The ids of the nodes that are documentation."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


# ------------------------------------------------------------------------------------ the rules


def rule_every_module_has_a_layer(tree: Tree) -> Iterator[str]:
    for name in tree.modules:
        if unit(name) not in LAYER:
            yield f"{name} is in no layer: give it one here and in docs/design.md"


def rule_1_imports_go_down(tree: Tree) -> Iterator[str]:
    for name in tree.modules:
        for other in tree.ours(name):
            if LAYER.get(unit(other), 0) > LAYER.get(unit(name), 9):
                yield f"{name} imports {other}, which is above it"


def rule_1_no_circles(tree: Tree) -> Iterator[str]:
    for name in tree.modules:
        for other in set(tree.ours(name)) - {name}:
            if name in reachable(tree, other):
                yield f"{name} and {other} import each other"


def reachable(tree: Tree, start: str) -> set[str]:
    found, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += tree.ours(name)
    return found


def rule_2_the_halves_meet_on_disk(tree: Tree) -> Iterator[str]:
    for half, never in (("experiment", WRITING_HALF_NEVER), ("experiments", READING_HALF_NEVER)):
        for name in [name for name in tree.modules if unit(name) == half]:
            for other in reachable(tree, name) - {name}:
                if unit(other) in never:
                    yield f"{name} reaches {other}"


def rule_3_a_sense_knows_only_the_foundations(tree: Tree) -> Iterator[str]:
    for name in tree.modules:
        for other in tree.ours(name):
            ours = unit(name)
            if ours in SENSES and unit(other) not in {ours, *SENSES_MAY_IMPORT}:
                yield f"{name} imports {other}: a sense knows nothing of the record or the others"
            composes = ours in {unit(other), "experiment"} or (ours, unit(other)) in LOOKS_AGAIN
            if unit(other) in SENSES and not composes:
                yield f"{name} imports {other}: only experiment composes senses"


def rule_4_siblings_never_import_each_other(tree: Tree) -> Iterator[str]:
    for name in tree.modules:
        folder, _, own = name.rpartition(".")
        for other in tree.ours(name):
            other_folder, _, sibling = other.rpartition(".")
            if folder and other_folder == folder and own[0] != "_" and sibling[0] != "_":
                yield f"{name} imports its sibling {other}"


def rule_4_third_party_imports_stand_in_their_leaf(tree: Tree) -> Iterator[str]:
    import sys

    for name, module in tree.modules.items():
        for package in tree.foreign(name):
            if package in sys.stdlib_module_names or package in ("meticulous", "__main__"):
                continue
            if THIRD_PARTY.get(package) != name:
                yield f"{name} imports {package}"
            elif package in (alias for node in module.body for alias in _imported(node)):
                yield f"{name} imports {package} when it is imported itself"


def _imported(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module.split(".")[0]]
    return []


def rule_5_only_the_record_spells_its_files(tree: Tree) -> Iterator[str]:
    names = [name for name in RECORD_FILES if name != "STATUS"]
    pattern = re.compile(r"\bSTATUS\Z|\b(?:" + "|".join(map(re.escape, names)) + r")\b")
    for name, module in tree.modules.items():
        if unit(name) in SPELLERS:
            continue
        documentation = docstrings(module)
        for node in ast.walk(module):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found = pattern.search(node.value)
                prose = id(node) in documentation or len(node.value.split()) > 1
                if found and not prose:
                    yield f"{name}:{node.lineno} spells {found[0]}"


_PRINTS = {"print", "exit", "quit", "sys.exit", "os._exit", "pprint.pprint", "SystemExit"}
_LISTENS = {"listen", "serve_forever", "start_server", "create_server", "run_app"}


def rule_6_only_cli_prints_and_exits(tree: Tree) -> Iterator[str]:
    for name, module in tree.modules.items():
        if unit(name) == "cli":
            continue
        for node in ast.walk(module):
            done = None
            if isinstance(node, ast.Call):
                called = dotted(node.func)
                is_stream = re.fullmatch(r"sys\.(__)?std(out|err)(__)?(\.buffer)?\.write", called)
                if called in _PRINTS or is_stream:
                    done = called
            elif isinstance(node, ast.Raise) and node.exc and dotted(node.exc) == "SystemExit":
                done = "SystemExit"
            if done and (unit(name), done) not in PRINTS_AND_EXITS:
                yield f"{name}:{node.lineno} calls {done}"


def rule_6_only_the_server_listens(tree: Tree) -> Iterator[str]:
    for name, module in tree.modules.items():
        if name == "web.server":
            continue
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] in _LISTENS:
                yield f"{name}:{node.lineno} listens"


_TOUCHES = {
    "atexit.register",
    "faulthandler.disable",
    "faulthandler.enable",
    "gc.disable",
    "locale.setlocale",
    "logging.basicConfig",
    "logging.disable",
    "multiprocessing.set_start_method",
    "os.chdir",
    "os.dup2",
    "os.environ.clear",
    "os.environ.pop",
    "os.environ.setdefault",
    "os.environ.update",
    "os.nice",
    "os.putenv",
    "os.register_at_fork",
    "os.setpgid",
    "os.setsid",
    "os.umask",
    "os.unsetenv",
    "random.seed",
    "resource.setrlimit",
    "setattr",
    "signal.pthread_sigmask",
    "signal.set_wakeup_fd",
    "signal.setitimer",
    "signal.signal",
    "socket.setdefaulttimeout",
    "sys.addaudithook",
    "sys.setprofile",
    "sys.setrecursionlimit",
    "sys.setswitchinterval",
    "sys.settrace",
    "threading.setprofile",
    "threading.settrace",
    "tracemalloc.start",
    "warnings.filterwarnings",
    "warnings.simplefilter",
}
_FOREIGN = {"sys", "os", "builtins", "threading", "signal", "warnings", "logging", "io", "socket"}
_MAY_TOUCH = {"_console", "_lifecycle"}


def rule_6_only_console_and_lifecycle_touch_the_process(tree: Tree) -> Iterator[str]:
    for name, module in tree.modules.items():
        if unit(name) in _MAY_TOUCH:
            continue
        for node in ast.walk(module):
            for touched in _touched(node):
                if (unit(name), touched) not in TOUCHES_PROCESS:
                    yield f"{name}:{node.lineno} touches {touched}"


def _touched(node: ast.AST) -> Iterator[str]:
    """What of the process a node changes: a call of the list, or something of the standard
    library that is assigned to or deleted."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Call) and dotted(node.func) in _TOUCHES:
        first = dotted(node.args[0]) if node.args else ""
        if dotted(node.func) != "setattr" or first in _FOREIGN:
            yield dotted(node.func)
    elif isinstance(node, (ast.Assign, ast.Delete)):
        targets = node.targets
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        targets = [node.target]
    for target in targets:
        place = dotted(target.value) if isinstance(target, ast.Subscript) else dotted(target)
        if place.split(".")[0] in _FOREIGN and "." in place:
            yield place


_OF_TEXT = {"encode", "format", "join", "replace", "split", "splitlines"}


def rule_8_nothing_happens_at_import(tree: Tree) -> Iterator[str]:
    for name, module in tree.modules.items():
        own_records = {node.name for node in module.body if isinstance(node, ast.ClassDef)}
        for node in _at_import(module.body):
            if isinstance(node, (ast.With, ast.For, ast.While)):
                yield f"{name}:{node.lineno} works at import"
            if isinstance(node, ast.Call):
                called = dotted(node.func)
                allowed = CALLS_AT_IMPORT | own_records
                is_of_text = called.rpartition(".")[2] in _OF_TEXT
                if not is_of_text and not {called, f"{unit(name)}.{called}"} & allowed:
                    yield f"{name}:{node.lineno} calls {called} at import"


def _at_import(nodes: list[ast.AST]) -> Iterator[ast.AST]:
    """What is executed when the module is: decorators, defaults and class bodies included."""
    for node in nodes:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'":
            continue
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _at_import([*node.decorator_list, *node.args.defaults])
            yield from _at_import([default for default in node.args.kw_defaults if default])
        elif not isinstance(node, (ast.Lambda, ast.GeneratorExp)):
            yield from _at_import(list(ast.iter_child_nodes(node)))


def rule_8_nobody_inside_imports_the_face(tree: Tree) -> Iterator[str]:
    for name in tree.modules:
        if name != "__init__" and unit(name) != "cli" and "__init__" in tree.ours(name):
            yield f"{name} imports the face"


_LOADING = {"__import__", "import_module", "exec_module", "load_module", "exec", "eval"}


def rule_8_imports_are_visible(tree: Tree) -> Iterator[str]:
    """Modules loaded by a text would escape the other rules; the face and cli have a table."""
    for name, module in tree.modules.items():
        if name in ("__init__", "cli"):
            continue
        for node in ast.walk(module):
            called = dotted(node.func).split(".")[-1] if isinstance(node, ast.Call) else ""
            if called in _LOADING and (unit(name), called) not in LOADS:
                yield f"{name}:{node.lineno} calls {called}"


RULES: list[Callable[[Tree], Iterator[str]]] = [
    value for name, value in list(globals().items()) if name.startswith("rule_")
]

# ------------------------------------------------------------------------------------ the tests


@pytest.fixture(scope="module")
def real() -> Tree:
    return Tree.read(SOURCE)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_holds(rule, real):
    broken = sorted(set(rule(real)))
    assert not broken, "\n".join(broken)


BROKEN: list[tuple[Callable[[Tree], Iterator[str]], dict[str, str]]] = [
    (rule_every_module_has_a_layer, {"_helpers": ""}),
    (rule_1_imports_go_down, {"_files": "from . import _folder", "_folder": ""}),
    (
        rule_1_imports_go_down,
        {"_folder": "def f():\n from .cli import main", "cli": "", "cli.ls": ""},
    ),
    (
        rule_1_imports_go_down,
        {
            "experiment": "if TYPE_CHECKING:\n from . import experiments",
            "experiments": "",
        },
    ),
    (rule_1_no_circles, {"_json": "from . import _files", "_files": "import meticulous._json"}),
    (
        rule_2_the_halves_meet_on_disk,
        {"experiment": "from . import _git", "_git": "from ._table import rows", "_table": ""},
    ),
    (
        rule_2_the_halves_meet_on_disk,
        {
            "experiments": "from . import _folder",
            "_folder": "from . import _git_run",
            "_git_run": "",
        },
    ),
    (rule_3_a_sense_knows_only_the_foundations, {"_git": "from ._folder import x", "_folder": ""}),
    (
        rule_3_a_sense_knows_only_the_foundations,
        {"_git": "from . import _console_x", "_console_x": ""},
    ),
    (rule_3_a_sense_knows_only_the_foundations, {"_folder": "from ._git import x", "_git": ""}),
    (
        rule_4_siblings_never_import_each_other,
        {"cli": "", "cli.ls": "from .show import row", "cli.show": ""},
    ),
    (rule_4_third_party_imports_stand_in_their_leaf, {"_folder": "def f():\n import msgspec"}),
    (rule_4_third_party_imports_stand_in_their_leaf, {"_writer": "import msgspec"}),
    (rule_5_only_the_record_spells_its_files, {"_console": "path = folder + '/STATUS'"}),
    (rule_5_only_the_record_spells_its_files, {"experiment": "x = f'{folder}/args.json'"}),
    (rule_6_only_cli_prints_and_exits, {"_git": "def f():\n print('hello')"}),
    (rule_6_only_cli_prints_and_exits, {"_git": "def f():\n raise SystemExit(1)"}),
    (rule_6_only_cli_prints_and_exits, {"_git": "def f():\n raise SystemExit"}),
    (rule_6_only_cli_prints_and_exits, {"_git": "def f():\n sys.stderr.write('x')"}),
    (rule_6_only_the_server_listens, {"_process": "def f(s):\n s.listen()"}),
    (rule_6_only_the_server_listens, {"web": "", "web.api": "def f(s):\n s.listen()"}),
    (rule_6_only_console_and_lifecycle_touch_the_process, {"_git": "def f():\n os.chdir('x')"}),
    (rule_6_only_console_and_lifecycle_touch_the_process, {"_git": "def f():\n sys.stdout = 1"}),
    (
        rule_6_only_console_and_lifecycle_touch_the_process,
        {"_git": "def f():\n os.environ['A'] = 'b'"},
    ),
    (
        rule_6_only_console_and_lifecycle_touch_the_process,
        {"_git": "def f():\n setattr(sys, 'x', 1)"},
    ),
    (rule_8_nothing_happens_at_import, {"_git": "import os\nHERE = os.getcwd()"}),
    (rule_8_nothing_happens_at_import, {"_git": "class A:\n x = open('y')"}),
    (rule_8_nothing_happens_at_import, {"_git": "def f(x=open('y')):\n pass"}),
    (rule_8_nothing_happens_at_import, {"_git": "@register('x')\ndef f():\n pass"}),
    (rule_8_nobody_inside_imports_the_face, {"__init__": "", "_git": "from . import Experiment"}),
    (rule_8_nobody_inside_imports_the_face, {"__init__": "", "_git": "import meticulous"}),
    (
        rule_8_imports_are_visible,
        {"_git": "def f():\n importlib.import_module('._x', 'meticulous')"},
    ),
]


@pytest.mark.parametrize(
    ("rule", "sources"), BROKEN, ids=[f"{rule.__name__}-{n}" for n, (rule, _) in enumerate(BROKEN)]
)
def test_the_rule_can_fail(rule, sources):
    assert list(rule(Tree(sources)))


def test_every_rule_is_shown_to_fail():
    assert {rule for rule, _ in BROKEN} == set(RULES)


def test_the_files_of_the_record_are_all_of_them():
    from meticulous import _folder

    assert {*RECORD_FILES, "stdout", "stderr"} == set(_folder.NAMES)


def test_the_layers_are_those_of_the_design():
    """In the design's picture a line that begins with a digit begins a layer."""
    text = (PROJECT / "docs" / "design.md").read_text("utf-8")
    picture = text.split("## 4. ")[1].split("```")[1]
    drawn: dict[int, str] = {}
    layer = 0
    for line in picture.splitlines():
        if re.match(r"\d\s", line):
            layer = int(line[0])
        drawn[layer] = drawn.get(layer, "") + line[1:] + "\n"
    for layer, names in LAYERS.items():
        words = set(re.findall(r"\w+", drawn[layer]))
        assert set(names) <= words, f"layer {layer} of docs/design.md lacks {set(names) - words}"


def test_the_exceptions_are_needed():
    """An exception that nothing uses any more is taken off its list."""
    real = Tree.read(SOURCE)
    assert set(THIRD_PARTY.values()) <= set(real.modules)
    for package, name in THIRD_PARTY.items():
        assert package in real.foreign(name)
    calls = {
        (unit(name), dotted(node.func))
        for name, module in real.modules.items()
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
    }
    assert set(PRINTS_AND_EXITS) <= calls
    assert set(LOADS) <= {(name, called.split(".")[-1]) for name, called in calls}
    touched = {
        (unit(name), place)
        for name, module in real.modules.items()
        for node in ast.walk(module)
        for place in _touched(node)
    }
    assert set(TOUCHES_PROCESS) <= touched
