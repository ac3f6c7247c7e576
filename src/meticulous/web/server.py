"""The one place that listens: routes around an `Api`, and everything that keeps others out.

A page of another origin can neither read nor change anything: each request needs a token, a Host
and an Origin that are known, and answers forbid scripts, frames and guesses about their type.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import socket
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any

from .. import _json
from ..errors import MeticulousError, SettingError, StorageError
from ._content import Content
from ._guard import LOOPBACK, Guard, Problem
from ._routes import ROUTES, SCHEMA, Route, description, parsed
from ._sending import TYPES, json_text, part_of, portions, static_files
from ._streams import MOST_STREAMS, Streams
from ._threads import in_thread

__all__ = ["Server", "is_installed", "static_folder"]

LARGEST_BODY = 1 << 16
_PORTS_TRIED = 50
_STOP_SECONDS = 1
_THREADS = 32
_LASTING = "private, max-age=31536000, immutable"


def is_installed() -> bool:
    """Whether what the server is made with is there."""
    import importlib.util

    return all(importlib.util.find_spec(name) for name in ("starlette", "uvicorn"))


def static_folder() -> str:
    """Where the built page is; empty when it was not built."""
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "static")
    return folder if os.path.isfile(os.path.join(folder, "index.html")) else ""


class Server:
    """Serves the page of one store until it is stopped.

    Args:
        api: an `Api`.
        host: the address to listen on.
        port: the port; when `next_port`, one of the next ones where that is taken.
        next_port: see there.
        names: hosts by which the page may be opened besides those of this machine's loopback.
        static: the folder with the built page; empty for none.
        token: what a request needs to be answered; None for a new one.

    Attributes:
        port: the port that it listens on.
        token: what requests need.

    Raises:
        StorageError: it cannot listen there.
    """

    def __init__(
        self,
        api: Any,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        next_port: bool = False,
        names: Collection[str] = (),
        static: str = "",
        token: str | None = None,
    ) -> None:
        self.api = api
        self.token = token or secrets.token_urlsafe(32)
        self._names = names
        self._socket = _bound(host, port, _PORTS_TRIED if next_port else 1)
        self.host, self.port = host, self._socket.getsockname()[1]
        self._cookie = f"meticulous-{self.port}"
        self._files = static_files(static)
        self._streams = Streams(api.refresh)
        self._stopping: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_early = threading.Event()

    @property
    def url(self) -> str:
        """The address to open, with the token."""
        host = self.host
        if host not in LOOPBACK:
            host = next(iter(self._names), "127.0.0.1")
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port}/?token={self.token}"

    # ------------------------------------------------------------------------ running

    def run(self, *, signals: bool = True) -> None:
        """Answer until `stop`, or, with `signals`, Ctrl-C or SIGTERM."""
        import uvicorn

        config = uvicorn.Config(
            self._app(),
            http="h11",
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_STOP_SECONDS,
            timeout_keep_alive=30,
            limit_concurrency=1000,
        )
        server = uvicorn.Server(config)
        try:
            asyncio.run(self._serve(server, signals))
        finally:
            self._socket.close()

    async def _serve(self, server: Any, signals: bool) -> None:
        import signal

        self._loop = asyncio.get_running_loop()
        # Enough that questions which wait for the first reading leave room for others.
        self._answering = asyncio.Semaphore(_THREADS)
        self._stopping = asyncio.Event()
        if self._stop_early.is_set():
            self._stopping.set()
        if signals:
            for number in (signal.SIGINT, signal.SIGTERM):
                with contextlib.suppress(NotImplementedError):  # Windows: KeyboardInterrupt
                    self._loop.add_signal_handler(number, self._stopping.set)
        server.capture_signals = contextlib.nullcontext
        work = asyncio.create_task(server.serve([self._socket]))
        await asyncio.wait(
            [work, asyncio.create_task(self._stopping.wait())],
            return_when=asyncio.FIRST_COMPLETED,
        )
        self.api.close()
        self._streams.stop()
        server.should_exit = True
        await work

    def stop(self) -> None:
        """Have `run` return soon; may be called from any thread."""
        self._stop_early.set()
        if self._loop is not None and self._stopping is not None:
            with contextlib.suppress(RuntimeError):  # it has just ended
                self._loop.call_soon_threadsafe(self._stopping.set)

    # ------------------------------------------------------------------------ the application

    def _app(self) -> Callable[..., Any]:
        from starlette.applications import Starlette
        from starlette.routing import Route as Place

        places = []
        for route in ROUTES:
            methods = ["POST"] if route.form == "write" else ["GET"]
            places.append(Place(route.path, self._endpoint(route), methods=methods))
            if route.form == "write":
                places.append(Place(route.path, _write_only, methods=["GET"]))
        places.append(Place("/api/openapi.json", self._description, methods=["GET"]))
        places.append(Place("/{path:path}", self._page, methods=["GET"]))
        from starlette.exceptions import HTTPException

        handlers = {HTTPException: _http_problem, Problem: _refused, Exception: _fault}
        app = Starlette(routes=places, exception_handlers=handlers)
        app.router.redirect_slashes = False
        return Guard(app, _problem_response, self.token, self._names, self._cookie)

    def _endpoint(self, route: Route) -> Callable[..., Any]:
        async def answer(request: Any) -> Any:
            if route.form == "events":
                return await self._events(request, route)
            if route.form == "write":
                asked = await _body(request)
            else:
                asked = _asked(route, request)
            asked |= request.path_params
            async with self._answering:
                return await in_thread(self._answered, route, asked, dict(request.headers))

        return answer

    def _answered(self, route: Route, asked: dict[str, Any], headers: Mapping[str, str]) -> Any:
        """The response to a question; what it raises is the refusal to send."""
        try:
            value = self.api.answer(route, asked)
        except SettingError as error:
            raise Problem(400, error.message, error.hint) from None
        except MeticulousError as error:
            raise Problem(getattr(error, "status", 500), error.message, error.hint) from None
        if route.form == "file":
            return _file_response(value, headers)
        return _json_response({"schema": SCHEMA, route.name: value})

    async def _description(self, request: Any) -> Any:
        return _json_response(description(self.api.store()["meticulous"]))

    async def _page(self, request: Any) -> Any:
        """The page, or one of its files."""
        from starlette.responses import PlainTextResponse, Response

        path = request.path_params["path"]
        if path.startswith("api/"):
            raise Problem(404, f"There is no question '/{path[:200]}'.", "See /api/openapi.json.")
        if not self._files and path in ("", "index.html"):
            text = "The page was not built: run 'make page' (it needs npm).\n"
            response: Any = PlainTextResponse(text, 404)
        elif path == "favicon.ico" and path not in self._files:
            response = PlainTextResponse("", 204)  # browsers ask for it unasked
        elif (path or "index.html") not in self._files:
            raise Problem(404, f"There is no '/{path[:200]}'.")
        else:
            name = path or "index.html"
            kind = TYPES.get(os.path.splitext(name)[1], "application/octet-stream")
            lasting = {"Cache-Control": _LASTING} if path.startswith("assets/") else None
            response = Response(self._files[name], media_type=kind, headers=lasting)
        if not path:
            response.set_cookie(
                self._cookie, self.token, path="/", httponly=True, samesite="strict"
            )
        return response

    async def _events(self, request: Any, route: Route) -> Any:
        from starlette.responses import StreamingResponse

        _asked(route, request)
        if len(self._streams) >= MOST_STREAMS:
            raise Problem(503, "Too many pages are open.", "Close some.")
        return StreamingResponse(self._streams.changes(), media_type="text/event-stream")


# ---------------------------------------------------------------------------- requests


def _asked(route: Route, request: Any) -> dict[str, Any]:
    try:
        return parsed(route, request.query_params.multi_items())
    except SettingError as error:
        raise Problem(400, error.message, error.hint) from None


async def _body(request: Any) -> dict[str, Any]:
    """The action and the value of a request to change something."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(415, "The content has to be application/json.")
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > LARGEST_BODY:
            raise Problem(413, f"More than {LARGEST_BODY} bytes are not taken.")
    try:
        value = _json.decode(bytes(data))
    except ValueError:
        raise Problem(400, "This is not JSON.") from None
    if not isinstance(value, dict) or value.keys() != {"action", "value"}:
        raise Problem(400, "An object with 'action' and 'value' is needed.")
    return value


# ---------------------------------------------------------------------------- responses


def _json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Any:
    from starlette.responses import Response

    return Response(json_text(value), status, dict(headers or {}), "application/json")


def _problem_response(problem: Problem, in_words: bool = False) -> Any:
    if in_words:
        from starlette.responses import PlainTextResponse

        text = f"{problem.message}\n{problem.hint}\n"
        return PlainTextResponse(text, problem.status, problem.headers)
    error = {"message": problem.message, "hint": problem.hint}
    return _json_response({"schema": SCHEMA, "error": error}, problem.status, problem.headers)


async def _refused(request: Any, problem: Any) -> Any:
    return _problem_response(problem)


async def _write_only(request: Any) -> Any:
    raise Problem(405, "Method Not Allowed.", Allow="POST")


async def _fault(request: Any, error: Exception) -> Any:
    text = f"meticulous itself is at fault: {type(error).__name__}: {error}"
    return _problem_response(Problem(500, text[:500], "Please tell its authors."))


async def _http_problem(request: Any, error: Any) -> Any:
    """What starlette refuses itself, such as another method."""
    headers = {name: value for name, value in (error.headers or {}).items() if name == "Allow"}
    problem = Problem(error.status_code, f"{error.detail}.")
    problem.headers = headers
    return _problem_response(problem)


def _file_response(content: Content, headers: Mapping[str, str]) -> Any:
    from starlette.responses import StreamingResponse

    part = part_of(content, headers)
    body = portions(content.file, part.start, part.end)
    return StreamingResponse(body, part.status, part.headers, media_type=content.type)


# ---------------------------------------------------------------------------- listening


def _bound(host: str, port: int, tries: int) -> socket.socket:
    """A socket that listens.

    Raises:
        StorageError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    error: OSError | None = None
    for number in range(port, port + tries):
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            if os.name == "posix":
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((host, number))
            made.listen(128)
            return made
        except (OSError, OverflowError) as problem:
            made.close()
            error = problem if isinstance(problem, OSError) else OSError(0, "no such port")
    assert error is not None
    is_place = error.errno not in (errno.EADDRINUSE, errno.EACCES, 0)
    hint = f"Choose another {'--host' if is_place else '--port'}."
    raise StorageError.from_oserror("listen on", f"{host}:{port}", error, hint)
