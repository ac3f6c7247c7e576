"""Sizes, as counts: rule 9 of docs/design.md. Growth without a budget ends in the god file."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src" / "meticulous"

FILE_LINES = 400
FUNCTION_LINES = 60
# All of src/meticulous. Raise it only in a commit that says what the lines are for.
PACKAGE_LINES = 40000
# Of ours, whatever is logged; code.patch, of a dirty start only, comes on top.
FILES_PER_EXPERIMENT = 12


def long_files(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.py")):
        lines = len(path.read_text("utf-8").splitlines())
        if lines > FILE_LINES:
            yield f"{path.name} has {lines} lines"


def long_functions(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                assert node.end_lineno is not None
                lines = node.end_lineno - node.lineno + 1
                if lines > FUNCTION_LINES:
                    yield f"{path.name}: {node.name} has {lines} lines"


def package_lines(folder: Path) -> int:
    return sum(len(path.read_text("utf-8").splitlines()) for path in folder.rglob("*.py"))


def test_no_file_is_too_long():
    assert list(long_files(SOURCE)) == []


def test_no_function_is_too_long():
    assert list(long_functions(SOURCE)) == []


def test_the_package_stays_below_its_ceiling():
    assert package_lines(SOURCE) <= PACKAGE_LINES


def test_the_ceiling_is_not_far_above_the_package():
    """A ceiling that is out of sight holds nothing back."""
    assert math.ceil(package_lines(SOURCE) / 500) * 500 + 500 >= PACKAGE_LINES


def test_the_budgets_can_be_exceeded(tmp_path):
    body = "    x = 1\n" * 61
    text = f"def short():\n    pass\n\n\ndef long():\n{body}"
    (tmp_path / "module.py").write_text(text + "# more\n" * 400)
    assert [line.split()[0] for line in long_files(tmp_path)] == ["module.py"]
    assert list(long_functions(tmp_path)) == ["module.py: long has 62 lines"]
    assert package_lines(tmp_path) == len(text.splitlines()) + 400


def test_an_experiment_has_at_most_twelve_files_whatever_it_does(repository):
    repository.program(
        """
        import sys
        from pathlib import Path
        from meticulous import Experiment

        Path("data.txt").write_text("data")
        for session in range(3):
            with Experiment({"lr": 1}, resume=True, dirty="snapshot", tags=["t"]) as experiment:
                for step in range(1000):
                    experiment.log({f"metric/{step % 200}": step}, step=step)
                    if step % 100 == 0:
                        experiment.summary({f"value{step}": step})
                        experiment.note(str(step))
                        experiment.record_input("data.txt")
                print("out")
                print("err", file=sys.stderr)
        """
    )
    repository.write("train.py", (repository.path / "train.py").read_bytes() + b"# dirty\n")
    done = repository.run("train.py")
    assert done.returncode == 0, done.stderr.decode()
    assert [path.name for path in repository.root.glob("[0-9]*")] == ["1"]
    ours = {path.name for path in (repository.root / "1").rglob("*")}
    assert "code.patch" in ours
    assert len(ours - {"code.patch"}) <= FILES_PER_EXPERIMENT, sorted(ours)
