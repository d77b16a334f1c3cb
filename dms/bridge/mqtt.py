"""The MQTT bridge: VSS paths as retained topics, alerts at QoS 1, commands back.

paho's own thread does the network; publishing only queues. While the broker is away alerts wait in
a bounded queue and are sent later, marked late; of the signals only the newest are sent.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from dms.bridge import vss
from dms.bridge.alert_frames import Beginnings
from dms.bridge.bridge import Bridge
from dms.bridge.command_queue import RATE_HZ, Allowance, CommandQueue
from dms.bridge.device import device_name
from dms.bridge.discovery import configurations
from dms.bridge.mqtt_access import Access, access_of, in_clear_text, stamps
from dms.bridge.mqtt_command import LARGEST, command_of, refused
from dms.bridge.settings import BridgeSettings, MqttSettings
from dms.errors import BridgeError, ConfigError
from dms.files.events import event_object, rounded
from dms.values import ActiveAlert, Command, DriverState, Kind, Level, Scalar

_log = logging.getLogger(__name__)
_paho_log = logging.getLogger(f"{__name__}.paho")  # what it says of exceptions in our callbacks
_paho_log.addFilter(  # and not, at every retry, that a broker is away, which we told once
    lambda record: not record.getMessage().startswith("Client is not connected")
)
_CONNECT_S = 3.0  # how long opening waits for the broker's answer
_PATIENT_S = 0.3  # and where it goes on without: time for one that is on this machine
_CHUNK = 16_384  # bytes read at once
_REFUSALS_HZ, _REFUSALS = 2 * RATE_HZ, 400.0  # answers to refused commands a second, and at once
_UNCHANGED: object = object()


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class MqttBridge(Bridge):
    """One broker. ``clock`` returns the timestamp of a message in ISO 8601."""

    def __init__(self, settings: BridgeSettings, clock: Callable[[], str] = _now) -> None:
        self._wait = settings.wait
        self._settings = settings.mqtt
        _check(self._settings)
        self.name = f"mqtt {self._settings.host}:{self._settings.port}"
        self._clock = clock
        self._client: paho.Client | None = None
        self._connected = threading.Event()
        self._answered = threading.Event()
        self._fault: str | None = None
        self._read: tuple[object, ...] = ()  # stamps of the files behind this connection
        self._sent: dict[str, object] = {}
        self._waiting: deque[dict[str, Any]] = deque(maxlen=self._settings.queue)
        self._commands = CommandQueue()
        self._refusals = Allowance(_REFUSALS_HZ, _REFUSALS)
        self._due_s: float | None = None
        self._level = Level.NONE
        self._standing: dict[Kind, ActiveAlert] = {}
        self._begun = Beginnings()
        self._number = 0
        self.dropped = 0  # alerts that found the queue full

    def _topic(self, *parts: str) -> str:
        return "/".join((self._settings.prefix, *parts))

    @property
    def unwise(self) -> tuple[str, ...]:
        return tuple(in_clear_text(self._settings))

    def check(self) -> tuple[str, ...]:
        return access_of(self._settings).notes

    @property
    def stale(self) -> bool:
        return self._client is not None and self._read != stamps(self._settings)

    def open(self) -> None:
        self._read = stamps(self._settings)
        access = access_of(self._settings)
        for note in access.notes:
            _log.warning("%s: %s", self.name, note)
        client = _client(self._settings, access, self._topic("status"), self._clock)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe
        self._client = client
        where = (self._settings.host, self._settings.port, self._settings.keepalive_s)
        self._answered.clear()
        if self._wait:  # a broker or name server that is silent holds up paho's thread alone
            client.connect_async(*where)
            client.loop_start()
            self._answered.wait(_PATIENT_S)
            return
        try:
            client.connect(*where)
        except (OSError, ValueError) as error:
            self._client = None
            raise BridgeError(f"{self.name}: {error}; is the broker running?") from error
        client.loop_start()
        if not (self._answered.wait(_CONNECT_S) and self._connected.is_set()):
            fault = self._fault or "the broker does not answer"
            self.close()
            raise BridgeError(f"{self.name}: {fault}")

    @property
    def fault(self) -> str | None:
        return self._fault

    def publish(self, state: DriverState) -> None:
        client = self._client
        if client is None:
            return
        for alert in self._standing.values():
            if all(alert.kind is not other.kind for other in state.active):
                self._queue_end(alert, state.t_s)
        self._begun.take(state)
        self._standing = {alert.kind: alert for alert in state.active}
        for event in state.events:
            if event.level > Level.NONE:
                start_s = self._begun.raised(event, state)
                self._queue(
                    {**event_object(event), "start_s": rounded(start_s), "action": "raised"}
                )
        if not self._connected.is_set():
            return
        self._send_alerts(client)
        if self._due_s is not None and state.t_s < self._due_s - self._settings.period_s:
            self._due_s = None  # a new recording
        if self._due_s is None or state.t_s >= self._due_s or state.level != self._level:
            self._due_s = state.t_s + self._settings.period_s
            self._level = state.level
            self._send_values(client, state)

    def commands(self) -> tuple[Command, ...]:
        return self._commands.take()

    def close(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        if self._connected.is_set():
            self._send_off(client)
            told = client.publish(self._topic("status"), self._json("offline"), qos=1, retain=True)
            try:
                told.wait_for_publish(1.0)
            except (ValueError, RuntimeError) as error:
                _log.debug("%s: %s", self.name, error)
        client.disconnect()
        client.loop_stop()
        self._connected.clear()

    def _send_off(self, client: paho.Client) -> None:
        """Leave no retained "camera on" behind: of all that was sent, say that it is over."""
        for path, value in vss.off_values().items():
            if path in self._sent:
                said = self._json(value, None, "off" if value is None else None)
                client.publish(self._topic(*path.split(".")), said, retain=True)

    def _queue_end(self, alert: ActiveAlert, t_s: float) -> None:
        """Report that an alert is over, as a head unit that only reads alerts must know it."""
        self._queue(
            {
                "t_s": round(t_s, 4),
                "kind": alert.kind.value,
                "level": int(alert.level),
                "start_s": round(self._begun.of(alert), 4),
                "end_s": round(t_s, 4),
                "reason": alert.reason,
                "action": "ended",
            }
        )

    def _queue(self, said: dict[str, Any]) -> None:
        self._number += 1
        if len(self._waiting) == self._waiting.maxlen:
            self.dropped += 1
        self._waiting.append(
            {
                **said,
                "number": self._number,
                "timestamp": self._clock(),
                "late": not self._connected.is_set(),
            }
        )

    def _send_alerts(self, client: paho.Client) -> None:
        while self._waiting and self._connected.is_set():
            alert = self._waiting[0]
            told = client.publish(self._topic("alert"), json.dumps(alert), qos=1)
            if told.rc not in (paho.MQTT_ERR_SUCCESS, paho.MQTT_ERR_NO_CONN):
                return  # paho's queue is full: later
            self._waiting.popleft()  # from here paho repeats it until the broker has it

    def _send_values(self, client: paho.Client, state: DriverState) -> None:
        for path, value in vss.values(state).items():
            if self._sent.get(path, _UNCHANGED) == value:
                continue
            reason = vss.reason(path, state) if value is None else None
            told = client.publish(
                self._topic(*path.split(".")), self._json(value, state.t_s, reason), retain=True
            )
            if told.rc == paho.MQTT_ERR_SUCCESS:
                self._sent[path] = value

    def _json(self, value: Scalar, t_s: float | None = None, reason: str | None = None) -> str:
        said: dict[str, Scalar] = {"value": value, "timestamp": self._clock()}
        if t_s is not None:
            said["t_s"] = round(t_s, 3)
        if reason is not None:
            said["reason"] = reason
        return json.dumps(said, allow_nan=False)

    def _tell(self, fault: str) -> None:
        if self._fault is None:
            _log.warning("%s: %s", self.name, fault)
        self._fault = fault

    def _on_connect(
        self, client: paho.Client, _data: object, _flags: object, code: ReasonCode, _more: object
    ) -> None:
        if code.is_failure:
            self._tell(f"the broker refuses: {code}; check user, password file and its rights")
            self._answered.set()
            return
        if self._fault is not None:
            _log.info("%s is back", self.name)
        self._fault = None
        self._sent = {}  # the broker may have lost what it held
        self._due_s = None
        client.publish(self._topic("status"), self._json("online"), qos=1, retain=True)
        if self._settings.discovery:
            device = self._settings.client_id or device_name()
            prefix = self._settings.prefix
            for topic, said in configurations(self._settings.discovery, prefix, device):
                client.publish(topic, said, qos=1, retain=True)
        client.subscribe(self._topic("command"), qos=1)
        self._connected.set()

    def _on_connect_fail(self, _client: paho.Client, _data: object) -> None:
        error = sys.exc_info()[1]  # paho calls from where it caught it
        self._tell(f"no broker at {self._settings.host}:{self._settings.port}: {error}")
        self._answered.set()

    def _on_subscribe(
        self, _client: paho.Client, _data: object, _mid: int, codes: list[ReasonCode], _more: object
    ) -> None:
        if any(code.is_failure for code in codes):
            _log.warning("%s: no right to read %s", self.name, self._topic("command"))
        self._answered.set()

    def _on_disconnect(
        self, _client: paho.Client, _data: object, _flags: object, code: ReasonCode, _more: object
    ) -> None:
        was_connected = self._connected.is_set()
        self._connected.clear()
        if self._client is None:
            return
        if was_connected:
            self._tell(f"the broker is gone ({code}); alerts wait here")
        elif self._fault is None:  # a refusal has told its own reason
            self._tell(f"no answer as a broker gives it ({code}); check host, port and TLS")

    def _on_message(self, client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        if message.retain:
            return  # an old wish that the broker kept is no command
        command, answer = command_of(message.payload)
        if command is not None and not self._commands.put(command):
            reason = f"too many commands; {RATE_HZ:g} a second are taken"
            answer = refused(answer["id"], reason)
        if answer["answer"] == "refused" and not self._refusals.take():
            return
        client.publish(
            self._topic("command", "answer"),
            json.dumps({**answer, "timestamp": self._clock()}),
            qos=1,
        )


def _check(settings: MqttSettings) -> None:
    """Raise ConfigError for no host, or a prefix that is no topic to publish (MQTT 5, 4.7)."""
    prefix = settings.prefix
    if not settings.host.strip():
        raise ConfigError("mqtt.host is empty; give the broker's name or address")
    if "@" in settings.host or "/" in settings.host:
        raise ConfigError(
            "mqtt.host is a name or address alone; user and password go into mqtt.username and "
            "mqtt.password_file"
        )
    name, colon, port = settings.host.rpartition(":")
    if colon and port.isdecimal() and ":" not in name:
        raise ConfigError("mqtt.host is a name or address alone; its port goes into mqtt.port")
    if settings.host.startswith("["):
        raise ConfigError("mqtt.host: give an IPv6 address without brackets, as in ::1")
    try:
        settings.host.encode("idna")
    except UnicodeError as error:
        raise ConfigError(f"mqtt.host: {settings.host[:80]!r} is no name of a host") from error
    if not prefix or prefix.startswith("$") or set(prefix) & set("+#\0"):
        raise ConfigError(
            f"mqtt.prefix: {prefix!r} is no topic; it may hold no + or #, nor begin with $"
        )


class _BoundedClient(paho.Client):
    """Keeps only the beginning of what is too large to be a command, to be refused.

    MQTT allows messages of 256 MB, and paho would hold one whole.
    """

    def _sock_recv(self, bufsize: int) -> bytes:
        del self._in_packet["packet"][2 * LARGEST :]
        return super()._sock_recv(min(bufsize, _CHUNK))


def _client(
    settings: MqttSettings, access: Access, status: str, clock: Callable[[], str]
) -> paho.Client:
    name = settings.client_id or device_name()
    client = _BoundedClient(CallbackAPIVersion.VERSION2, client_id=name)
    client.max_queued_messages_set(settings.queue + 64)
    client.suppress_exceptions = True  # or one in a callback ends the network thread for good
    client.enable_logger(_paho_log)  # and tells it
    client.reconnect_delay_set(min(0.1, settings.retry_s), settings.retry_s)  # type: ignore[arg-type]
    client.connect_timeout = _CONNECT_S
    will = json.dumps({"value": "offline", "timestamp": clock(), "reason": "connection lost"})
    client.will_set(status, will, qos=1, retain=True)
    if settings.username:
        client.username_pw_set(settings.username, access.password)
    if access.tls is not None:
        client.tls_set_context(access.tls)
    return client
