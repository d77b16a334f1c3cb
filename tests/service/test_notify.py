import os
import socket
import threading
from contextlib import ExitStack

import pytest

from dms.service.notify import Notifier


@pytest.fixture
def inbox(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.bind(str(tmp_path / "notify"))
        link.settimeout(2)
        yield link


def sent(inbox):
    return inbox.recv(4096).decode()


def test_messages_are_what_systemd_documents(inbox):
    notifier = Notifier({"NOTIFY_SOCKET": inbox.getsockname()})
    notifier.ready()
    notifier.alive()
    notifier.hung()
    notifier.reloading()
    notifier.stopping()
    notifier.extend(1.5)
    told = [sent(inbox) for _ in range(6)]
    assert told == [
        "READY=1", "WATCHDOG=1", "WATCHDOG=trigger", "RELOADING=1", "STOPPING=1",
        "EXTEND_TIMEOUT_USEC=1500000",
    ]  # fmt: skip


def test_a_status_is_one_line_and_sent_once(inbox):
    notifier = Notifier({"NOTIFY_SOCKET": inbox.getsockname()})
    notifier.status("degraded:\ncamera")
    notifier.status("degraded:\ncamera")
    notifier.status("running")
    assert [sent(inbox), sent(inbox)] == ["STATUS=degraded: camera", "STATUS=running"]


def test_an_abstract_address_is_reached():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.bind("\0dms-test-notify")
        link.settimeout(2)
        Notifier({"NOTIFY_SOCKET": "@dms-test-notify"}).ready()
        assert sent(link) == "READY=1"


def test_without_systemd_nothing_happens_and_a_lost_socket_is_told_once(caplog, tmp_path):
    Notifier({}).ready()
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")})
    notifier.ready()
    notifier.alive()
    assert len(caplog.records) == 1


def test_the_watchdog_time_counts_only_for_this_process():
    mine = {"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid())}
    assert Notifier(mine).watchdog_s == 10.0
    assert Notifier({**mine, "WATCHDOG_PID": "1"}).watchdog_s == 0.0
    assert Notifier({}).watchdog_s == 0.0


def test_the_watchdog_is_lengthened_only_where_there_is_one(inbox):
    environment = {"NOTIFY_SOCKET": inbox.getsockname(), "WATCHDOG_USEC": "10000000"}
    notifier = Notifier(environment)
    with notifier.allowing(60.0):
        assert sent(inbox) == "WATCHDOG_USEC=70000000"
    assert sent(inbox) == "WATCHDOG_USEC=10000000"
    with Notifier({"NOTIFY_SOCKET": inbox.getsockname()}).allowing(60.0):
        pass
    inbox.setblocking(False)
    with pytest.raises(BlockingIOError):
        sent(inbox)


def test_of_two_that_load_at_once_the_first_to_end_leaves_the_other_its_time(inbox):
    environment = {"NOTIFY_SOCKET": inbox.getsockname(), "WATCHDOG_USEC": "10000000"}
    notifier = Notifier(environment)
    with ExitStack() as loop:
        loop.enter_context(notifier.allowing(60.0))
        with notifier.allowing(30.0):
            pass
        whole = [sent(inbox) for _ in range(3)]
    assert whole == ["WATCHDOG_USEC=70000000"] * 3
    assert sent(inbox) == "WATCHDOG_USEC=10000000"


def test_what_is_allowed_last_is_sent_last(inbox, monkeypatch):
    environment = {"NOTIFY_SOCKET": inbox.getsockname(), "WATCHDOG_USEC": "10000000"}
    notifier = Notifier(environment)
    other = threading.Thread(target=notifier.allowing(90.0).__enter__, daemon=True)
    send = notifier._send

    def preempted(message):
        monkeypatch.setattr(notifier, "_send", send)
        other.start()
        other.join(0.5)  # it may not send before this one has
        send(message)

    monkeypatch.setattr(notifier, "_send", preempted)
    with notifier.allowing(60.0):
        other.join(60)
        assert [sent(inbox), sent(inbox)] == ["WATCHDOG_USEC=70000000", "WATCHDOG_USEC=100000000"]
