"""Settings of the MQTT bridge, apart from it so that they load without an MQTT client."""

from __future__ import annotations

from dms.settings import setting, settings


@settings
class MqttSettings:
    """Broker, security and topics."""

    host: str = setting("localhost", text="broker")
    port: int = setting(1883, gt=0, le=65535, source="IANA", text="8883 is usual with TLS")
    prefix: str = setting("dms", text="first part of every topic")
    client_id: str = setting(
        "", text="name at the broker, one for each device; empty: made from /etc/machine-id"
    )
    username: str = setting("", text="empty: anonymous")
    password_file: str = setting("", text="file with the password alone; keep it at mode 0600")
    ca_file: str = setting(
        "",
        text="certificate authority; given, TLS is used, without it a password goes in clear text",
    )
    certificate_file: str = setting("", text="client certificate, with key_file")
    key_file: str = setting("", text="key of the client certificate")
    discovery: str = setting(
        "", text="Home Assistant's discovery prefix, usually homeassistant; empty: not told"
    )
    period_s: float = setting(0.5, unit="s", gt=0, le=10, text="how often changed values are sent")
    queue: int = setting(256, ge=8, le=65536, unit="messages", text="alerts kept while offline")
    keepalive_s: int = setting(
        5, unit="s", ge=2, le=600, text="the last will is sent after 1.5 x this"
    )
    retry_s: float = setting(
        1.0, unit="s", gt=0, le=1, source="issue: at most 1 s", text="reconnect"
    )
