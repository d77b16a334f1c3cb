"""All settings in one tree, from a YAML file and ``--set`` overrides, or the built-in values."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import TypeAdapter

from dms.bridge import BridgeSettings
from dms.bus.settings import BusSettings
from dms.camera.exposure import ExposureSettings
from dms.camera.settings import CameraSettings
from dms.decision.settings import CoreSettings
from dms.errors import ConfigError
from dms.monitor import MonitorSettings
from dms.perception.expression import ExpressionSettings
from dms.perception.landmarks import LandmarkSettings
from dms.perception.perception import PerceptionSettings
from dms.service.lamp import LampSettings
from dms.service.restarts import RestartSettings
from dms.service.status import StartSettings
from dms.service.watchdog import LivenessSettings
from dms.settings import OWN_ESTIMATE, setting, settings
from dms.store.clips import ClipSettings
from dms.store.drivers import DriverSettings
from dms.store.events import StoreSettings
from dms.vehicle import VehicleSettings
from dms.yamlfile import as_data, load_data, parse, read


@settings
class NetSettings:
    """Which nets run, and on what."""

    expression: str | None = setting(
        "expression", text="net of engines/ that scores the expression; null: none"
    )
    eye_state: str | None = setting(
        "eye_state", text="net of engines/ that tells open from closed eyes; null: none"
    )
    mouth: str | None = setting(
        "mouth", text="net of engines/ that tells a yawn, always on the CPU; null: lips alone"
    )
    backend: Literal["onnxruntime", "tensorrt"] = setting(
        "onnxruntime", text="what runs the nets: onnxruntime (CPU) or tensorrt (Jetson)"
    )
    dla_core: int | None = setting(
        None,
        ge=0,
        le=1,
        text="with TensorRT 10.0 to 10.7: this DLA core, in FP16, instead of the GPU",
    )
    precision: Literal["int8", "fp32", "int8-qdq"] = setting("int8", text="which file of a net")
    reading: ExpressionSettings = ExpressionSettings()


@settings
class ServiceSettings:
    """The service that systemd runs; the other commands do not use these."""

    start: StartSettings = StartSettings()
    liveness: LivenessSettings = LivenessSettings()
    restarts: RestartSettings = RestartSettings()
    store: StoreSettings = StoreSettings()
    exposure: ExposureSettings = ExposureSettings()
    lamp: LampSettings = LampSettings()
    clips: ClipSettings = ClipSettings()


@settings
class Settings:
    """Everything that can be set; each part is described where it is used."""

    camera: CameraSettings = CameraSettings()
    landmarks: LandmarkSettings = LandmarkSettings()
    nets: NetSettings = NetSettings()
    perception: PerceptionSettings = PerceptionSettings()
    core: CoreSettings = CoreSettings()
    driver: DriverSettings = DriverSettings()
    monitor: MonitorSettings = MonitorSettings()
    bridges: tuple[BridgeSettings, ...] = setting(
        (BridgeSettings(),),
        text="ways out to the vehicle, a list; see docs/vehicle.md",
    )
    vehicle: VehicleSettings = VehicleSettings()
    service: ServiceSettings = ServiceSettings()

    def __post_init__(self) -> None:
        silent_s, camera_s = self.camera.silent_s, self.service.liveness.camera_s
        if silent_s >= camera_s:  # a silent camera would be a hanging stage, started again for ever
            raise ValueError(
                "camera.silent_s must be less than service.liveness.camera_s, got "
                f"{silent_s:g} and {camera_s:g}"
            )


ADAPTER = TypeAdapter(Settings)
_STEPPED = ("seat", "closure", "blinks", "perclos", "distraction")
_OURS = {field.name for field in fields(BridgeSettings)} - {f.name for f in fields(BusSettings)}
_MOVED = {
    "perception.face.vacant_round_s": "is gone; see perception.face.vacant",
    **{f"core.{part}.longest_step_s": "is now core.longest_step_s; set that" for part in _STEPPED},
    **{f"vehicle.bus.{key}": "means nothing on a bus that is only listened to" for key in _OURS},
}


def load(path: Path | None = None, overrides: Sequence[str] = ()) -> Settings:
    """Return the settings of ``path`` with ``overrides`` ("a.b=value", value in YAML) on top.

    Raises ConfigError that names file, line, key, expected and actual value of every fault.
    """
    if isinstance(overrides, str):
        raise ConfigError(f"overrides must be a list, as in [{overrides!r}]")
    if not isinstance(overrides, Iterable):
        words = type(overrides).__name__
        raise ConfigError(f"overrides must be a list, as in ['camera.fps=15'], not {words}")
    content, lines = ({}, {(): 1}) if path is None else read(path)
    if content is None:
        content = {}
    content = _without_bare_groups(content, Settings())
    for override in overrides:
        _override(content, override)
    return load_data(content, ADAPTER, str(path or "settings"), lines if path else None, _MOVED)


def chosen(config: str | os.PathLike[str] | Settings | None, overrides: Sequence[str]) -> Settings:
    """Return settings that are made already, or those of a file with ``overrides`` on top.

    Raises ConfigError where the file cannot be used, or made settings are to be overridden.
    """
    if not isinstance(config, Settings):
        if not isinstance(config, str | os.PathLike | None):
            raise ConfigError(
                f"the settings are of type {type(config).__name__}; give the path of a file, or "
                "Settings as of load_settings"
            )
        return load(None if config is None else Path(config), overrides)
    if overrides:
        raise ConfigError("overrides change a file of settings; give these to load_settings")
    return config


def located(error: ConfigError, path: Path | None) -> str:
    """Return the words of ``error`` behind file and line of the setting that it names."""
    if error.parts:
        return "\n".join(located(part, path) for part in error.parts)
    if path is None or not error.key:
        return str(error)
    _, lines = read(path)
    known = next(
        (error.key[:n] for n in range(len(error.key), 0, -1) if error.key[:n] in lines), ()
    )
    return f"{path}:{lines[known]}: {error}" if known else str(error)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the settings file, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **ADAPTER.json_schema(),
        "title": "dms settings",
    }


def example() -> str:
    """Return a settings file with every default, commented with meaning, unit, limits, source."""
    head = [
        "# Every setting of dms with its default; keep only the lines that you change.",
        "# Check with: dms config check --config FILE",
    ]
    return "\n".join([*head, *_commented(Settings(), "")]) + "\n"


def _without_bare_groups(content: Any, defaults: Any) -> Any:
    """Return ``content`` with a group that has nothing below it as an empty one."""
    if not isinstance(content, dict):
        return content
    groups = {
        field.name: now
        for field in fields(defaults)
        if is_dataclass(now := getattr(defaults, field.name))
    }
    return {
        key: _without_bare_groups({} if value is None else value, groups[key])
        if key in groups
        else value
        for key, value in content.items()
    }


def _override(content: Any, override: str) -> None:
    key, equals, text = str(override).partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set {override!r}: write it as key=value, as in camera.fps=15")
    if not isinstance(content, dict):
        raise ConfigError("the settings file must hold keys and values")
    *parents, last = key.strip().split(".")
    for parent in parents:
        content = content.setdefault(parent, {})
        if not isinstance(content, dict):
            raise ConfigError(f"--set {key}: {parent} is not a group of settings")
    try:
        content[last] = parse(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"--set {key}: {text!r} is not a YAML value") from error


def _commented(value: Any, indent: str) -> Iterator[str]:
    for field in fields(value):
        now = getattr(value, field.name)
        if is_dataclass(now) and not isinstance(now, type):
            text = (type(now).__doc__ or "").strip().splitlines()[0]
            yield f"{indent}# {text}"
            yield f"{indent}{field.name}:"
            yield from _commented(now, indent + "  ")
            continue
        yield f"{indent}# {_description(field)}"
        if isinstance(now, tuple) and any(map(is_dataclass, now)):
            yield f"{indent}{field.name}:"
            for item in now:
                yield f"{indent}  -"
                yield from _commented(item, indent + "    ")
            continue
        plain = yaml.safe_dump(as_data(now), default_flow_style=True, width=10_000)
        yield f"{indent}{field.name}: {plain.removesuffix('...' + chr(10)).strip()}"


def _description(field: Any) -> str:
    info = field.default if field.default is not MISSING else None
    extra = getattr(info, "json_schema_extra", None) or {}
    text = getattr(info, "description", "") or field.name.replace("_", " ")
    if extra.get("unit"):
        text += f" [{extra['unit']}]"
    limits = ", ".join(_limits(getattr(info, "metadata", ())))
    if limits:
        text += f", {limits}"
    if extra.get("unit") or extra.get("source", OWN_ESTIMATE) != OWN_ESTIMATE:
        text += f"; source: {extra['source']}"
    return text


def _limits(metadata: Sequence[Any]) -> Iterator[str]:
    for limit in metadata:
        for name, sign in (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<=")):
            value = getattr(limit, name, None)
            if value is not None:
                yield f"{sign} {value}"
