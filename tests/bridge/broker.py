"""A real mosquitto on a loopback port, for tests."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

PLACE = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Broker:
    """Started by entering; ``lines`` are added to its configuration."""

    def __init__(self, folder: Path, lines: str = "allow_anonymous true") -> None:
        if PLACE is None:
            pytest.skip("mosquitto is not installed (apt-get install mosquitto)")
        self.port = free_port()
        self.file = folder / "mosquitto.conf"
        self.file.write_text(f"user root\nlistener {self.port} 127.0.0.1\n{lines}\n")
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [PLACE, "-c", str(self.file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError("mosquitto did not start")

    def stop(self, *, kindly: bool = False) -> None:
        """Kill it; ``kindly`` it may write down its sessions first, if it was told where."""
        if self._process:
            self._process.terminate() if kindly else self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Broker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Listener:
    """An independent client that keeps what it hears as (topic, payload, qos, retain).

    With the name of a ``session`` the broker keeps for it what it misses.
    """

    def __init__(
        self, port: int, topic: str = "#", user: str = "", password: str = "", session: str = ""
    ) -> None:
        self.heard: list[tuple[str, dict, int, bool]] = []
        self._ready = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=session, clean_session=not session
        )
        self._client.reconnect_delay_set(0.05, 0.2)
        if user:
            self._client.username_pw_set(user, password)
        self._client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(60)

    def _on_message(self, _client, _data, message) -> None:
        self.heard.append((message.topic, json.loads(message.payload), message.qos, message.retain))

    def say(self, topic: str, payload: object, *, retain: bool = False) -> None:
        text = payload if isinstance(payload, (str, bytes)) else json.dumps(payload)
        self._client.publish(topic, text, qos=1, retain=retain).wait_for_publish(60)

    def of(self, topic: str) -> list[dict]:
        return [payload for where, payload, *_ in self.heard if where == topic]

    def last(self, topic: str) -> dict | None:
        return self.of(topic)[-1] if self.of(topic) else None

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def until(true, seconds=120.0):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return true()
