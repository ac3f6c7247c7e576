"""Check out the code of a recorded experiment, run it again, and say what differs.

The steps are `fetched`, `prepare`, `run`, `judged`, `record_verdict`. The user's work tree, index,
HEAD, branches, reflogs and stash stay as they are.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from . import (
    _annotations,
    _commits_checkout,
    _files,
    _folder,
    _reproduce_code,
    _reproduce_command,
    _reproduce_environment,
    _reproduce_inputs,
    _reproduce_record,
    _reproduce_values,
)
from ._commits_checkout import changed, make, removal, remove
from ._redact import Redactor
from ._reproduce_code import Origin, beside, fetched, siblings
from ._reproduce_inputs import Line, must_not_overwrite
from ._reproduce_values import Tolerance
from ._reproduce_verdict import CODES, IDENTICAL, Verdict, judge, lines_of
from ._table import MISSING, clean
from .compare import compare
from .errors import MeticulousError, SettingError, StorageError
from .experiments import ExperimentReader, Experiments

__all__ = [
    "CODES",
    "Asked",
    "Origin",
    "Prepared",
    "Tolerance",
    "Verdict",
    "beside",
    "environment_lacks",
    "fetched",
    "judged",
    "left",
    "lines_of",
    "make",
    "prepare",
    "record_verdict",
    "removal",
    "remove",
    "run",
    "siblings",
    "told_siblings",
    "tolerance",
]

ANNOTATE_SECONDS = 5.0
_ACTION = "reproduced"
_TELLING = (
    "packages.",
    "conda-packages.",
    "python.version",
    "python.hash-seed",
    "variables.",
    "cpu.model",
    "devices.",
    "platform.machine",
)
_OURS = ("packages.meticulous-ml", "variables.PYTHONPATH", "variables.VIRTUAL_ENV")


class Asked(NamedTuple):
    """How an experiment is to be run again.

    Attributes:
        changes: args to change, by name.
        extra: words to add to the command.
        check: compare the hashes of inputs, and stop when one differs.
        taken: further files and folders of the user's project to take.
        environment: empty for the active one; ``exact`` or ``close`` to build the recorded one.
        fetch: get contents that a partial clone lacks from its remote.
        secret: gives a redacted value, from its name and the variable that may hold it.
        say: told what is done.
        tick: called for each mebibyte that is hashed.
    """

    changes: Mapping[str, str]
    extra: Sequence[str]
    check: bool
    taken: Sequence[str]
    environment: str
    fetch: bool
    secret: Callable[[str, str], str]
    say: Callable[[str], None]
    tick: Callable[[], Any]


class Prepared(NamedTuple):
    """An experiment that is ready to be run again in a directory that holds its code."""

    run: _reproduce_record.Run
    before: dict[str, tuple[int, int]]
    shown: list[str]
    told: list[str]
    notes: list[str]


def told_siblings(found: Sequence[_commits_checkout.Sibling]) -> list[str]:
    """Tell of other repositories what they were, and are now."""
    told = []
    for each in found:
        was = f"{clean(each.name)} was at {each.sha[:12] or 'an unknown commit'}"
        was += " with changes" if each.then else ""
        if not each.path:
            told.append(f"{was}; it was not found now")
        elif each.same:
            told.append(f"{was}, as it is now ({clean(each.path)})")
        else:
            now = f"is at {each.now[:12] or 'no commit'}{' with changes' if each.dirty else ''} now"
            told.append(f"{was}; {clean(each.path)} {now}: its code may differ")
    return told


def prepare(
    store: Experiments, reader: ExperimentReader, origin: Origin, directory: str, asked: Asked
) -> Prepared:
    """Write the code into a directory with all that the command needs; the directory goes away
    again when something is missing.

    Raises:
        MeticulousError: the command, an input or a part of the environment cannot be had.
    """
    places = _reproduce_command.tops(reader, origin.root)
    command = _reproduce_command.recorded(reader, origin)
    then = Line(command.words, os.path.join(places[-1], command.cwd))
    words, told = _reproduce_command.changed(command.words, asked.changes, reader.args)
    command = command._replace(words=[*words, *asked.extra])
    notes = [*origin.notes, *command.notes, *told_siblings(siblings(reader, origin))]
    ask = functools.cache(asked.secret)
    _reproduce_command.with_secrets(command.words, ask)  # asked for before anything takes long
    # What ran in another Python than meticulous did is started as it was.
    python = "" if "recorder" in reader.environment else sys.executable
    path, python_path = list[str](), list[str]()
    prefixes: list[str] = []
    if asked.environment:
        folder, more = _environment(reader, places, asked)
        notes += more
        python, path = os.path.join(folder, "bin", "python"), [os.path.join(folder, "bin")]
        python_path = [_reproduce_environment.importable(folder)]
        facts = _reproduce_code.mapping(reader.environment.get("python"))
        prefixes = [str(facts["prefix"])] if facts.get("prefix") else []
    asked.say(f"code: {origin.code.commit[:12]} into {clean(directory)}")
    make(origin.root, origin.code, directory, fetch=asked.fetch)
    done = False
    try:
        project = os.path.join(directory, origin.project)
        notes += _inputs(reader, origin, project, directory, asked)
        _link_store(store, origin, project)
        command = _reproduce_command.moved(command, places, directory, python, prefixes)
        own = _reproduce_environment.own_packages(reader, places, directory)
        now, added = _reproduce_command.environment(command, path, [*own, *python_path])
        shown = Redactor().argv(command.words)
        words = _reproduce_command.with_secrets(command.words, ask)
        must_not_overwrite(reader, project, directory, then, Line(words, command.cwd))
        if asked.extra:
            told.append(f"with {' '.join(map(clean, Redactor().argv(asked.extra)))}")
        run = _reproduce_record.Run(
            words,
            command.cwd,
            project,
            store.experiments_directory,
            reader.expid,
            "snapshot" if origin.code.patch else "allow",
            now,
            added,
        )
        notes += _reproduce_command.stand_in(run.cwd, directory)
        ready = Prepared(run, changed(directory), shown, told, notes)
        done = True
        return ready
    finally:
        if not done:
            remove(origin.root, directory)


def _environment(
    reader: ExperimentReader, places: Sequence[str], asked: Asked
) -> tuple[str, list[str]]:
    wanted = _reproduce_environment.plan(reader, places)
    if wanted.lacking and asked.environment != "close":
        raise MeticulousError(
            f"The environment of experiment {clean(reader.expid)} cannot be had: no "
            f"{', '.join(wanted.lacking)}.",
            "Use --env=close to go without these.",
        )
    close = asked.environment == "close"
    folder, left_out = _reproduce_environment.build(wanted, asked.say, close=close)
    lacking = [*wanted.lacking, *left_out]
    notes = [f"environment: {note}" for note in wanted.notes]
    return folder, notes + ([f"environment without {', '.join(lacking)}"] if lacking else [])


def _inputs(
    reader: ExperimentReader, origin: Origin, project: str, directory: str, asked: Asked
) -> list[str]:
    """Put the inputs in their places; what is to be said of them."""
    present = origin.project_directory
    found = _reproduce_inputs.look(reader, project, present, asked.tick, check=asked.check)
    if found.wrong and asked.check:
        raise SettingError(
            f"Inputs of experiment {clean(reader.expid)} are not what they were: "
            f"{'; '.join(found.wrong)}.",
            "Bring them back, or use --inputs skip to take what is there.",
        )
    if found.total:
        how = "the same as then" if asked.check else "not checked"
        if asked.check and found.proven < found.total:
            how = f"{found.proven} of them the same as then, by their hashes"
        asked.say(f"inputs: {found.total}, {how}")
    pairs = list(found.same)
    for path in asked.taken:
        source = os.path.abspath(path)
        inside = os.path.relpath(source, origin.root)
        if inside.split(os.sep)[0] in (os.pardir, os.curdir) or not os.path.lexists(source):
            raise SettingError(
                f"--with {clean(path)}: there is no such file in {clean(origin.root)}.", name="with"
            )
        pairs.append((os.path.join(directory, inside), source))
    links = _reproduce_inputs.place(pairs, directory)
    notes = [f"a link, not a copy: {link}" for link in links]
    notes += [f"input: {text}" for text in found.unchecked]
    notes += [f"input {problem}" for problem in found.wrong]
    return notes


def _link_store(store: Experiments, origin: Origin, project: str) -> None:
    """Let what else records there, such as a second program of a pipeline, record where it did."""
    if origin.code.patch:
        return  # the snapshot that will be taken would hold the link
    inside = os.path.relpath(store.experiments_directory, origin.project_directory)
    target = os.path.join(project, inside)
    if inside.split(os.sep)[0] in (os.pardir, os.curdir) or os.path.lexists(target):
        return
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.symlink(store.experiments_directory, target)
    except OSError as error:
        raise StorageError.from_oserror("make", target, error) from error


def run(
    store: Experiments, ready: Prepared, *, quiet: bool = False
) -> tuple[ExperimentReader, int]:
    """Run it to its end.

    Args:
        store: where it is recorded.
        ready: what is run.
        quiet: what it prints goes to standard error.

    Returns:
        The new experiment, and how the program ended: an exit code, or minus a signal.

    Raises:
        MeticulousError: it was not started.
    """
    before = set(store)
    pid, code = _reproduce_record.start(ready.run, quiet=quiet)
    store.refresh_experiments()
    for expid in reversed([expid for expid in store if expid not in before]):
        reader = store[expid]
        again = _reproduce_code.mapping(reader.metadata.get("reproduces"))
        pids = [session.get("pid") for session in reader.sessions[:1]]
        if again.get("id") == ready.run.reproduces and pids == [pid]:
            return reader, code
    ended = f"with {code}" if code >= 0 else f"by signal {-code}"
    raise MeticulousError(
        f"The program ended {ended}, but its experiment is not in {store.experiments_directory}."
    )


def tolerance(
    store: Experiments, old: ExperimentReader, rtol: float, atol: float, seed: str
) -> Tolerance:
    """What is tolerated: what was asked for, otherwise as much as the seeds differ.

    Raises:
        SettingError: the arg that was named is none.
    """
    if rtol or atol:
        return Tolerance(rtol, atol)
    return _reproduce_values.spread(store, old, seed)


def judged(
    old: ExperimentReader,
    new: ExperimentReader,
    allowed: Tolerance,
    ignored: Sequence[str],
    told: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Verdict:
    """Give the verdict on a new experiment; see `_reproduce_verdict.judge`.

    Args:
        old: the experiment that is repeated.
        new: the one that came out.
        allowed: what is tolerated.
        ignored: patterns of what does not count.
        told: what was changed on purpose.
        notes: what else one should know.
    """
    all_notes = [f"changed on purpose: {', '.join(told)}"] if told else []
    all_notes += notes
    facts, now = _reproduce_code.facts_of(old), _reproduce_code.facts_of(new)
    mixed = now.get("siblings")
    mixed = mixed if isinstance(mixed, list) else []
    then = facts.get("siblings")
    names, names_then = (
        [_reproduce_code.mapping(each).get("name") for each in found]
        for found in (mixed, then if isinstance(then, list) else [])
    )
    if facts.get("repository") in names and facts.get("repository") not in names_then:
        all_notes.append("it imported code from the present work tree, which is not what ran then")
    verdict = judge(old, new, allowed, ignored, all_notes)
    if verdict.word == IDENTICAL:
        return verdict
    return verdict._replace(notes=[*verdict.notes, *_surroundings(old, new)])


def _surroundings(old: ExperimentReader, new: ExperimentReader) -> list[str]:
    """What of the environment may explain a difference, in a sentence; nothing when it is alike."""
    lines = compare([old, new], ["environment"])["environment"].lines
    found = [
        f"{clean(line.name).removeprefix('packages.')} {_written(line.values)}"
        for line in lines
        if line.differs and line.name.startswith(_TELLING) and line.name not in _OURS
    ]
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    ids = f"{clean(old.expid)} {clean(new.expid)}"
    told = f"the environment differs: {', '.join(found[:5])}{more} ('meticulous diff {ids}')"
    return [told] if found else []


def _written(values: Sequence[Any]) -> str:
    texts = ("nothing" if value is MISSING else clean(str(value))[:60] for value in values)
    return " -> ".join(texts)


def record_verdict(
    old: ExperimentReader, new: ExperimentReader, verdict: Verdict, told: Sequence[str] = ()
) -> None:
    """Write the verdict into both experiments: the metadata of the new one, and the history of
    the old one's annotations.

    Raises:
        StorageError: one of them cannot be written.
    """
    again = {"id": old.expid, **({"changed": list(told)} if told else {}), **verdict.facts()}
    path = ""
    try:
        path = os.path.join(new.curexpdir, _folder.METADATA)
        _files.replace_json(path, {**new._recorded, "reproduces": again})
        path = os.path.join(old.curexpdir, _folder.ANNOTATIONS)
        line = _annotations.change(_ACTION, {"id": new.expid, "verdict": verdict.word})
        _annotations.apply(_folder.Folder(os.path.abspath(old.curexpdir)), [line], ANNOTATE_SECONDS)
    except OSError as error:
        raise StorageError.from_oserror("write", path, error) from error


def environment_lacks(reader: ExperimentReader, origin: Origin) -> list[str]:
    """What of the recorded environment cannot be had, as far as that is known before it is built.

    Raises:
        MeticulousError: its packages were not recorded.
    """
    places = _reproduce_command.tops(reader, origin.root)
    return _reproduce_environment.plan(reader, places).lacking


def left(directory: str, ready: Prepared) -> list[str]:
    """What the program made or changed in the checked-out code, and is nowhere else."""
    before = ready.before
    return sorted(path for path, it in changed(directory).items() if before.get(path) != it)
