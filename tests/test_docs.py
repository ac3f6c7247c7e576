"""The documents are true: their code runs, their links lead somewhere, and every setting, file of
the record and exception is in them.

How a block is run, in a repository made for its document:

- ``python``: committed as a program and run; it must end with 0.
- ``python`` or ``diff`` whose first line is ``# name.py``: what it shows (of a diff: the text
  afterwards) is written to that file. If no later console block uses it, it is run as above.
- ``console``: each ``$ command`` is run by bash. Each line below it must appear in what it prints,
  in that order; ``…`` stands for anything.
- ``sh``: is run by bash and must end with 0.
- ``json``, ``toml``: must be legal.
- ``<!-- not run: why -->`` in the line before: not run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from meticulous import _folder, _settings, errors

PROJECT = Path(__file__).parent.parent
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])

# What a document takes for granted when its blocks begin.
_THREE_EXPERIMENTS = """
        from meticulous import Experiment

        for lr in (0.5, 0.1):
            with Experiment({"lr": lr}) as experiment:
                for step in range(2):
                    experiment.log({"loss": lr ** (step + 1)}, step=step)
        with Experiment({"lr": 2}, continue_on_error=True) as experiment:
            raise ValueError("too big a step")
        """
BEFORE = {"docs/reference/record.md": _THREE_EXPERIMENTS}

# Documents whose code needs more than that and is run by a test of its own.
ELSEWHERE = {
    "docs/guides/arguments.md": "tests/write/test_arguments_guide.py",
    "docs/guides/compare.md": "tests/cli/test_compare_guide.py",
    "docs/guides/reading.md": "tests/read/test_reading_guide.py",
}


class Block(NamedTuple):
    line: int
    language: str
    text: str
    skipped: bool


def blocks_of(text: str) -> list[Block]:
    found = []
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        opening = re.fullmatch(r"(\s*)```(\w*)", lines[number])
        if not opening:
            number += 1
            continue
        indent, language = opening.groups()
        end = lines.index(f"{indent}```", number + 1)
        body = "\n".join(line.removeprefix(indent) for line in lines[number + 1 : end]) + "\n"
        skipped = number > 0 and lines[number - 1].strip().startswith("<!-- not run: ")
        found.append(Block(number + 1, language, body, skipped))
        number = end + 1
    return found


def program_of(block: Block) -> tuple[str | None, str]:
    """The name that a block gives to its program, and the program."""
    text = block.text
    if block.language == "diff":
        kept = [line[1:] for line in text.splitlines() if not line.startswith("-")]
        text = "\n".join(kept) + "\n"
    name = re.match(r"# ([\w/]+\.py)\n", text)
    return (name[1] if name else None), text


def matches(expected: list[str], output: str) -> str | None:
    """The first expected line that the output lacks; None when all are there, in order."""
    lines = iter(re.sub(r"\s+", " ", line).strip() for line in output.splitlines())
    for wanted in expected:
        pattern = re.escape(re.sub(r"\s+", " ", wanted).strip()).replace("…", ".*")
        if not any(re.fullmatch(pattern, line) for line in lines):
            return wanted
    return None


def commands_of(text: str) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.strip():
            found[-1][1].append(line)
    return found


class Runner:
    """Runs the blocks of one document, one after the other."""

    def __init__(self, repository, where: str) -> None:
        self.repository = repository
        self.where = where
        self.programs = 0

    def run(self, block: Block, later: list[Block]) -> None:
        where = f"{self.where}:{block.line}"
        if block.language in ("python", "diff"):
            name, text = program_of(block)
            self._program(name, text, later, where)
        elif block.language == "console":
            for command, expected in commands_of(block.text):
                self._command(command, expected, where)
        elif block.language == "sh":
            self._command(f"set -e\n{block.text}", [], where)
        elif block.language == "json":
            for line in [block.text] if block.text[1] in " \n" else block.text.splitlines():
                json.loads(line)
        elif block.language == "toml":
            tomllib.loads(block.text)
        else:
            assert block.language in ("text", ""), f"{where}: how is {block.language} run?"

    def _program(self, name: str | None, text: str, later: list[Block], where: str) -> None:
        self.programs += 1
        path = name or f"example_{self.programs}.py"
        self.repository.write(path, text.encode())
        if name and any(name in block.text for block in later if block.language == "console"):
            return
        self.repository.commit(path)
        done = self.repository.run(path)
        assert done.returncode == 0, f"{where}\n{done.stdout.decode()}{done.stderr.decode()}"

    def _command(self, command: str, expected: list[str], where: str) -> None:
        if any(tool in command.split() and not shutil.which(tool) for tool in ("jq", "duckdb")):
            return
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.repository.path,
            env={**os.environ, "PATH": path, "COLUMNS": "100"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        output = done.stdout.decode()
        lacking = matches(expected, output)
        assert lacking is None, f"{where}: $ {command}\nlacks: {lacking}\nprints:\n{output}"
        may_fail = any("Exception" in line or "Error" in line for line in expected)
        assert done.returncode == 0 or may_fail, f"{where}: $ {command}\n{output}"


def runnable(path: Path) -> bool:
    languages = {block.language for block in blocks_of(path.read_text("utf-8"))}
    elsewhere = path.relative_to(PROJECT).as_posix() in ELSEWHERE
    return bool(languages - {"", "text"}) and not elsewhere


@pytest.mark.parametrize(
    "path", [p for p in DOCUMENTS if runnable(p)], ids=lambda path: str(path.relative_to(PROJECT))
)
def test_the_code_of_the_document_runs(path, repository):
    where = path.relative_to(PROJECT).as_posix()
    if where in BEFORE:
        repository.program(BEFORE[where], "before.py")
        done = repository.run("before.py")
        assert done.returncode == 0, done.stderr.decode()
    blocks = [block for block in blocks_of(path.read_text("utf-8")) if not block.skipped]
    runner = Runner(repository, where)
    for number, block in enumerate(blocks):
        runner.run(block, blocks[number + 1 :])


@pytest.mark.parametrize(("document", "test"), ELSEWHERE.items())
def test_the_code_of_the_other_documents_is_run_by_their_tests(document, test):
    assert (PROJECT / document).exists()
    assert Path(document).name in (PROJECT / test).read_text("utf-8")


def test_the_runner_sees_what_is_wrong(repository):
    """Otherwise all of the above would prove nothing."""
    text = "```python\nraise ValueError\n```\n\n```console\n$ echo one\ntwo\n```\n"
    runner = Runner(repository, "here")
    for block in blocks_of(text):
        with pytest.raises(AssertionError):
            runner.run(block, [])
    assert matches(["a … c", "d"], "x\na  b c\nd") is None
    assert matches(["d", "a"], "a\nd") == "a"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_links_lead_to_files(path):
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("http:", "https:", "mailto:")):
            file, _, anchor = target.partition("#")
            other = path.parent / file if file else path
            assert other.exists(), f"{path.name}: {target}"
            if anchor:
                headings = re.findall(r"^#+ (.+)$", other.read_text("utf-8"), re.MULTILINE)
                assert anchor in [
                    re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
                    for heading in headings
                ], f"{path.name}: {target}"


def test_the_readme_stays_short():
    assert len((PROJECT / "README.md").read_text("utf-8").splitlines()) <= 150


def rows_of(name: str, start: str = "# ", end: str | None = None) -> dict[str, str]:
    """The rows of the tables of a reference page, by the names in their first column."""
    text = (PROJECT / "docs" / "reference" / name).read_text("utf-8").split(start, 1)[1]
    if end:
        text = text.split(end)[0]
    rows = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \|(.*)\|$", text, re.MULTILINE)
    return {name: row for names, row in rows for name in re.findall(r"`([^`]+)`", names)}


def test_every_setting_is_documented_as_it_is():
    rows = rows_of("settings.md", end="## Where things are")
    assert list(rows) == [setting.name for setting in _settings.TABLE]
    for setting in _settings.TABLE:
        assert f"`{setting.variable}`" in rows[setting.name]
        default = rows[setting.name].split("|")[0].strip().strip("`")
        if default == "none":
            assert setting.default == ()
        else:
            assert setting.read(default.replace("GiB", "G").replace(" ", "")) == setting.default
        for word in re.findall(r"\b(\w+)\b(?=,| or |$)", setting.allowed):
            if setting.allowed.startswith(("refuse", "sys", "first")):
                assert f"`{word}`" in rows[setting.name], word


def test_every_option_of_the_documents_exists():
    import argparse

    from meticulous import Experiment

    parser = argparse.ArgumentParser()
    Experiment.add_argument_group(parser)
    text = (PROJECT / "docs" / "reference" / "settings.md").read_text("utf-8")
    documented = set(re.findall(r"`(--[a-z-]+)`", text))
    options = {option for action in parser._actions for option in action.option_strings}
    assert documented == options - {"-h", "--help"}


def test_every_command_and_its_options_are_documented():
    """Each command shows its own help, so this needs no knowledge of how they are made."""
    from meticulous.cli import COMMANDS

    pages = sorted((PROJECT / "docs").rglob("*.md"))
    text = "\n".join(page.read_text("utf-8") for page in pages)
    for command in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "meticulous", command, "--help"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert f"meticulous {command}" in text
        options = set(re.findall(r"(?<![\w-])--[a-z][a-z_-]*", done.stdout)) - {"--help"}
        assert options, done.stdout
        known = set(re.findall(r"(?<![\w-])--[a-z][a-z_-]*", text))
        assert options <= known, command


def test_the_page_of_the_command_line_is_what_the_commands_say_of_themselves():
    """`make reference` writes it anew."""
    import importlib.util

    path = PROJECT / "docs" / "reference" / "command_line.py"
    spec = importlib.util.spec_from_file_location("command_line", path)
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    page, lines = maker.PAGE.read_text("utf-8"), maker.page()
    assert page == lines, "the page is stale: run `make reference`"


def test_every_file_of_the_record_is_documented():
    text = (PROJECT / "docs" / "reference" / "record.md").read_text("utf-8")
    picture, *sections = text.split("\n## ")
    drawn = re.findall(r"^    [├└]── ([\w., ]+?)(?:  |$)", picture, re.MULTILINE)
    names = [name for entry in drawn for name in entry.split(", ")]
    assert names == [
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
        "stdout",
        "stderr",
    ]
    assert set(names) == set(_folder.NAMES)
    headings = " ".join(section.partition("\n")[0] for section in sections)
    assert all(name in headings for name in names)
    assert f"format {_folder.FORMAT}" in picture


def test_every_key_of_metadata_is_documented(repository):
    """A program that uses much of what there is; every key that it leaves is on the page."""
    repository.program(
        """
        import sys
        from meticulous import Experiment
        open("data.txt", "w").write("data")
        with Experiment({"api_key": "x"}, dirty="snapshot", tags=["a"], name="n") as experiment:
            experiment.log({"loss": 1}, step=0)
            experiment.note("a note")
            experiment.record_input("data.txt")
            experiment.record_output("absent")
        """
    )
    repository.write("train.py", (repository.path / "train.py").read_bytes() + b"# changed\n")
    done = repository.run("train.py")
    assert done.returncode == 0, done.stderr.decode()
    folder = repository.root / "1"
    page = (PROJECT / "docs" / "reference" / "record.md").read_text("utf-8")

    def check(value, start, end=None):
        part = page.split(start, 1)[1].split(end or "\n## ", 1)[0]
        for key in value:
            assert f"`{key}`" in part, f"{key} is not described below {start.strip()}"

    metadata = json.loads((folder / "metadata.json").read_bytes())
    check(metadata, "\n## metadata.json", "\n### git")
    check(metadata["git"], "\n### git", "\n### sessions")
    check(metadata["git"]["changes"][0], "\n### git", "\n### sessions")
    for session in metadata["sessions"]:
        check(session, "\n### sessions")
        check(session["ending"], "\n### sessions")
    check(json.loads((folder / "annotations.json").read_bytes()), "\n## annotations.json")
    for line in (folder / "files.jsonl").read_text().splitlines():
        check(json.loads(line), "\n## files.jsonl")
    for line in (folder / "system.jsonl").read_text().splitlines():
        check(json.loads(line), "\n## system.jsonl")
    assert metadata["redacted"]


def test_every_exception_is_documented():
    text = (PROJECT / "docs" / "reference" / "exceptions.md").read_text("utf-8")
    drawn = re.findall(r"^(?:[├└]── )?(\w+(?:Error|Exception))\b", text, re.MULTILINE)
    assert sorted(drawn) == sorted(errors.__all__)
    rows = rows_of("exceptions.md")
    for name in errors.__all__:
        own = re.findall(r"^    (?:    )?(\w+): ", getattr(errors, name).__doc__, re.MULTILINE)
        for attribute in own if name != "MeticulousError" else ():
            assert f"`{attribute}`" in rows[name], f"{name}.{attribute}"
