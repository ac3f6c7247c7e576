"""``meticulous ui``: the experiments in the browser."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._table import clean
from ..errors import MeticulousError, SettingError
from . import _output, _store, _ui_export

if TYPE_CHECKING:
    from ..web.server import Server

__all__ = ["run"]

_EXAMPLES = """\
The page is answered only on this machine, and only to who has the token in the address: keep the
address to yourself. Over ssh, open the tunnel that is printed and then the address. The page can
change tags, notes and names, nothing else; Ctrl-C ends it.

examples:
  meticulous ui
  meticulous ui --port 9000 --no-browser
  meticulous ui --read-only --experiments-directory /data/experiments
  meticulous ui --host 0.0.0.0 --allow-host lab.example.org
  meticulous ui --export report.html 3-7,9
  meticulous ui --export report.html --filter 'summary.acc > 0.9' --max-size 5
"""
_PORT = 8765


def run(argv: Sequence[str]) -> int:
    """Serve the page until Ctrl-C; see ``meticulous ui --help``."""
    options = _parser().parse_args(argv)
    _check(options)
    from ..web import server

    if not options.export and not server.is_installed():
        raise MeticulousError(
            "The page needs packages that are not installed.",
            "Install them with: pip install 'meticulous-ml[ui]'",
        )
    static = server.static_folder()
    if not static:
        raise MeticulousError(
            "The page was not built into this installation.",
            "In a checkout of the project run 'make page'; it needs npm.",
        )
    from .. import __version__

    if options.export:
        return _ui_export.write(options, static, __version__)
    from ..web.api import Api

    store = _store.open_store(options)
    api = Api(store, options.read_only, __version__)
    serving = server.Server(
        api,
        options.host,
        options.port or _PORT,
        next_port=not options.port,
        names=_names(options),
        static=static,
    )
    api.begin(ahead=True)
    _output.write(_told(store.experiments_directory, len(store), serving))
    if not options.no_browser and _is_desktop():
        _open(serving.url)
    serving.run()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _output.Parser(
        "ui",
        "Look at experiments in the browser: the table, curves while they run, code, console and "
        "files.",
        _EXAMPLES,
        "meticulous ui [options]\n       meticulous ui --export FILE [options] [ID ...]",
    )
    parser.add_argument(
        "--port", type=int, help=f"listen on this port; otherwise {_PORT} or the next free one"
    )
    parser.add_argument(
        "--read-only", action="store_true", help="refuse to change tags, notes and names"
    )
    parser.add_argument("--no-browser", action="store_true", help="open no browser")
    group = parser.add_argument_group("for others, who then need the token too")
    group.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="listen on this address, not on 127.0.0.1 only; needs --allow-host",
    )
    group.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a host name by which the page may be opened",
    )
    _ui_export.add_export(parser)
    _store.add_store(parser)
    return parser


def _check(options: argparse.Namespace) -> None:
    """Refuse what would not work, or would surprise.

    Raises:
        SettingError: an option's value cannot be used.
    """
    _ui_export.check(options)
    if options.port is not None and not 1 <= options.port <= 65535:
        raise SettingError("Argument --port: it has to be 1 to 65535.", name="--port")
    if options.host not in ("127.0.0.1", "localhost", "::1") and not options.allow_host:
        raise SettingError(
            f"Argument --host: with {options.host!r} others can reach the page.",
            "Say by which name they may: --allow-host NAME.",
            name="--host",
            value=options.host,
        )


def _names(options: argparse.Namespace) -> list[str]:
    return [name.strip("[]") for name in options.allow_host]


def _told(root: str, count: int, serving: Server) -> str:
    import getpass
    import platform

    try:
        user = f"{getpass.getuser()}@"
    except (OSError, KeyError, ImportError):  # a container without the user's name
        user = ""
    # What listens on one address only is not reached by another one of the same machine.
    end = "127.0.0.1" if serving.host in ("localhost", "0.0.0.0", "::") else serving.host
    end = f"[{end}]" if ":" in end else end
    port, plural = serving.port, "" if count == 1 else "s"
    return (
        f"{count} experiment{plural} in {clean(root)}\n\n"
        f"  {serving.url}\n\n"
        "From another machine, first:\n\n"
        f"  ssh -N -L {port}:{end}:{port} {user}{clean(platform.node())}\n\n"
        "Ctrl-C ends it.\n"
    )


def _is_desktop() -> bool:
    """Whether somebody sits at this machine, in front of a terminal and a desktop."""
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
        return False
    try:
        if sys.stdout is None or not sys.stdout.isatty():
            return False
    except ValueError:
        return False
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open(url: str) -> None:
    """Open the browser, without waiting for it."""
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
