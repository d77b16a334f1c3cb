"""The live page's server on a free port, as `dms dashboard` runs it."""

import socket
import threading
import time

import pytest


def wait(true, seconds=120.0):
    """Wait until ``true()`` holds; fail after ``seconds``."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("waited in vain")


class Server:
    """uvicorn in a thread."""

    def __init__(self, app):
        from dms.dashboard.server import make_server

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._server = make_server(app, port=self.port)
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self):
        self._thread.start()
        wait(lambda: self._server.started)
        return self

    def __exit__(self, *_):
        self._server.should_exit = True
        self._thread.join(120)


@pytest.fixture
def served():
    """Return what serves an application: ``with served(app) as server: server.port``."""
    return Server
