"""Which packages are installed: from the names of their metadata folders, importing none.

`importlib.metadata` reads a file per package, which takes a hundred times longer; the folder names
carry name and version already. A file is read only where a name lacks the version, and for
packages that were installed from a folder, a repository or an address (``direct_url.json``).
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterable
from typing import Any

from . import _files, _json

__all__ = ["conda", "installed", "without_credentials"]

MAX_ENTRIES = 50_000  # a program may stand in a folder with a million files
_PYTHON_TAG = r"-py\d[\w.]*(-.*)?$"
_SEPARATORS = re.compile(r"[-_.]+")
_EDITABLE_PTH = r"__editable__\.(.+)-[^-]+\.pth|(?:__editable__\.|_editable_impl_)(.+)\.pth"

Package = dict[str, Any]


def installed(path: Iterable[Any] | None = None) -> list[Package]:
    """List the packages that an import could reach.

    Args:
        path: the folders to look in, ``sys.path`` when None; what is no folder is passed over.

    Returns:
        By name, each with ``name`` (normalised: lower case, hyphens), ``version`` (None when
        nothing tells it) and, for what did not come from an index, ``editable``, ``url`` (without
        credentials), ``vcs``, ``commit``, ``revision``, ``subdirectory`` or ``hash``. Of a name
        that stands in several folders the first counts, as for an import; a second version in the
        same folder is named under ``also``.
    """
    found: dict[str, Package] = {}
    for folder in _folders(sys.path if path is None else path):
        for name, package in _folder(folder).items():
            found.setdefault(name, package)
    return [found[name] for name in sorted(found)]


def _folders(path: Iterable[Any]) -> list[str]:
    """Drop what is no text (an import hook's own entries) and what comes twice."""
    entries = [os.fspath(entry) for entry in list(path) if isinstance(entry, (str, os.PathLike))]
    return list(dict.fromkeys(entry or os.curdir for entry in entries if isinstance(entry, str)))


def _folder(folder: str) -> dict[str, Package]:
    """List what one folder holds."""
    places: dict[str, list[tuple[str, str]]] = {}  # name: versions and their metadata
    marks: dict[str, Package] = {}
    for entry in _entries(folder):
        stem, extension = os.path.splitext(entry)
        where = os.path.join(folder, entry)
        name, version = stem, ""
        if extension == ".dist-info":
            name, _, version = stem.rpartition("-") if "-" in stem else (stem, "", "")
        elif extension == ".egg-info":
            name, version = _split_egg(stem)
        elif extension == ".egg-link":
            where = _follow_link(where, stem, marks)
        elif match := re.fullmatch(_EDITABLE_PTH, entry):
            marks.setdefault(_normal(match[1] or match[2]), {"editable": True})
            continue
        else:
            continue
        if _normal(name) and not name.startswith("~"):  # "~": pip was stopped while it deleted it
            places.setdefault(_normal(name), []).append((version.replace("_", "-"), where))
    egg, dot, rest = os.path.basename(folder).rpartition(".egg")
    if dot and not rest:  # an egg stands on sys.path itself
        name, version = _split_egg(egg)
        places.setdefault(_normal(name), []).append((version, os.path.join(folder, "EGG-INFO")))
    return {name: _package(name, found, marks.get(name, {})) for name, found in places.items()}


def _package(name: str, places: list[tuple[str, str]], mark: Package) -> Package:
    if len(places) > 1:  # an upgrade was stopped: the version whose metadata is there counts
        places = sorted(places, key=lambda place: not os.path.exists(f"{place[1]}/METADATA"))
    versions = [version or _version(where) for version, where in places]
    package: Package = {"name": name, "version": versions[0]}
    if others := [version for version in versions[1:] if version != versions[0]]:
        package["also"] = others
    return {**package, **mark, **_origin(places[0][1])}


def _entries(folder: str) -> list[str]:
    """List the names of what may be metadata, in their order."""
    names: list[str] = []
    try:
        with os.scandir(folder) as scan:
            for count, entry in enumerate(scan):
                if count >= MAX_ENTRIES:
                    break
                if entry.name.endswith((".egg-info", ".egg-link", ".pth")) or (
                    entry.name.endswith(".dist-info") and _is_folder(entry)
                ):
                    names.append(entry.name)
    except (OSError, ValueError) as error:
        # No folder, or not ours to read: an import finds nothing either. But no list without files
        # to open shall look like an empty one.
        if getattr(error, "errno", None) in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
            raise
    return sorted(names)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _split_egg(stem: str) -> tuple[str, str]:
    """Split ``name-1.0-py3.11-linux-x86_64``; version empty when the stem is a mere name."""
    name, _, version = re.sub(_PYTHON_TAG, "", stem).partition("-")
    return name, version


def _normal(name: str) -> str:
    return _SEPARATORS.sub("-", name).lower().strip("-")


def _follow_link(path: str, name: str, marks: dict[str, Package]) -> str:
    """``setup.py develop`` leaves a file that names the folder which holds the sources."""
    folder = _text(path, 1 << 16).partition("\n")[0].strip()
    marks[_normal(name)] = {"editable": True, "url": "file://" + folder}
    return os.path.join(folder, name.replace("-", "_") + ".egg-info")


def _text(path: str, limit: int) -> str:
    try:
        return _files.read_bytes(path, limit).decode("utf-8", "replace")
    except (OSError, ValueError):  # the latter: a link into a path that holds a null byte
        return ""


def _version(where: str) -> str | None:
    """Read the version out of the metadata, where the folder's name does not tell it."""
    for name in ("METADATA", "PKG-INFO", ""):
        for line in _text(os.path.join(where, name).rstrip(os.sep), 1 << 22).splitlines():
            if not line:  # the headers end here
                break
            key, _, value = line.partition(":")
            if key.lower() == "version":
                return value.strip() or None
    return None


def _origin(where: str) -> Package:
    """Say where a package came from, if it did not come from an index."""
    path = os.path.join(where, "direct_url.json")
    if not os.path.exists(path):
        return {}
    try:
        document = _json.decode(_files.read_bytes(path, 1 << 20))
        url = without_credentials(str(document["url"]))
        origin = {key: document.get(key, {}) for key in ("dir_info", "vcs_info", "archive_info")}
        folder, vcs, archive = origin.values()
        facts = {
            "editable": True if folder.get("editable") else None,
            "url": url,
            "vcs": vcs.get("vcs"),
            "commit": vcs.get("commit_id"),
            "revision": vcs.get("requested_revision"),
            "subdirectory": document.get("subdirectory"),
            "hash": archive.get("hash"),
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}  # cut off or of an unknown shape: name and version are true all the same
    return {key: value for key, value in facts.items() if value is not None}


def without_credentials(url: str) -> str:
    """Take user names, passwords, queries and fragments out of an address.

    ``git@`` stays, since it is how everybody logs in. A password that contains a slash, which is
    no legal address, is recognised by the port that it would make.
    """
    scheme, found, rest = url.partition("://")
    if not found:
        scheme, rest = "", url
    rest = rest.partition("?")[0].partition("#")[0]
    authority = rest.partition("/")[0]
    port = authority.rpartition(":")[2] if ":" in authority else ""
    if "@" not in authority and "@" in rest and port and not port.isdigit():
        authority = rest[: rest.rindex("@") + 1]
    user, at, _ = authority.rpartition("@")
    if at and user != "git":
        rest = rest[len(user) + 1 :]
    return scheme + found + rest


def conda(prefix: str) -> list[Package]:
    """List the packages of a conda environment: name, version and build, from its file names."""
    packages = []
    try:
        names = sorted(os.listdir(os.path.join(prefix, "conda-meta")))
    except OSError:
        return []
    for entry in names:
        parts = entry.removesuffix(".json").rsplit("-", 2)
        if entry.endswith(".json") and len(parts) == 3:
            packages.append(dict(zip(("name", "version", "build"), parts, strict=True)))
    return packages
