"""Who may ask, and the headers of every answer: a page of another origin gets nothing."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

__all__ = ["Guard", "Problem"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; media-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)
HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class Problem(Exception):
    """An answer that is a refusal."""

    def __init__(self, status: int, message: str, hint: str = "", **headers: str) -> None:
        self.status, self.message, self.hint, self.headers = status, message, hint, headers


class Guard:
    """Around an application: it lets through who has the token and comes from our own page.

    Args:
        app: what answers.
        refuse: makes the answer of a `Problem`, in words when asked to.
        token: what a request needs.
        names: hosts by which the page may be opened, besides those of the loopback.
        cookie: the name of the cookie that may hold the token.
    """

    def __init__(
        self, app: Any, refuse: Any, token: str, names: Collection[str], cookie: str
    ) -> None:
        self._app, self._refuse = app, refuse
        self._token, self._cookie = token, cookie
        self._names = {name.lower() for name in (*LOOPBACK, *names)}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                known = {name.lower() for name, _ in message.get("headers", ())}
                more = [(n.lower().encode(), v.encode()) for n, v in HEADERS.items()]
                message["headers"] = [
                    *message.get("headers", ()),
                    *(pair for pair in more if pair[0] not in known),
                ]
            await send(message)

        try:
            self.check(scope)
        except Problem as problem:
            # Somebody who opened an old bookmark reads words rather than JSON.
            refused = self._refuse(problem, in_words=scope["path"] == "/")
            await refused(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    def check(self, scope: Mapping[str, Any]) -> None:
        """Let a request through, or raise the refusal."""
        headers = _headers(scope)
        host = headers.get("host", "")
        if _name_of(host) not in self._names:
            raise Problem(403, "This host name is not known.", "Open the address as printed.")
        origin = headers.get("origin")
        if origin is not None and not _is_same(origin, host):
            raise Problem(403, "Pages of another origin are not answered.")
        site = headers.get("sec-fetch-site", "none")
        is_visit = scope["path"] == "/" and headers.get("sec-fetch-dest") == "document"
        if site not in ("same-origin", "none") and not is_visit:
            raise Problem(403, "Other pages may not ask.")
        given = [headers.get("x-meticulous-token", "")]
        if scope["method"] in ("GET", "HEAD"):
            given.append(_cookie_of(headers.get("cookie", ""), self._cookie))
            if scope["path"] == "/":
                query = scope["query_string"].decode("latin-1")
                given += [value for name, value in parse_qsl(query) if name == "token"]
        if not any(_same(text, self._token) for text in given):
            hint = "Open the address that 'meticulous ui' printed, with its token."
            raise Problem(403, "The token is missing or not the right one.", hint)


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    """The headers; of one that is given twice, where that could hide something, nothing."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1")
        if key == "cookie" and key in found:
            found[key] += f"; {value.decode('latin-1')}"
        else:
            found[key] = "" if key in found else value.decode("latin-1")
    return found


def _name_of(host: str) -> str:
    """The name in a Host header, without its port; empty when it is none."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return ""
    clean = not (parts.path or parts.query or parts.fragment or "@" in host)
    return (parts.hostname or "").lower() if clean else ""


def _is_same(origin: str, host: str) -> bool:
    scheme, _, place = origin.partition("://")
    return scheme in ("http", "https") and place.lower() == host.lower()


def _cookie_of(header: str, name: str) -> str:
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""


def _same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())
