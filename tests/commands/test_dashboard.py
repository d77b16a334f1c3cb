import socket
import sys
import threading
import urllib.request

import pytest

from dms.cli import main
from dms.commands import dashboard
from dms.dashboard.server import listen


def test_a_missing_recording_ends_at_once(capsys):
    assert main(["dashboard", "--replay", "missing.mp4"]) == 3
    assert "no recording 'missing.mp4'" in capsys.readouterr().err


def test_a_taken_port_is_one_clear_sentence(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["dashboard", "--port", str(taken.getsockname()[1])]) == 2
    said = capsys.readouterr().err
    assert "choose another --host or --port" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--host", "0.0.0.0", "--token", ""], "--token is empty"),
        (["--speed", "nan"], "--speed"),
        (["--port", "65536"], "0 to 65535"),
    ],
)
def test_what_would_open_the_page_to_anyone_is_refused(words, told, capsys):
    assert main(["dashboard", "--port", "0", *words]) == 2
    assert told in capsys.readouterr().err


def test_without_its_extra_no_address_is_printed(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["dashboard", "--port", "0"]) == 2
    said = capsys.readouterr()
    assert "dms-jetson[dashboard]" in said.err
    assert said.out == ""


@pytest.mark.parametrize(("host", "has_token"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_the_printed_address_answers_from_the_start(host, has_token, capsys, monkeypatch, tmp_path):
    """Whoever clicks as soon as it is printed is not refused; elsewhere a token is needed."""
    heard = []

    def answer(feed, ear, host, token):
        url = capsys.readouterr().out.strip()
        port = url.split(":")[2].split("/")[0]
        with socket.create_connection(("127.0.0.1", int(port)), timeout=10):
            heard.append((url, token))

    monkeypatch.setattr(dashboard, "serve", answer)
    words = ["dashboard", "--socket", str(tmp_path / "none"), "--host", host, "--port", "0"]
    assert main(words) == 0
    [(url, token)] = heard
    assert (token is not None) is has_token
    assert url.endswith(f"/?token={token}" if has_token else "/")


def test_serving_ends_when_it_is_told_to(tmp_path, monkeypatch):
    uvicorn = pytest.importorskip("uvicorn", reason="the extra 'dashboard' is not installed")
    from dms.dashboard.feed import ServiceFeed
    from dms.dashboard.server import serve

    made = []
    server = uvicorn.Server
    monkeypatch.setattr(uvicorn, "Server", lambda config: made.append(server(config)) or made[0])
    with listen("127.0.0.1", 0) as ear, ServiceFeed(tmp_path / "none") as feed:
        thread = threading.Thread(target=serve, args=(feed, ear, "127.0.0.1", None))
        thread.start()
        try:
            url = f"http://127.0.0.1:{ear.getsockname()[1]}/"
            with urllib.request.urlopen(url, timeout=60) as page:
                assert page.status == 200
        finally:
            made[0].should_exit = True
            thread.join(60)
        assert not thread.is_alive()
