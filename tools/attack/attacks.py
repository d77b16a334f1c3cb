"""The attacks: each runs for seconds and returns what is wrong after it, None if nothing is."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from tools.attack.target import ROOT, Target

SECONDS = 8.0
Attack = Callable[[Target], "str | None"]


def _for(seconds: float = SECONDS) -> Iterator[int]:
    """Count for so long; an attack is bounded in time and number."""
    end_s, number = time.monotonic() + seconds, 0
    while time.monotonic() < end_s and number < 1_000_000:
        yield number
        number += 1


def mqtt_huge(target: Target) -> str | None:
    """Send 75 MB of brackets as one command, and a few more of 5 MB."""
    assert target.listener is not None
    before = len(target.listener.heard)
    for size in (75_000_000, 5_000_000, 5_000_000):
        target.listener.say("dms/command", b"[" * size)
    answered = target.wait(lambda: len(target.listener.heard) >= before + 3, 30.0)  # type: ignore[union-attr]
    return None if answered else "the command was not answered"


def mqtt_flood(target: Target) -> str | None:
    """Send commands as fast as the broker takes them."""
    assert target.listener is not None
    before = len(target.listener.heard)
    number = 0
    for number in _for():
        target.listener.say("dms/command", {"id": "x" * 3000, "rage": bool(number % 2)})
    # Refused commands are answered at a rate, the first hundreds of them at once.
    wanted = min(number / 2, 400)
    target.wait(lambda: len(target.listener.heard) > before + number, 5.0)  # type: ignore[union-attr]
    answers = [one[1] for one in target.listener.heard[before:]]
    accepted = sum(one["answer"] == "accepted" for one in answers)
    if len(answers) < wanted:
        return f"only {len(answers)} of {number + 1} commands were answered"
    if accepted > 20 * (SECONDS + 3):
        return f"{accepted} commands were accepted"
    return None if max(len(json.dumps(one)) for one in answers) < 500 else "an id was not cut"


def mqtt_blink(target: Target) -> str | None:
    """Pause for privacy and resume in turn: the camera must not be opened all the time."""
    assert target.listener is not None
    before = target.count()["opened"]
    for number in _for():
        wish = {"pause": not number % 2, "pause_reason": "privacy"}
        target.listener.say("dms/command", wish)
        time.sleep(0.1)
    time.sleep(1.5)
    target.listener.say("dms/command", {"pause": False})
    seen = target.count()["judged"]
    back = target.wait(lambda: target.count()["judged"] > seen + 15, 20.0)
    opened = target.count()["opened"] - before
    if opened > 2 + SECONDS / 4:
        return f"the camera was opened {opened:.0f} times"
    return None if back else "the camera did not come back"


def broker_flaps(target: Target) -> str | None:
    """Stop and start the broker again and again."""
    assert target.broker is not None
    before, losses = target.stored("fault"), 0
    for number in _for(12.0):
        losses = number + 1
        target.broker.stop()
        time.sleep(0.1)
        target.broker.start()
        time.sleep(0.3)
    time.sleep(2.0)
    stored = target.stored("fault") - before
    return None if stored <= 6 else f"{losses} losses stored {stored} events"


def can_flood(target: Target) -> str | None:
    """Send frames, garbage and damaged commands over the serial adapter."""
    lines = (
        b"t4048" + b"00" * 8 + b"\r", b"t4048" + b"FF" * 8 + b"\r", b"t7A08" + b"11" * 8 + b"\r",
        b"garbage" * 20 + b"\r", b"\xff\x00\x1b" * 30, b"t7FF8" + b"AA" * 8 + b"\r",
    )  # fmt: skip
    for number in _for():
        _inject(target, lines[number % len(lines)])
        if not number % 10:
            time.sleep(0.005)  # some 40 kB/s, four times what a serial line carries
    frames = len(target.adapter.frames)
    spoken = target.wait(lambda: len(target.adapter.frames) > frames + 10, 20.0)
    return None if spoken else "the bus is silent"


def _inject(target: Target, data: bytes) -> None:
    """Write as the adapter, where the line has room."""
    if select.select([], [target.adapter.master], [], 0.1)[1]:
        target.adapter.write(data)


def uds_flood(target: Target) -> str | None:
    """Ask for fault codes and clear them, with transfers that never end between."""
    requests = (b"t7A08031902FF00000000\r", b"t7A080414FFFFFF000000\r", b"t7A0810FF190200000000\r",
                b"t7A0821000000000000000\r", b"t7A083000000000000000\r")  # fmt: skip
    for number in _for():
        _inject(target, requests[number % len(requests)])
        time.sleep(0.002)
    frames = len(target.adapter.frames)
    spoken = target.wait(lambda: len(target.adapter.frames) > frames + 10, 20.0)
    return None if spoken else "the bus is silent"


def view_flood(target: Target) -> str | None:
    """Call the view's socket without end, and keep calls that never read."""
    lazy = []
    for number in _for():
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(0.05)
        with contextlib.suppress(OSError):
            link.connect(str(target.view))
        if number % 3:
            link.close()
        else:
            lazy.append(link)
        for old in lazy[:-200]:
            old.close()
        lazy = lazy[-200:]
        time.sleep(0.001)
    for link in lazy:
        link.close()
    return _seen(target)


def no_descriptors(target: Target) -> str | None:
    """Leave the process no file descriptor for some seconds."""
    assert target.process is not None
    pid = target.process.pid
    used = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
    whole = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, whole[1]))
    for _ in _for(5.0):
        with socket.socket(socket.AF_UNIX) as link, contextlib.suppress(OSError):
            link.settimeout(0.05)
            link.connect(str(target.view))
        time.sleep(0.02)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, whole)
    return _seen(target)


def second_instance(target: Target) -> str | None:
    """Start the service a second time in the same folders, and end it again."""
    environment = {**os.environ, "RUNTIME_DIRECTORY": str(target.run), "PYTHONPATH": str(ROOT),
                   "STATE_DIRECTORY": str(target.folder / "second")}  # fmt: skip
    words = [sys.executable, "-m", "tools.attack.victim", str(target.folder / "second-counts")]
    words.append(str(target.settings_file))
    with subprocess.Popen(words, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as second:  # fmt: skip
        time.sleep(SECONDS)
        second.terminate()
        second.wait(20)
    return _seen(target)


def bad_reloads(target: Target) -> str | None:
    """Ask for reloads with settings that are refused: files, pipes, bombs, sizes."""
    (target.folder / "secret-key").write_text("no PEM")
    tls = [{"ca_file": str(target.folder / name)} for name in ("none", "run", "secret-key")]
    bad: list[object] = [
        {"bridges": [{"kind": "mqtt", "mqtt": {"host": "127.0.0.1", **one}}]} for one in tls
    ]
    bad += ["[" * 1_000_000, "a: &a [1,2]\n" + "b: [*a]\n" * 10, "\x00\x01", "x: 1\n" * 50_000,
            "camera: {source: 5}\n" + "# fill\n" * 200_000]  # fmt: skip
    for content in bad:
        target.write(content)  # type: ignore[arg-type]
        refused = target.journal().count("The settings are refused")
        target.reload()
        said = target.wait(
            lambda was=refused: target.journal().count("The settings are refused") > was, 30.0
        )
        if not said:
            target.write()
            return f"not refused: {str(content)[:60]}"
    target.settings_file.unlink()
    os.mkfifo(target.settings_file)
    refused = target.journal().count("The settings are refused")
    target.reload()
    said = target.wait(lambda: target.journal().count("The settings are refused") > refused, 40.0)
    target.write()
    return None if said else "a pipe as settings file was not refused"


def reload_storm(target: Target) -> str | None:
    """Ask for reloads as fast as signals come."""
    target.write()
    read = target.journal().count("settings were read again")
    for _ in _for(4.0):
        target.reload()
        time.sleep(0.005)
    done = target.wait(lambda: target.journal().count("settings were read again") > read, 30.0)
    return None if done else "no reload came through"


def live_page(target: Target) -> str | None:
    """Fill the live page's places, send it endless heads, and let its owner in."""
    words = [sys.executable, "-m", "dms.cli", "dashboard", "--socket", str(target.view),
             "--port", "0", "--token", "t0ken"]  # fmt: skip
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, env={
        **os.environ, "PYTHONPATH": str(ROOT)}) as page:  # fmt: skip
        assert page.stdout is not None
        line = page.stdout.readline().decode()
        try:
            return _page_attacked(int(line.rsplit(":", 1)[1].split("/")[0]))
        finally:
            page.terminate()
            page.wait(10)


def _page_attacked(port: int) -> str | None:
    calls: list[socket.socket] = []
    wrong = None
    for number in _for(SECONDS / 2):
        with contextlib.suppress(OSError):
            call = socket.create_connection(("127.0.0.1", port), 1.0)
            calls.append(call)
            long = b"GET /?" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
            call.sendall(b"GET / HTTP/1.1\r\nHost: l" if number % 2 else long)
        for old in calls[:-100]:
            old.close()
        calls = calls[-100:]
        time.sleep(0.01)
        if number % 50 == 49:
            with socket.create_connection(("127.0.0.1", port), 5.0) as owner:
                owner.sendall(b"GET /?token=t0ken HTTP/1.1\r\nHost: localhost\r\n\r\n")
                if not owner.recv(100).startswith(b"HTTP/1.1 200"):
                    wrong = "the owner was kept out"
    for call in calls:
        call.close()
    return wrong


def _seen(target: Target) -> str | None:
    """Say where the view does not show numbers again soon."""

    def shown() -> bool:
        with socket.socket(socket.AF_UNIX) as link, contextlib.suppress(OSError):
            link.settimeout(2.0)
            link.connect(str(target.view))
            return b'"t_s"' in link.recv(4096)
        return False

    return None if target.wait(shown, 15.0) else "the view shows nothing"


BLINDING = ("mqtt_blink",)  # closes the camera, as it asks for
ALL: dict[str, Attack] = {
    "mqtt_huge": mqtt_huge, "mqtt_flood": mqtt_flood, "mqtt_blink": mqtt_blink,
    "broker_flaps": broker_flaps, "can_flood": can_flood, "uds_flood": uds_flood,
    "view_flood": view_flood, "no_descriptors": no_descriptors,
    "second_instance": second_instance, "bad_reloads": bad_reloads, "reload_storm": reload_storm,
    "live_page": live_page,
}  # fmt: skip
