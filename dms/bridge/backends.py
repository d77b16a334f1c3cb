"""Which bridge: names mapped lazily to ``module:Class``."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from dms.bridge.bridge import Bridge
from dms.bridge.settings import BridgeSettings
from dms.errors import ConfigError

KINDS = {
    "virtual": "dms.bridge.canbridge:CanBridge",
    "slcan": "dms.bridge.canbridge:CanBridge",
    "socketcan": "dms.bridge.canbridge:CanBridge",
    "udp_multicast": "dms.bridge.canbridge:CanBridge",
    "mqtt": "dms.bridge.mqtt:MqttBridge",
    "sound": "dms.bridge.sound:SoundBridge",
    "gpio": "dms.bridge.gpio:GpioBridge",
}


def open_bridge(chosen: BridgeSettings) -> Bridge:
    """Make the bridge of ``chosen.kind``; it opens on ``with`` or ``open()``.

    Raises ConfigError for an unknown kind or a class that cannot be loaded or made.
    """
    make: Callable[[BridgeSettings], Bridge] = bridge_class(chosen)
    try:
        return make(chosen)
    except TypeError as error:
        if chosen.kind in KINDS:
            raise
        raise ConfigError(
            f"bridge {chosen.kind!r} cannot be made with its item of bridges as the only "
            f"argument: {error}"
        ) from error


def bridge_class(chosen: BridgeSettings) -> type[Bridge]:
    """Return the class behind ``chosen.kind``; raises ConfigError as :func:`open_bridge`."""
    target = KINDS.get(chosen.kind, chosen.kind)
    module, colon, name = target.partition(":")
    if not colon:
        raise ConfigError(
            f"unknown bridge {chosen.kind!r}; choose one of {', '.join(KINDS)} or module:Class"
        )
    try:
        made: Any = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"bridge {target!r} cannot be loaded: {error}; the folder of a module of your own must "
            "stand on PYTHONPATH"
        ) from error
    if not (isinstance(made, type) and issubclass(made, Bridge)):
        raise ConfigError(f"{target!r} is not a dms.bridge.bridge.Bridge; derive it from one")
    return made
