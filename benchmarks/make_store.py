"""Write a store of plausible experiments, the same for the same seed:
``python -m benchmarks.make_store 10000 /tmp/store``.

The files are written by hand, since a thousand starts of a program would take minutes. 3 % of the
folders are broken, each in one of many ways; 5 % say that they are running, most of them lost.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections.abc import Callable
from typing import Any

BROKEN = 0.03
RUNNING = 0.05
_METRIC_ROWS = 20
_WEEK = 7 * 86400.0
_HOST = "gpu07"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", type=int)
    parser.add_argument("directory")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    make(options.number, options.directory, options.seed)


def make(number: int, directory: str, seed: int = 1) -> None:
    """Write experiments 1 to `number`; the folder must be new or empty."""
    chance = random.Random(seed)
    names = _arg_names(chance)
    os.makedirs(directory, exist_ok=True)
    for expid in range(1, number + 1):
        folder = os.path.join(directory, str(expid))
        os.mkdir(folder)
        start = time.time() - _WEEK - (number - expid) * 60.0
        write_experiment(folder, chance, names, start)
        if chance.random() < BROKEN:
            path = os.path.join(folder, chance.choice(("STATUS", *_DOCUMENTS)))
            chance.choice(list(_DAMAGES.values()))(path)
        beat = start + 600 if chance.random() < 0.9 else time.time()
        if os.path.isfile(os.path.join(folder, "STATUS")):
            os.utime(os.path.join(folder, "STATUS"), (beat, beat))


_DOCUMENTS = ("args.json", "default_args.json", "metadata.json", "summary.json", "annotations.json")


def write_experiment(
    folder: str, chance: random.Random, names: list[str], start: float, **args: Any
) -> None:
    """Write one experiment into an empty folder."""
    chosen = names[: chance.randint(20, 40)]
    defaults = _nested({name: _value(random.Random(name), name) for name in chosen})
    flat = {
        name: _value(chance if chance.random() < 0.15 else random.Random(name), name)
        for name in chosen
    }
    running = chance.random() < RUNNING
    failed = not running and chance.random() < 0.1
    documents = {
        "args.json": {**_nested(flat), **args},
        "default_args.json": defaults,
        "metadata.json": _metadata(chance, start, running, failed),
        "summary.json": {
            f"{part}_{name}": round(chance.random(), 6)
            for part in ("train", "test")
            for name in ("loss", "accuracy", "f1", "recall", "precision")
        },
    }
    if chance.random() < 0.1:
        documents["annotations.json"] = {"tags": [chance.choice(("best", "paper", "debug"))]}
    for name, value in documents.items():
        _write(folder, name, json.dumps(value, indent=4))
    rows = (
        {"step": step, "time": step * 1.5, "loss": chance.random(), "accuracy": chance.random()}
        for step in range(_METRIC_ROWS)
    )
    _write(folder, "metrics.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    _write(folder, "stdout", "epoch 1\nepoch 2\n")
    _write(folder, "stderr", "")
    trace = 'ERROR\nTraceback (most recent call last):\n  File "train.py", line 7, in <module>\n'
    reason = "torch.cuda.OutOfMemoryError: CUDA out of memory\n"
    _write(folder, "STATUS", "RUNNING" if running else trace + reason if failed else "SUCCESS")


def _arg_names(chance: random.Random) -> list[str]:
    words = "lr batch epochs width depth dropout decay warmup seed clip beta momentum"
    groups = ("", "", "model.", "data.", "optim.", "optim.schedule.")
    names = [f"{group}{word}" for group in dict.fromkeys(groups) for word in words.split()]
    names = [f"{name}_{index}" for index, name in enumerate(names)]
    chance.shuffle(names)
    return names


def _value(chance: random.Random, name: str) -> Any:
    kind = sum(map(ord, name)) % 5
    if kind == 0:
        return round(10 ** chance.uniform(-5, 0), 6)
    if kind == 1:
        return chance.randint(1, 512)
    if kind == 2:
        return chance.choice((True, False, None))
    if kind == 3:
        return chance.choice(("resnet50", "vit-base", "/data/imagenet/train", "cosine"))
    return [chance.randint(1, 64) for _ in range(3)]


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in flat.items():
        *groups, last = name.split(".")
        place = found
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    return found


def _metadata(chance: random.Random, start: float, running: bool, failed: bool) -> dict[str, Any]:
    seconds = chance.uniform(10, 20000)
    session: dict[str, Any] = {
        "number": 1,
        "start": _time(start),
        "host": _HOST,
        "machine": "0123456789abcdef",
        "boot": "01234567-89ab-cdef-0123-456789abcdef",
        "namespace": "pid:[4026531836]",
        "pid": chance.randint(1000, 4_000_000),
        "process-start": chance.randint(1000, 10**8),
        "argv": ["train.py", "--lr", "0.1", "--model", "resnet50"],
        "cwd": "/home/ada/project",
        "sha": f"{chance.getrandbits(160):040x}",
    }
    if not running:
        session["end"] = _time(start + seconds)
        session["duration"] = round(seconds, 3)
        kind = "error" if failed else "success"
        session["ending"] = {"kind": kind, "status": "ERROR" if failed else "SUCCESS"}
    return {
        "format": 1,
        "githead-sha": session["sha"],
        "githead-message": "Try a wider model\n",
        "description": chance.choice(("", "", "baseline", "wider, longer warm-up")),
        "timestamp": _time(start),
        "start-time": _time(start),
        "end-time": None if running else session["end"],
        "command": ["python", "train.py", "--lr", "0.1", "--model", "resnet50"],
        "git": {"branch": "main", "dirty": False, "remote": "git@example.org:ada/project.git"},
        "sessions": [session],
    }


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + "+00:00"


def _write(folder: str, name: str, text: str) -> None:
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


# ------------------------------------------------------------------------------ what can break


def _replaced(make_it: Callable[[str], Any]) -> Callable[[str], None]:
    def damage(path: str) -> None:
        if os.path.lexists(path):
            os.unlink(path)
        make_it(path)

    return damage


def _content(data: bytes) -> Callable[[str], None]:
    def write(path: str) -> None:
        with open(path, "wb") as file:
            file.write(data)

    return write


def _cut(path: str) -> None:
    if os.path.exists(path):
        os.truncate(path, os.path.getsize(path) // 2)


def _sparse(path: str) -> None:
    with open(path, "wb") as file:
        file.truncate(5 << 30)


def _everything(path: str) -> None:
    folder = os.path.dirname(path)
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))


_DAMAGES: dict[str, Callable[[str], Any]] = {
    "cut": _cut,
    "missing": _replaced(lambda path: None),
    "empty folder": _everything,
    "empty": _replaced(_content(b"")),
    "zeros": _replaced(_content(bytes(500))),
    "bytes": _replaced(_content(bytes(range(256)))),
    "not UTF-8": _replaced(_content(b'{"a": "\xff"}')),
    "list": _replaced(_content(b"[1, 2]")),
    "null": _replaced(_content(b"null")),
    "deep": _replaced(_content(b'{"a":' * 10_000 + b"1" + b"}" * 10_000)),
    "long number": _replaced(_content(b'{"a": ' + b"9" * 100_000 + b"}")),
    "same name twice": _replaced(_content(b'{"a": 1, "a": NaN}')),
    "directory": _replaced(os.mkdir),
    "fifo": _replaced(lambda path: os.mkfifo(path)),
    "endless": _replaced(lambda path: os.symlink("/dev/zero", path)),
    "dangling": _replaced(lambda path: os.symlink("nothing", path)),
    "sparse": _replaced(_sparse),
    "mode 000": lambda path: os.path.exists(path) and os.chmod(path, 0),
}


if __name__ == "__main__":
    main()
