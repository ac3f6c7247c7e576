"""The running server, and those who should get nothing from it."""

import json
import os
import socket

import pytest

from read.records import write_record
from web.serving import serving

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; media-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("served") / "experiments"
    write_record(
        root,
        "1",
        args={SCRIPT: SCRIPT},
        summary={SCRIPT: SCRIPT},
        annotations={"name": SCRIPT, "tags": [SCRIPT], "notes": [{"text": SCRIPT}]},
        status=f"{SCRIPT}\n{SCRIPT}",
        description=SCRIPT,
    )
    folder = root / "1"
    (folder / "stdout").write_text(SCRIPT)
    (folder / "page.html").write_text(f"<html>{SCRIPT}</html>")
    (folder / "drawing.svg").write_text(
        f'<?xml version="1.0"?><svg onload="alert(1)">{SCRIPT}</svg>'
    )
    (folder / "code.js").write_text("alert(1)")
    (folder / "lies.png").write_text(f"<html>{SCRIPT}</html>")
    (folder / "feed.xml").write_text("<xml/>")
    (folder / "real.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (folder / "sound.wav").write_bytes(b"RIFF\x24\0\0\0WAVEfmt " + bytes(5000))
    (folder / 'a"b\r\nSet-Cookie: x=y;<b>.txt').write_text("odd")
    (folder / "inner").mkdir()
    (folder / "inner" / "deep.txt").write_text("deep")
    secret = root.parent / "secret.txt"
    secret.write_text("secret")
    (folder / "link.txt").symlink_to(secret)
    (folder / "up").symlink_to(root.parent)
    os.mkfifo(folder / "fifo")
    return root


@pytest.fixture(scope="module")
def page(root):
    with serving(root) as page:
        yield page


def raw(page, *lines, body=b""):
    """The status line and the rest of the answer to bytes as they are."""
    with socket.create_connection(("127.0.0.1", page.server.port), 10) as connection:
        connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)
        data = b""
        while part := connection.recv(65536):
            data += part
    return data.decode("latin-1")


ROUTES = ("/", "/index.html", "/assets/x.js", "/api/store", "/api/rows", "/api/openapi.json",
          "/api/experiments/1/file?path=page.html", "/api/events", "/api/nothing")  # fmt: skip


@pytest.mark.parametrize("path", ROUTES)
def test_without_the_token_there_is_nothing(page, path):
    for options in (
        {},
        {"headers": {"X-Meticulous-Token": "x" * 43}},
        {"headers": {"X-Meticulous-Token": "ü".encode()}},
        {"headers": {"Cookie": f"meticulous-{page.server.port}={page.token[:-1]}"}},
        {"headers": {"Cookie": f"other={page.token}"}},
    ):
        response = page.stranger.get(path, **options)
        assert response.status_code == 403
        if path == "/":  # where people come with an old bookmark
            assert response.headers["content-type"] == "text/plain; charset=utf-8"
            assert "\nOpen the address that 'meticulous ui' printed" in response.text
        else:
            assert response.json()["error"]["hint"].startswith("Open the address")
        assert page.token not in response.text


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "evil.example:8765", "", "127.0.0.1@evil.example",
     "localhost.evil", "127.0.0.1/x", "[::2]", "0.0.0.0", "127.0.0.1:x", "2130706433"],
)  # fmt: skip
def test_other_host_names_get_nothing(page, path, host):
    response = page.client.get(path, headers={"Host": host})
    assert response.status_code in (400, 403), host
    assert "alert" not in response.text


def test_hosts_of_this_machine_are_known_by_any_port(page):
    for host in ("127.0.0.1:9000", "localhost", "LOCALHOST:1", f"[::1]:{page.server.port}"):
        assert page.client.get("/api/store", headers={"Host": host}).status_code == 200, host
    token = f"X-Meticulous-Token: {page.token}"
    two = raw(page, "GET /api/store HTTP/1.1", "Host: 127.0.0.1", "Host: evil.example", token)
    assert " 400 " in two.split("\r\n")[0] or " 403 " in two.split("\r\n")[0]


@pytest.mark.parametrize("path", ROUTES)
def test_pages_of_other_origins_get_nothing(page, path):
    port = page.server.port
    for origin in (
        "http://evil.example",
        "null",
        f"http://127.0.0.1:{port + 1}",
        f"http://localhost:{port}",
        f"http://127.0.0.1:{port}.evil.example",
        "file://",
        "",
    ):
        response = page.client.get(path, headers={"Origin": origin})
        assert response.status_code == 403, origin
        assert not any(name.startswith("access-control") for name in response.headers)
    for site in ("cross-site", "same-site"):
        response = page.client.get(path, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "cors"})
        assert response.status_code == 403
    own = {"Origin": page.url, "Sec-Fetch-Site": "same-origin"}
    assert page.client.get("/api/store", headers=own).status_code == 200
    assert page.client.options("/api/store", headers=own).status_code == 405


def test_the_first_visit_gets_a_cookie_that_reads_and_writes_nothing(page, root):
    response = page.stranger.get("/", params={"token": page.token})
    cookie = response.headers["set-cookie"]
    assert f"meticulous-{page.server.port}={page.token}" in cookie
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/" in cookie
    alone = {"Cookie": cookie.partition(";")[0]}
    assert page.stranger.get("/api/store", headers=alone).status_code == 200
    path = "/api/experiments/1/annotations"
    body = {"action": "tag", "value": "stolen"}
    assert page.stranger.post(path, headers=alone, json=body).status_code == 403
    assert page.stranger.post(f"{path}?token={page.token}", json=body).status_code == 403
    page.stranger.cookies.clear()
    assert page.stranger.get("/api/store", params={"token": page.token}).status_code == 403
    assert "stolen" not in (root / "1" / "annotations.json").read_text()


@pytest.mark.parametrize("path", [*ROUTES, "/api/experiments/1/file?path=real.png"])
def test_every_answer_says_what_it_is_and_forbids_the_rest(page, path):
    if path == "/api/events":
        with page.client.stream("GET", path) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
    else:
        response = page.client.get(path)
    headers = response.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"
    assert "server" not in headers
    assert not any(name.startswith("access-control") for name in headers)
    sandboxed = "file?path" in path
    assert (headers["content-security-policy"] == CSP) is not sandboxed
    if "/api/" in path:
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("name", "kind", "shown"),
    [
        ("page.html", "text/plain", False),
        ("lies.png", "text/plain", False),
        ("code.js", "text/plain", False),
        ("feed.xml", "text/plain", False),
        ("drawing.svg", "image/svg+xml", False),
        ("real.png", "image/png", True),
        ("sound.wav", "audio/wav", True),
        ("args.json", "text/plain", False),
        ("inner/deep.txt", "text/plain", False),
        ('a"b\r\nSet-Cookie: x=y;<b>.txt', "text/plain", False),
    ],
)
def test_files_are_inert(page, name, kind, shown):
    response = page.client.get("/api/experiments/1/file", params={"path": name})
    assert response.status_code == 200
    headers = response.headers
    assert headers["content-type"].partition(";")[0] == kind
    assert headers["content-disposition"].startswith("inline" if shown else "attachment")
    assert "sandbox" in headers["content-security-policy"] and "set-cookie" not in headers
    assert "script-src" not in headers["content-security-policy"]


def test_parts_of_files_are_sent(page):
    def part(wanted):
        path = "/api/experiments/1/file"
        return page.client.get(path, params={"path": "sound.wav"}, headers={"Range": wanted})

    whole = part("")
    assert whole.status_code == 200 and len(whole.content) == 5016
    first = part("bytes=0-3")
    assert (first.status_code, first.content) == (206, b"RIFF")
    assert first.headers["content-range"] == "bytes 0-3/5016"
    assert part("bytes=5000-").headers["content-range"] == "bytes 5000-5015/5016"
    assert len(part("bytes=-10").content) == 10
    for odd in ("bytes=9999-", f"bytes={'9' * 30}-"):
        assert part(odd).status_code == 416
    for odd in ("bytes=3-1,5-6", "lines=1-2", "bytes=x-y", "bytes=-"):
        assert part(odd).status_code == 200


OUT = [
    "../secret.txt", "../../secret.txt", "inner/../../2/args.json", "/etc/passwd", "link.txt",
    "up/secret.txt", "fifo", "inner", ".", "..", "", "inner//deep.txt", "./args.json", "x\0y",
    "..\\secret.txt", "%2e%2e/secret.txt", "....//secret.txt", "~/x", "file:///etc/passwd",
    "inner/deep.txt/", "args.json/..", "C:\\x", "\u2025/secret.txt",
]  # fmt: skip


@pytest.mark.parametrize("path", OUT)
@pytest.mark.parametrize("question", ["file", "preview"])
def test_no_path_leads_out_of_the_folder(page, path, question):
    response = page.client.get(f"/api/experiments/1/{question}", params={"path": path})
    assert response.status_code in (400, 404), response.text
    assert "secret" not in response.text.replace("secret.txt", "")


@pytest.mark.parametrize(
    "target",
    [
        "/../secret.txt", "/..%2fsecret.txt", "/%2e%2e/%2e%2e/etc/passwd", "/assets/../../api.py",
        "/api/experiments/..%2f1/file?path=args.json", "/api/experiments/../../secret.txt",
        "/api/experiments/1%00/files", "//etc/passwd", "/\\etc\\passwd", "/api/experiments/%2e%2e",
        "/static/../server.py", "/api/experiments/.trash/files",
    ],
)  # fmt: skip
def test_no_address_leads_out_of_the_page(page, target):
    answer = raw(
        page, f"GET {target} HTTP/1.1", "Host: 127.0.0.1", f"X-Meticulous-Token: {page.token}"
    )
    assert answer.split(" ")[1] in ("400", "404"), answer[:200]
    assert "secret" not in answer.replace("secret.txt", "") and "root:" not in answer


def test_text_of_records_stays_text(page):
    for path in (
        "experiments/1",
        "rows",
        "columns",
        "experiments/1/console",
        "experiments/1/files",
    ):
        response = page.client.get(f"/api/{path}")
        assert response.headers["content-type"] == "application/json"
        assert SCRIPT in json.dumps(response.json()) or path.endswith("files")


def test_only_what_is_meant_can_be_done(page, root):
    before = (root / "1" / "annotations.json").read_bytes()
    path = "/api/experiments/1/annotations"
    good = {"action": "tag", "value": "x"}
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "POST"):
        assert page.client.request(method, "/api/store").status_code == 405
        assert page.client.request(method, "/").status_code == 405
    for method in ("GET", "PUT", "DELETE"):
        assert page.client.request(method, path).status_code == 405
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = page.client.post(path, content=json.dumps(good), headers={"Content-Type": kind})
        assert answer.status_code == 415, kind
    for origin in ("http://evil.example", "null"):
        assert page.client.post(path, json=good, headers={"Origin": origin}).status_code == 403
    as_json = {"Content-Type": "application/json"}
    for body, status in (
        (b"{", 400), (b"[]", 400), (b"{}", 400), (b'{"action":"tag"}', 400), (b"\xff", 400),
        (b'{"action":"rm","value":"x"}', 400), (b'{"action":"tag","value":"x","z":1}', 400),
        (b"[" * 50_000, 400), (b'{"action":"note","value":"' + b"x" * 70_000 + b'"}', 413),
    ):  # fmt: skip
        assert page.client.post(path, content=body, headers=as_json).status_code == status, body[
            :30
        ]
    assert page.tell("2", "tag", "x").status_code == 404
    assert (root / "1" / "annotations.json").read_bytes() == before


def test_writing_works_with_the_token_and_not_when_read_only(tmp_path):
    root = tmp_path / "experiments"
    write_record(root, "1")
    with serving(root, read_only=True) as page:
        assert page.ask("store")["read_only"] is True
        answer = page.tell("1", "tag", "x")
        assert answer.status_code == 403 and "--read-only" in answer.json()["error"]["message"]
    assert not (root / "1" / "annotations.json").exists()
    with serving(root) as page:
        answer = page.tell("1", "tag", "x", headers={"Origin": page.url})
        assert answer.json()["annotations"]["tags"] == ["x"]
        assert page.ask("rows", columns="tags")["cells"] == [[["x"]]]


def test_a_named_host_needs_the_token_too(tmp_path):
    root = tmp_path / "experiments"
    write_record(root, "1")
    with serving(root, names=["lab.example.org"]) as page:
        named = {"Host": "lab.example.org:8765"}
        assert page.client.get("/api/store", headers=named).status_code == 200
        assert page.stranger.get("/api/store", headers=named).status_code == 403
        other = {"Host": "other.example.org"}
        assert page.client.get("/api/store", headers=other).status_code == 403
