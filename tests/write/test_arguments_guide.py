"""The examples of docs/guides/arguments.md run as they stand and leave the args.json they show."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "arguments.md"
_PAIR = re.compile(
    r"```python\n# python (\w+\.py) ?([^\n]*)\n(.*?)```\n\n```json\n(.*?)```", re.DOTALL
)
EXAMPLES = _PAIR.findall(GUIDE.read_text("utf-8"))
LIBRARIES = (
    "absl", "attrs", "click", "fire", "hydra", "jsonargparse", "ml_collections", "omegaconf",
    "pydantic", "simple_parsing", "typer", "tyro",
)  # fmt: skip


def library_of(program):
    names = re.findall(r"^(?:from|import) (\w+)", program, re.MULTILINE)
    return next((name for name in names if name in LIBRARIES), "")


@pytest.mark.parametrize(
    ("name", "words", "program", "expected"),
    EXAMPLES,
    ids=[library_of(program) or "standard library" for _, _, program, _ in EXAMPLES],
)
def test_the_example_records_the_args_that_the_guide_shows(
    name, words, program, expected, repository
):
    library = library_of(program)
    if library and importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    repository.program(program, name)
    done = repository.run(name, *shlex.split(words))
    assert done.returncode == 0, done.stderr.decode()
    folder = repository.root / "1"
    assert (folder / "STATUS").read_text() == "SUCCESS"
    assert (folder / "args.json").read_text() == expected.rstrip("\n")
    if "from_parser" in program or "default_args=" in program:
        defaults = json.loads((folder / "default_args.json").read_text())
        assert list(defaults) == list(json.loads(expected))
    assert (folder / "metrics.jsonl").read_text().count("\n") == 1


def test_the_example_of_any_config_records_a_dataclass_and_a_dictionary(repository):
    program = GUIDE.parents[2] / "examples" / "any_config.py"
    repository.program(program.read_text("utf-8"), program.name)
    done = repository.run(program.name)
    assert (done.returncode, done.stderr) == (0, b"")
    first, second = (repository.root / number for number in "12")
    args, defaults = (
        json.loads((first / name).read_text()) for name in ("args.json", "default_args.json")
    )
    assert args == {"steps": 50, "optimizer": {"lr": 0.05, "momentum": 0.9}}
    assert defaults == {"steps": 50, "optimizer": {"lr": 0.1, "momentum": 0.9}}
    assert json.loads((second / "args.json").read_text()) == {
        "steps": 20,
        "optimizer": {"lr": 0.2, "momentum": 0.0},
        "kind": "__main__.Optimizer",
    }
    for folder, steps in ((first, 50), (second, 20)):
        assert (folder / "STATUS").read_text() == "SUCCESS"
        assert len((folder / "metrics.jsonl").read_text().splitlines()) == steps
        assert json.loads((folder / "summary.json").read_text())["loss"] < 0.01


def test_every_library_of_the_guide_has_its_example():
    assert len(EXAMPLES) == GUIDE.read_text("utf-8").count("```python")
    assert {library_of(program) for _, _, program, _ in EXAMPLES} >= set(LIBRARIES)
