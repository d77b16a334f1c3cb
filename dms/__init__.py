"""dms watches a driver on infrared video for fatigue, distraction and road rage.

``for step in dms.watch("drive.mp4")`` takes a recording or a camera through the very chain that
runs in the vehicle. The names in ``__all__`` are stable; each is loaded when first asked for, so
that importing dms loads neither OpenCV nor dlib, ONNX Runtime or CAN.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dms import bench
    from dms.bridge.bridge import Bridge
    from dms.camera.camera import Camera
    from dms.config import Settings
    from dms.config import load as load_settings
    from dms.engine.engine import Engine
    from dms.errors import (
        BridgeError,
        CameraError,
        CameraLostError,
        ConfigError,
        DamagedError,
        DmsError,
        EngineError,
        StoreError,
    )
    from dms.values import (
        DriverObservation,
        DriverState,
        Event,
        Fault,
        Frame,
        Kind,
        Level,
        Moment,
        Step,
    )
    from dms.watching import replay, watch

__version__ = "0.2.0"

# ONNX Runtime's newer wheels keep a device id in the home folder and upload usage over
# HTTPS from threads of their own, as soon as they are imported. Nothing leaves this process.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__all__ = [
    "Bridge", "BridgeError", "Camera", "CameraError", "CameraLostError", "ConfigError",
    "DamagedError", "DmsError", "DriverObservation", "DriverState", "Engine", "EngineError",
    "Event", "Fault", "Frame", "Kind", "Level", "Moment", "Settings", "Step", "StoreError", "bench",
    "load_settings", "replay", "watch",
]  # fmt: skip
_ELSEWHERE = {
    "watch": "dms.watching:watch",
    "replay": "dms.watching:replay",
    "load_settings": "dms.config:load",
    "Settings": "dms.config:Settings",
    "Bridge": "dms.bridge.bridge:Bridge",
    "Camera": "dms.camera.camera:Camera",
    "Engine": "dms.engine.engine:Engine",
}


def __getattr__(name: str) -> Any:
    """Load a name of the public face when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module 'dms' has no attribute {name!r}")
    if name == "bench":
        return import_module("dms.bench")
    room = "errors" if name.endswith("Error") else "values"
    module, _, base = _ELSEWHERE.get(name, f"dms.{room}:{name}").partition(":")
    found = getattr(import_module(module), base)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
