"""A server in this process, and what a browser or a program would send to it."""

import contextlib
import threading

import httpx

from meticulous.experiments import Experiments
from meticulous.web.api import Api
from meticulous.web.server import Server


class Page:
    """A running server with a client that has the token."""

    def __init__(self, server):
        self.server = server
        self.url = f"http://127.0.0.1:{server.port}"
        self.token = server.token
        self.client = httpx.Client(
            base_url=self.url, headers={"X-Meticulous-Token": self.token}, timeout=30
        )
        self.stranger = httpx.Client(base_url=self.url, timeout=30)

    def ask(self, path, **parameters):
        """The answer to a question, which has to be one."""
        response = self.client.get(f"/api/{path}", params=parameters)
        assert response.status_code == 200, response.text
        answer = response.json()
        assert answer.pop("schema") == 1
        (value,) = answer.values()
        return value

    def tell(self, expid, action, value, **options):
        path = f"/api/experiments/{expid}/annotations"
        return self.client.post(path, json={"action": action, "value": value}, **options)


@contextlib.contextmanager
def serving(root, *, read_only=False, **options):
    """Serve a store until the block ends."""
    api = Api(Experiments("", str(root)), read_only, "test")
    server = Server(api, **options)
    thread = threading.Thread(target=server.run, kwargs={"signals": False})
    thread.start()
    page = Page(server)
    try:
        yield page
    finally:
        page.client.close()
        page.stranger.close()
        server.stop()
        thread.join(20)
        assert not thread.is_alive(), "the server does not end"
