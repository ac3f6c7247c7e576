"""Take the experiments of a bundle into an experiments folder: all of it is checked first.

Everything is unpacked into a hidden folder and compared with the manifest there; then each
experiment gets its id by an exclusive mkdir and its place by one rename. A crash at any moment
leaves whole experiments, and hidden folders that the next import removes.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import IO, Any, NamedTuple

from . import _bundle, _bundle_tar, _commits, _files, _folder, _folder_trash, _json, _series
from ._bundle import CODE, MANIFEST, TOP
from ._bundle_tar import Member, refused
from .errors import SettingError, StorageError

__all__ = ["Bundle", "Incoming", "commits_lacking", "place", "planned", "read", "staging", "unpack"]

_LARGEST_DOCUMENT = 1 << 26
_STAGING = re.compile(r"\.importing-([0-9a-f]{12})-(.*)-([0-9]{1,9})~")
_PART = 1 << 20

Each = Callable[[Collection[Any], str], Iterator[Any]]


class Incoming(NamedTuple):
    """An experiment in a bundle: what it is called there, and what tells it from others."""

    expid: str
    members: list[Member]
    fingerprint: str
    commits: list[str]


class Bundle(NamedTuple):
    """A bundle whose names are legal; its contents are checked by `unpack`."""

    path: str
    manifest: dict[str, Any]
    digest: str
    members: dict[str, Member]
    experiments: list[Incoming]

    @property
    def commits(self) -> list[str]:
        """The commits that its experiments need."""
        return list(dict.fromkeys(sha for one in self.experiments for sha in one.commits))


def read(file: IO[bytes], path: str, limit: int) -> Bundle:
    """Read what a bundle holds.

    Args:
        file: open at its beginning.
        path: its name.
        limit: the most bytes that its members together may have.

    Raises:
        StorageError: it cannot be trusted, and why.
    """
    import hashlib

    members = _bundle_tar.members(file, path, limit)
    data = _document(file, path, members[MANIFEST])
    try:
        manifest = _json.decode(data)
    except ValueError:
        raise refused(path, "its manifest is no JSON") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("members"), dict):
        raise refused(path, "its manifest is broken")
    if manifest.get("format") != _bundle.FORMAT:
        hint = "Install a newer meticulous."
        raise refused(path, f"its format is {str(manifest.get('format'))[:20]!r}", hint)
    if set(manifest["members"]) != set(members) - {MANIFEST}:
        raise refused(path, "it does not hold what its manifest lists")
    listed = manifest.get("experiments")
    told = {
        one["id"]: one.get("commits")
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict) and isinstance(one.get("id"), str)
    }
    experiments = _experiments(file, path, members, told)
    return Bundle(path, manifest, hashlib.sha256(data).hexdigest(), members, experiments)


def _document(file: IO[bytes], path: str, member: Member) -> bytes:
    if member.size > _LARGEST_DOCUMENT:
        raise refused(path, f"{member.name!a} is too large")
    file.seek(member.place)
    return file.read(member.size)


def _experiments(
    file: IO[bytes], path: str, members: Mapping[str, Member], told: Mapping[str, Any]
) -> list[Incoming]:
    found: dict[str, dict[str, Member]] = {}
    for name, member in members.items():
        if name in (CODE, MANIFEST):
            continue
        top, _, rest = name.partition("/")
        expid, _, inside = rest.partition("/")
        problem = _bundle.name_problem(inside) if f"{top}/" == TOP else "a place that is no place"
        try:
            _folder.valid_id(expid)
        except SettingError:
            problem = "an experiment with an id that is not legal"
        if problem:
            raise refused(path, f"{name[:200]!a}: {problem}")
        found.setdefault(expid, {})[inside] = member
    if set(found) != set(told):
        raise refused(path, "its manifest lists other experiments")
    order = sorted(found, key=lambda expid: (not expid.isdigit(), expid.zfill(20)))
    experiments = []
    for expid in order:
        inside_of = found[expid]
        documents = [
            _object(file, path, inside_of.get(name)) for name in (_folder.METADATA, _folder.ARGS)
        ]
        listed = told[expid] if isinstance(told[expid], list) else []
        commits = [sha for sha in listed if _commits.is_sha(sha)]
        mark = _bundle.fingerprint(*documents)
        experiments.append(Incoming(expid, list(inside_of.values()), mark, commits))
    return experiments


def _object(file: IO[bytes], path: str, member: Member | None) -> dict[str, Any]:
    try:
        value = _json.decode(_document(file, path, member)) if member else {}
    except ValueError:
        return {}  # broken records are imported as they are
    return value if isinstance(value, dict) else {}


def planned(
    bundle: Bundle, root: str, known: Mapping[str, str], *, new_numbers: bool
) -> dict[str, tuple[str, str]]:
    """Tell what becomes of each experiment, without doing it.

    Args:
        bundle: the bundle.
        root: the experiments folder, which need not exist.
        known: fingerprints, and ``digest/id`` of what was imported before, to the ids here.
        new_numbers: give none the id that it had.

    Returns:
        For each id in the bundle ``("here", id)``: it is here already; ``("keep", id)``; or
        ``("map", "")``: it gets the next number.
    """
    taken = {entry.expid for entry in _folder_trash.entries(root)}
    plan: dict[str, tuple[str, str]] = {}
    met: dict[str, str] = {}
    for one in bundle.experiments:
        here = known.get(one.fingerprint or f"{bundle.digest}/{one.expid}", "")
        if here or met.get(one.fingerprint):
            plan[one.expid] = ("here", here or met[one.fingerprint])
            continue
        if one.fingerprint:
            met[one.fingerprint] = one.expid
        free = one.expid not in taken and not os.path.lexists(os.path.join(root, one.expid))
        plan[one.expid] = ("keep", one.expid) if free and not new_numbers else ("map", "")
    return plan


@contextlib.contextmanager
def staging(root: str, bundle: Bundle) -> Iterator[str]:
    """Make the hidden folder that a bundle is unpacked into; nobody else imports it meanwhile.

    Args:
        root: the experiments folder.
        bundle: what is to be unpacked.

    Returns:
        The folder, which is removed afterwards.

    Raises:
        StorageError: another process imports it, it cannot be written, or there is no room.
    """
    needed = sum(member.size for member in bundle.members.values())
    if needed > shutil.disk_usage(root).free:
        raise StorageError(f"{root} has no room for the {needed} bytes of the bundle.", path=root)
    name = f".importing-{bundle.digest[:12]}-{_host()}-{os.getpid()}~"
    folder = os.path.join(root, name)
    try:
        shutil.rmtree(folder, ignore_errors=True)  # of a killed process that had our number
        os.mkdir(folder)
        for other in set(os.listdir(root)) - {name}:
            _sweep(root, other, bundle)
        yield folder
    except OSError as error:
        where = os.fsdecode(error.filename or folder)
        raise StorageError.from_oserror("write", where, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _host() -> str:
    return re.sub(r"[^\w.]", "_", platform.node())


def _sweep(root: str, name: str, bundle: Bundle) -> None:
    """Remove what an import on this machine left that was killed.

    Raises:
        StorageError: another process imports the same bundle just now.
    """
    match = _STAGING.fullmatch(name)
    if not match:
        return
    path = os.path.join(root, name)
    if match[2] == _host() and os.name != "nt":  # where a look at a process would end it
        try:
            os.kill(int(match[3]), 0)
        except ProcessLookupError:
            shutil.rmtree(path, ignore_errors=True)
            return
        except OSError:
            pass  # it is another user's
    if bundle.digest.startswith(match[1]):
        raise StorageError(
            f"Another process imports the same bundle into {root} just now.",
            f"Wait for it, or remove {path} if there is none.",
            path=path,
        )


def unpack(
    file: IO[bytes], bundle: Bundle, folder: str, wanted: Collection[str], each: Each
) -> None:
    """Check every member against the manifest, and unpack those of some experiments, and the code.

    Args:
        file: the open bundle.
        bundle: what it holds.
        folder: see `staging`; empty to unpack nothing.
        wanted: ids of the experiments that are unpacked.
        each: gives items one by one, and may tell how far it is.

    Raises:
        StorageError: something in it is not what the manifest says.
        OSError: it cannot be written.
    """
    taken = {
        member.name for one in bundle.experiments if one.expid in wanted for member in one.members
    }
    taken.add(CODE)
    for member in each(list(bundle.members.values()), "unpacking"):
        if member.name == MANIFEST:
            continue
        target = os.path.join(folder, member.name) if folder and member.name in taken else ""
        told = bundle.manifest["members"][member.name]
        digest = _copy(file, member, target)
        if not isinstance(told, dict) or told != {"size": member.size, "sha256": digest}:
            raise refused(bundle.path, f"{member.name[:200]!a} is not what its manifest says")


def _copy(file: IO[bytes], member: Member, target: str) -> str:
    import hashlib

    digest, left = hashlib.sha256(), member.size
    file.seek(member.place)
    if target:
        os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "xb") if target else contextlib.nullcontext() as copy:
        while left and (part := file.read(min(left, _PART))):
            digest.update(part)
            left -= len(part)
            if copy is not None:
                copy.write(part)
    if target:
        os.utime(target, (member.mtime, member.mtime))
    return digest.hexdigest()


def place(
    root: str, unpacked: str, one: Incoming, expid: str, bundle: Bundle, *, strict: bool
) -> str:
    """Give an unpacked experiment its id and its place; where it came from is annotated.

    Args:
        root: the experiments folder.
        unpacked: see `unpack`.
        one: the experiment.
        expid: the id that it is to have; empty for the next number.
        bundle: that it came from.
        strict: do not fall back on a number where the id is taken meanwhile.

    Returns:
        Its id.

    Raises:
        SettingError: the id is taken.
        StorageError: it cannot be moved; it is not there then.
    """
    source = os.path.join(unpacked, TOP, one.expid)
    _annotate(source, one, bundle)
    try:
        folder = _folder.claim(root, expid or None)
    except FileExistsError:
        if strict:
            raise SettingError(f"There is an experiment {expid!r} already.", "") from None
        folder = _folder.claim(root)
    try:
        if os.name == "nt":  # elsewhere a folder may take the place of an empty one
            os.rmdir(folder.path)
        os.rename(source, folder.path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.rmdir(folder.path)
        if isinstance(error, OSError):
            raise StorageError.from_oserror("move to", folder.path, error) from error
        raise
    return folder.id


def _annotate(folder: str, one: Incoming, bundle: Bundle) -> None:
    """Note where an experiment came from, in the one file that may be changed."""
    path = os.path.join(folder, _folder.ANNOTATIONS)
    found: Any = {}
    try:
        found = _files.read_json(path)
    except FileNotFoundError:
        pass
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        os.rename(path, f"{path}.broken-1")
        found = {}
    now = _series.utc(time.time())
    value = {"id": one.expid, "bundle": os.path.basename(bundle.path), "sha256": bundle.digest}
    history = found.get("history")
    line = {"time": now, "action": "import", "value": value}
    found["imported"] = {"time": now, **value}
    found["history"] = [*(history if isinstance(history, list) else []), line]
    _files.replace_json(path, found, sync=False)


def commits_lacking(bundle: Bundle, lacking: Sequence[str]) -> dict[str, list[str]]:
    """The ids of the experiments whose code is not there, to the commits."""
    gone = set(lacking)
    found = {one.expid: [sha for sha in one.commits if sha in gone] for one in bundle.experiments}
    return {expid: shas for expid, shas in found.items() if shas}
