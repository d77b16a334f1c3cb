import contextlib
import http.client
import socket

import pytest

pytest.importorskip("starlette", reason="the extra 'dashboard' is not installed")
pytest.importorskip("uvicorn", reason="the extra 'dashboard' is not installed")

from dms.dashboard.feed import ServiceFeed
from dms.dashboard.server import is_loopback, make_app
from tests.dashboard.conftest import wait


@pytest.fixture
def ask(tmp_path, served):
    """Return what asks a server: ask(path, token=..., **headers) -> (status, headers, text)."""
    servers = []

    def asked(path, token=None, method="GET", **headers):
        app = make_app(ServiceFeed(tmp_path / "none"), token, ["localhost"])
        with served(app) as server:
            servers.append(server)
            web = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
            web.request(method, path, headers={"Host": "localhost", **headers})
            answer = web.getresponse()
            text = (
                answer.read(20_000).decode()
                if answer.status != 200 or "/stream" not in path
                else ""
            )
            told = dict(answer.getheaders())
            web.close()
        return answer.status, told, text

    return asked


def test_page_and_its_parts_are_served_with_safe_headers(ask):
    for path in ("/", "/page.css", "/page.js"):
        status, headers, text = ask(path)
        assert status == 200
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "//" not in text.replace("data:,", "")  # nothing from elsewhere


def test_another_host_name_is_refused(ask):
    assert ask("/", Host="evil.example")[0] == 400


def test_a_token_is_needed_where_one_is_set(ask):
    for path in ("/", "/page.js", "/stream", "/?token=wrong"):
        assert ask(path, token="secret")[0] == 401
    status, headers, _ = ask("/?token=secret", token="secret")
    assert status == 200
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert ask("/page.js", token="secret", Cookie=cookie.split(";")[0])[0] == 200


def test_nothing_can_be_sent(ask):
    assert ask("/", method="POST")[0] == 405


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("cabin", False)],
)
def test_loopback(host, local):
    assert is_loopback(host) is local


@pytest.mark.parametrize("path", [
    "/../server.py", "/..%2f..%2f..%2fetc%2fpasswd", "/page.html/../server.py", "//etc/passwd",
    "/%2e%2e/feed.py", "/page.js%00.css", "/page.css/../../feed.py", "/page.html", "/etc/passwd",
])  # fmt: skip
def test_paths_lead_to_no_other_file(ask, path):
    assert ask(path)[0] in {400, 404}


def test_a_page_from_elsewhere_may_not_read_it(ask):
    for path in ("/", "/stream"):
        _, headers, _ = ask(path, Origin="https://evil.example")
        assert not [name for name in headers if name.startswith("access-control")]
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert ask("/", method="OPTIONS", Origin="https://evil.example")[0] == 405


def test_oversized_requests_are_refused_and_slow_ones_hold_up_nobody(tmp_path, served):
    app = make_app(ServiceFeed(tmp_path / "none"), None, ["localhost"])
    with served(app) as server:
        slow = []
        for _ in range(20):
            link = socket.create_connection(("127.0.0.1", server.port), 60)
            link.sendall(b"GET / HTTP/1.1\r\nHost: local")  # and never more
            slow.append(link)
        for request in (
            b"GET /" + b"a" * 40_000,
            b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 40_000,
        ):
            with socket.create_connection(("127.0.0.1", server.port), 60) as link:
                link.sendall(request)
                assert link.recv(100).startswith(b"HTTP/1.1 400")
        web = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        web.request("GET", "/", headers={"Host": "localhost"})
        assert web.getresponse().status == 200
        web.close()
        web.request("POST", "/", body=b"x" * 1_000_000, headers={"Host": "localhost"})
        assert web.getresponse().status == 405
        web.close()
        for link in slow:
            link.close()


def test_a_long_address_is_refused_even_in_one_piece(tmp_path, served):
    app = make_app(ServiceFeed(tmp_path / "none"), None, ["localhost"])
    with served(app) as server:
        for head in (
            b"GET /?" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        ):
            with socket.create_connection(("127.0.0.1", server.port), 60) as link:
                with contextlib.suppress(OSError):
                    link.sendall(head)
                assert link.recv(100).startswith(b"HTTP/1.1 400")


def test_the_owner_of_the_token_gets_in_while_strangers_fill_the_places(tmp_path, served):
    app = make_app(ServiceFeed(tmp_path / "none"), "secret", ["localhost"])
    with served(app) as server, contextlib.ExitStack() as stack:

        def call():
            link = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 60))
            link.sendall(b"GET / HTTP/1.1\r\nHost: local")
            return link

        streams = []
        for _ in range(3):
            for _ in range(30):
                call()
            stream = stack.enter_context(
                contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60))
            )
            stream.request("GET", "/stream?token=secret", headers={"Host": "localhost"})
            streams.append(stream.getresponse())
            assert streams[-1].status == 200
        for _ in range(90):
            call()
        for stream in streams:  # no stranger has pushed them out
            assert stream.readline().startswith(b"retry")


def test_the_cookie_is_for_tls_alone_where_a_proxy_speaks_it(ask):
    _, plain, _ = ask("/?token=secret", token="secret")
    _, proxied, _ = ask("/?token=secret", token="secret", **{"X-Forwarded-Proto": "https"})
    assert "secure" not in plain["set-cookie"].lower()
    for flag in ("secure", "httponly", "samesite=strict", "path=/"):
        assert flag in proxied["set-cookie"].lower()


def test_who_never_ends_a_request_keeps_nobody_out_for_long(tmp_path, served, monkeypatch):
    monkeypatch.setattr("dms.dashboard.server._HEAD_S", 1.0)
    app = make_app(ServiceFeed(tmp_path / "none"), None, ["localhost"])
    with served(app) as server, contextlib.ExitStack() as stack:
        for _ in range(70):  # more than are served at once
            link = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 60))
            link.sendall(b"GET / HTTP/1.1\r\nHost: local")

        def answered():
            web = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
            with contextlib.closing(web):
                web.request("GET", "/", headers={"Host": "localhost"})
                return web.getresponse().status == 200

        wait(answered)
