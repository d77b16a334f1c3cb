"""The live page's server on a free port, as `dms dashboard` runs it."""

import importlib
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
        uvicorn = importlib.import_module("uvicorn")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        config = uvicorn.Config(app, port=self.port, log_level="error", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
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
