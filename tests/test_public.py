"""What is public is a list, and the list is compared with reality: a name or a signature changes
only together with this file.
"""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from typing import Any

import pytest

import meticulous

# Name to signature; classes by that of their construction, plain attributes by their value.
FACE = {
    "DirtyRepoException": "(message, hint='', *, paths=())",
    "Experiment": (
        "(args=None, default_args={}, project_directory='', experiments_directory='experiments', "
        "experiment_id=None, description='', norecord=False, *, resume=False, dirty=None, "
        "capture=None, continue_on_error=False, strict=None, tags=(), name='', **settings)"
    ),
    "ExperimentReader": "(path)",
    "Experiments": "(project_directory='', experiments_directory=None, reader=ExperimentReader)",
    "GitError": "(message, hint='', *, reason='failed')",
    "LiveExperimentError": "(message, hint='', *, host='', pid=None, age=None)",
    "MeticulousError": "(message, hint='')",
    "MismatchedArgsException": "(message, hint='', *, differences=None)",
    "MismatchedCommitException": "(message, hint='', *, recorded=None, current=None)",
    "QueryError": "(message, hint='', *, text='', column=1)",
    "SettingError": "(message, hint='', *, name='', value=None)",
    "StorageError": "(message, hint='', *, path='', errno=None)",
    "ui": "(project_directory='', experiments_directory=None, height=600)",
}

EXPERIMENT = {
    "add_argument_group": (
        "(parser, project_directory='', experiments_directory='experiments', experiment_id=None, "
        "description='', norecord=False, *, resume=False, dirty=None, capture=None)"
    ),
    "extract_meticulous_args": "(parser, arg_list=None)",
    "finish": "(status='SUCCESS')",
    "from_parser": (
        "(parser, arg_list=None, capture_defaults=True, *, known=False, **meticulous_args)"
    ),
    "log": "(metrics, step=None)",
    "note": "(text)",
    "open": "(file, mode='r', *args, **kwargs)",
    "record_input": "(path)",
    "record_output": "(path)",
    "summary": "(summary_dict)",
    "tag": "(*tags)",
}
EXPERIMENT_ATTRIBUTES = [
    "curexpdir",
    "experiments_directory",
    "inert_reason",
    "metadata",
    "norecord",
    "project_directory",
    "repo_directory",
]

READER = {
    "annotations": "property",
    "args": "property",
    "begin_time": "property",
    "console": "(stream='stdout', *, last=None, colours=False, largest=None)",
    "default_args": "property",
    "df_vars": "()",
    "duration": "property",
    "environment": "property",
    "envelope": "(metric, buckets, x='step', low=None, high=None, raw=False)",
    "files": "property",
    "history": "(metric=None, raw=False)",
    "metadata": "property",
    "metrics": "property",
    "open": "(path, mode='r', *args, **kwargs)",
    "problems": "property",
    "recorded_files": "property",
    "refresh_status": "()",
    "refresh_summary": "()",
    "row": "()",
    "sessions": "property",
    "sha": "property",
    "start_time": "property",
    "status": "property",
    "status_message": "property",
    "stderr": "(rendered=True)",
    "stdout": "(rendered=True)",
    "summary": "property",
}
READER_ATTRIBUTES = ["curexpdir", "expid"]
EXPERIMENTS = {
    "as_dataframe": "(normalize_json_values=0)",
    "each": "()",
    "experiments": "property",
    "filter": "(expression)",
    "lazy_rows": "()",
    "only": "(ids)",
    "refresh_experiments": "()",
    "remember": "()",
    "rows": "(ids=None)",
    "sort": "(*names, reverse=False)",
    "to_arrow": "()",
    "to_polars": "()",
}
EXPERIMENTS_ATTRIBUTES = ["experiments_directory"]

# Where names of 2020 are imported from.
OLD_PLACES = {
    "meticulous.experiment": [
        "DirtyRepoException",
        "Experiment",
        "MismatchedArgsException",
        "MismatchedCommitException",
    ],
    "meticulous.experiments": ["ExperimentReader", "Experiments"],
}


def signature(value: Any) -> str:
    """A signature without annotations and without self or cls."""
    if isinstance(value, property) or hasattr(value, "attrname"):  # a cached property
        return "property"
    found = inspect.signature(getattr(value, "__func__", value))
    parameters = [
        parameter.replace(annotation=parameter.empty)
        for parameter in found.parameters.values()
        if parameter.name not in ("self", "cls")
    ]
    text = str(found.replace(parameters=parameters, return_annotation=found.empty))
    return text.replace(
        "<class 'meticulous._experiments_reader.ExperimentReader'>", "ExperimentReader"
    )


def public(kind: type) -> dict[str, str]:
    """The public names of a class and of those of ours that it is derived from."""
    ours = [base for base in kind.__mro__ if base.__module__.split(".")[0] == "meticulous"]
    names = {name for base in ours for name in vars(base) if not name.startswith("_")}
    return {name: signature(inspect.getattr_static(kind, name)) for name in sorted(names)}


def test_the_face_shows_these_names():
    assert sorted(FACE) == sorted(meticulous.__all__)
    assert {name: signature(getattr(meticulous, name)) for name in FACE} == FACE
    assert set(FACE) <= set(dir(meticulous))
    assert meticulous.name == "meticulous"
    with pytest.raises(AttributeError, match="Experimnt"):
        _ = meticulous.Experimnt


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (meticulous.Experiment, EXPERIMENT),
        (meticulous.ExperimentReader, READER),
        (meticulous.Experiments, EXPERIMENTS),
    ],
)
def test_its_classes_have_these_methods(kind, expected):
    assert public(kind) == expected


def attributes(value: Any) -> list[str]:
    return sorted(name for name in vars(value) if not name.startswith("_"))


def test_objects_have_these_attributes(repository, monkeypatch):
    monkeypatch.chdir(repository.path)
    inert = meticulous.Experiment(norecord=True)
    with meticulous.Experiment() as recording:
        for experiment in (inert, recording):
            assert attributes(experiment) == EXPERIMENT_ATTRIBUTES
    experiments = meticulous.Experiments()
    assert attributes(experiments) == EXPERIMENTS_ATTRIBUTES
    assert attributes(experiments["1"]) == READER_ATTRIBUTES


def test_the_first_seven_parameters_keep_their_places():
    """Scripts of 2020 give them by position."""
    names = list(inspect.signature(meticulous.Experiment).parameters)[:7]
    assert names == [
        "args",
        "default_args",
        "project_directory",
        "experiments_directory",
        "experiment_id",
        "description",
        "norecord",
    ]


@pytest.mark.parametrize(("place", "names"), OLD_PLACES.items())
def test_names_of_2020_are_where_they_were(place, names):
    module = importlib.import_module(place)
    for name in names:
        assert getattr(module, name) is getattr(meticulous, name)


def test_a_star_import_brings_the_public_names():
    program = (
        "before = set(globals()); from meticulous import *; "
        "print(*sorted(set(globals()) - before - {'before'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == sorted(FACE)


def described() -> list[tuple[str, Any]]:
    """Everything public that has a docstring of its own to write."""
    found = [(name, getattr(meticulous, name)) for name in FACE]
    for kind in (meticulous.Experiment, meticulous.ExperimentReader, meticulous.Experiments):
        for name in public(kind):
            found.append((f"{kind.__name__}.{name}", inspect.getattr_static(kind, name)))
    return found


@pytest.mark.parametrize(("name", "value"), described(), ids=[name for name, _ in described()])
def test_every_public_name_is_documented(name, value):
    """What it does; each parameter; what comes back, unless the first sentence says it."""
    text = inspect.getdoc(value) or ""
    first = text.partition("\n\n")[0]
    assert "." in first, f"{name} has no first sentence"
    if signature(value) == "property":
        return
    found = inspect.signature(getattr(value, "__func__", value))
    further = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    for parameter in found.parameters.values():
        inherited = name.endswith(("Error", "Exception")) and parameter.name in ("message", "hint")
        if parameter.name in ("self", "cls") or parameter.kind in further or inherited:
            continue
        assert f"\n    {parameter.name}: " in text, f"{name} does not say what {parameter.name} is"
    returns = found.return_annotation
    if not isinstance(value, type) and returns not in ("None", inspect.Signature.empty):
        assert "Returns:\n" in text or first.startswith("Give "), (
            f"{name} does not say what it gives"
        )
