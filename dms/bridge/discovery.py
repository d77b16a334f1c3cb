"""Home Assistant's MQTT discovery: retained messages that say which topics are which sensor. Pure.

Format: Home Assistant's documentation of the MQTT integration, "MQTT discovery".
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from dms import __version__

_DMS, _DRIVER = "Vehicle/ADAS/DMS", "Vehicle/Driver"
# name, topic below the prefix, component, and what else its configuration says
_SENSORS: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ("Camera on", f"{_DMS}/IsCameraOn", "binary_sensor", {"device_class": "running"}),
    ("Warning", f"{_DMS}/IsWarning", "binary_sensor", {"device_class": "safety"}),
    ("Fault", f"{_DMS}/IsError", "binary_sensor", {"device_class": "problem"}),
    ("Eyes on road", f"{_DRIVER}/IsEyesOnRoad", "binary_sensor", {}),
    ("Alert level", f"{_DMS}/AlertLevel", "sensor", {"state_class": "measurement"}),
    ("Alert", f"{_DMS}/AlertKind", "sensor", {}),
    ("Health", f"{_DMS}/Health", "sensor", {}),
    ("Fatigue", f"{_DRIVER}/FatigueLevel", "sensor", {"unit_of_measurement": "%"}),
    ("Distraction", f"{_DRIVER}/DistractionLevel", "sensor", {"unit_of_measurement": "%"}),
)


def configurations(discovery: str, prefix: str, device: str) -> Iterator[tuple[str, str]]:
    """Yield topic and payload of each sensor's configuration, to be retained.

    ``discovery`` is Home Assistant's prefix, ``prefix`` ours, ``device`` this device's own name.
    """
    for name, topic, component, more in _SENSORS:
        key = name.lower().replace(" ", "_")
        said: dict[str, object] = {
            "name": name,
            "unique_id": f"{device}_{key}",
            "state_topic": f"{prefix}/{topic}",
            "value_template": "{{ value_json.value }}",
            "availability_topic": f"{prefix}/status",
            "availability_template": "{{ value_json.value }}",
            "device": {
                "identifiers": [device],
                "name": "Driver monitoring",
                "sw_version": __version__,
            },
            **more,
        }
        if component == "binary_sensor":  # JSON's true comes out of the template as Python's
            said |= {"payload_on": "True", "payload_off": "False"}
        yield f"{discovery}/{component}/{device}/{key}/config", json.dumps(said)
