"""However a program is launched and hands over its exit code, STATUS says how it ended."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from pathlib import Path

import pytest
from lifecycle_tools import PROGRAMS, Project, outcome_of

TRACED = "import sys, runpy\nsys.settrace(lambda *event: None)\n"
RUN = 'runpy.run_path("launched.py", run_name="__main__")'
LAUNCHED = (PROGRAMS / "launched.py").read_text()

WAYS = {
    "a file": ["launched.py"],
    "an absolute path": ["{here}/launched.py"],
    "a module": ["-m", "launched"],
    "a package": ["-m", "package"],
    "a folder": ["package"],
    "a text": ["-c", LAUNCHED],
    "standard input": ["-"],
    "runpy": ["-c", f"import runpy; {RUN}"],
    "a module by runpy": [
        "-c",
        'import runpy; runpy.run_module("launched", run_name="__main__", alter_sys=True)',
    ],
    "cProfile": ["-m", "cProfile", "-o", "{out}", "launched.py"],
    "a trace function": ["-c", TRACED + RUN],
    "a profile function": ["-c", TRACED.replace("settrace", "setprofile") + RUN],
    "developer mode": ["-X", "dev", "-W", "error", "launched.py"],
    "no site": ["-S", "launched.py"],
    "optimised": ["-OO", "launched.py"],
    "unbuffered": ["-u", "launched.py"],
    "interactive": ["-i", "launched.py"],
    "a console script": ["bin/tool"],
}
ENDINGS = {
    "end": "SUCCESS",
    "exit 0": "SUCCESS",
    "exit 3": "ERROR\nsys.exit(3)",
    "raise": "\nValueError: wrong\n",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    project = Project(tmp_path_factory.mktemp("launch"), "launched.py", "idioms.py")
    project.write("package/__init__.py", "")
    project.write("package/__main__.py", LAUNCHED)
    body = LAUNCHED.partition("import sys\n")[2].replace("\n", "\n    ")
    project.write("package/tool.py", "import sys\n\n\ndef main():\n    " + body)
    # A real stub, as pip wrote it for one of our tools.
    stub = (Path(sysconfig.get_path("scripts")) / "pytest").read_text()
    stub = re.sub(r"from \S+ import \w+", "from package.tool import main", stub)
    project.write("bin/tool", re.sub(r"sys\.exit\(\w+\(\)\)", "sys.exit(main())", stub))
    project.commit()
    return project


@pytest.mark.parametrize("way", WAYS)
def test_a_program_is_recorded_the_same_however_it_is_launched(project, way, tmp_path, monkeypatch):
    monkeypatch.chdir(project.path)
    running = {}
    for ending in ENDINGS:
        words = [
            word.format(here=project.path, out=tmp_path / "out") if word != LAUNCHED else word
            for word in WAYS[way]
        ]
        for record in (True, False):
            with open("launched.py" if way == "standard input" else os.devnull, "rb") as stdin:
                running[ending, record] = project.popen(
                    *(sys.executable, *words, f"{way} {ending}", ending),
                    record=record,
                    stdin=stdin,
                    env={"PYTHONPATH": project.environment()["PYTHONPATH"] + f":{project.path}"},
                )
    outcomes = {key: outcome_of(process) for key, process in running.items()}
    for ending, status in ENDINGS.items():
        recorded, bare = outcomes[ending, True], outcomes[ending, False]
        assert recorded.code == bare.code
        assert recorded.err.decode() == bare.err.decode()
        assert recorded.out == bare.out
        found = project.text(f"{way} {ending}")
        assert found == status or (status.startswith("\n") and found.endswith(status))
        assert bare.code == 0 or found.startswith("ERROR")


IDIOMS = (
    *("sys.exit", "later", "raise", "builtin", "bound", "lines", "or", "converted"),
    *("passed on", "coroutine", "in a function", "in a method", "finally", "list", "caught"),
    *("printed", "many calls", "python code", "debugger", "_exit"),
    *("click", "typer", "fire", "absl"),
)


@pytest.mark.parametrize("case", IDIOMS)
def test_an_exit_code_that_a_function_returns_is_known(project, case):
    """Also where Python had looked up sys.exit before the experiment started."""
    running = {
        (code, record): project.popen(
            sys.executable, "idioms.py", f"{case} {code}", case, str(code), record=record
        )
        for code in (0, 3)
        for record in (True, False)
    }
    outcomes = {key: outcome_of(process) for key, process in running.items()}
    for code in (0, 3):
        recorded, bare = outcomes[code, True], outcomes[code, False]
        assert (recorded.code, recorded.out, recorded.err) == (bare.code, bare.out, bare.err)
        found = project.text(f"{case} {code}")
        if case == "_exit":
            assert found == "RUNNING"
        elif case == "debugger":  # we keep out of its way
            assert found.startswith("ERROR\nSystemExit (exit code not known")
        elif bare.code == 0:
            assert found == "SUCCESS"
        else:
            assert found == f"ERROR\nsys.exit({bare.code})"
