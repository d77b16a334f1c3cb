"""Reads OpenLABEL (ASAM) annotations as the DMD data set of Vicomtech uses them, and its older VCD.

DMD stores actions with a type and frame intervals, both ends inclusive. Closures and looks away get
the alert's name only where they last long enough for its rule.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dms.errors import ConfigError
from dms.labels import Label, Labels, Stretch, Truth, sort_labels
from dms.profiles import EURO_NCAP_2026, Rules
from dms.values import Kind

FPS = 29.97  # DMD's RealSense cameras; the video's own rate is better
_STRETCHES = {
    "eyes_state/close": Truth.EYES_CLOSED,
    "eyes_state/open": Truth.EYES_OPEN,
    "gaze_on_road/looking_road": Truth.ROAD,
    "gaze_on_road/not_looking_road": Truth.AWAY,
}
_BLINK = "blinks/blinking"
_YAWN = "yawning/"
# An annotation level that occurs at all was annotated throughout: what it lacks did not happen.
_LEVELS = {
    "blinks/": (Kind.BLINK,),
    "yawning/": (Kind.YAWN,),
    "eyes_state/": (Kind.MICROSLEEP, Kind.SLEEP),
    "gaze_on_road/": (Kind.DISTRACTION,),
}


def is_openlabel(path: Path) -> bool:
    """Tell whether a file is named as OpenLABEL labels: ``.openlabel.json``, or DMD's ``_ann_``."""
    return path.suffix == ".json" and (".openlabel" in path.name or "_ann_" in path.name)


def load_openlabel(path: Path, fps: float = FPS, rules: Rules = EURO_NCAP_2026) -> Labels:
    """Read the labels of one recording; frames become seconds by the video's ``fps``.

    Raises ConfigError where the file is no OpenLABEL or an interval cannot be used.
    """
    root = _root(path)
    shift = _shift(root)
    stretches: list[Stretch] = []
    events: list[Label] = []
    kinds: set[Kind] = set()
    for name, action in _actions(path, root):
        kinds.update(k for level, told in _LEVELS.items() if name.startswith(level) for k in told)
        for start_s, end_s in _intervals(path, name, action, fps, shift):
            if name in _STRETCHES:
                stretches.append(Stretch(_STRETCHES[name], start_s, end_s))
            elif name == _BLINK:
                events.append(Label(Kind.BLINK, start_s, end_s))
            elif name.startswith(_YAWN):
                events.append(Label(Kind.YAWN, start_s, end_s, note=name.removeprefix(_YAWN)))
    stretches = _joined(stretches)
    events += [label for stretch in stretches for label in _alerts(stretch, rules)]
    return Labels(path.stem, sort_labels(events), frozenset(kinds), tuple(stretches))


def _root(path: Path) -> Mapping[str, Any]:
    try:
        thing = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; check the path") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON: {error}") from error
    for name in ("openlabel", "vcd"):
        if isinstance(thing, dict) and isinstance(thing.get(name), dict):
            root: dict[str, Any] = thing[name]
            return root
    raise ConfigError(f"{path} is not OpenLABEL: it has no 'openlabel' at the top")


def _actions(path: Path, root: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    actions = root.get("actions", {})
    if not isinstance(actions, dict):
        raise ConfigError(f"{path}: 'actions' is not a mapping of actions")
    for key, action in actions.items():
        if not isinstance(action, dict) or not isinstance(action.get("type"), str):
            raise ConfigError(f"{path}: action {key!r} has no type")
        yield action["type"], action


def _intervals(
    path: Path, name: str, action: Mapping[str, Any], fps: float, shift: int
) -> Iterable[tuple[float, float]]:
    """Yield the seconds of an action's frames; what lies before the face video starts is cut."""
    for interval in action.get("frame_intervals", ()):
        try:
            first, last = int(interval["frame_start"]), int(interval["frame_end"])
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"{path}: {name}: {interval!r} is not a frame interval") from error
        if last < first:
            raise ConfigError(f"{path}: {name}: frame {last} ends before frame {first} starts")
        if last >= shift:
            yield max(first - shift, 0) / fps, (last + 1 - shift) / fps


def _shift(root: Mapping[str, Any]) -> int:
    """Return by how many frames the face camera started after the annotation's own count."""
    part: Any = root
    for key in ("streams", "face_camera", "stream_properties", "sync", "frame_shift"):
        part = part.get(key) if isinstance(part, dict) else None
    return part if isinstance(part, int) else 0


def _joined(stretches: list[Stretch]) -> list[Stretch]:
    """Join touching stretches of the same truth, as two annotated pieces of one closure."""
    joined: list[Stretch] = []
    for one in sorted(stretches, key=lambda one: (one.truth, one.start_s)):
        last = joined[-1] if joined else None
        if last and last.truth is one.truth and one.start_s <= last.end_s + 1e-6:
            joined[-1] = Stretch(one.truth, last.start_s, max(last.end_s, one.end_s))
        else:
            joined.append(one)
    return sorted(joined, key=lambda one: (one.start_s, one.truth))


def _alerts(stretch: Stretch, rules: Rules) -> list[Label]:
    length_s = stretch.end_s - stretch.start_s
    limits: tuple[tuple[Kind, float], ...] = ()
    if stretch.truth is Truth.EYES_CLOSED:
        limits = ((Kind.MICROSLEEP, rules.microsleep_s), (Kind.SLEEP, rules.sleep_s))
    elif stretch.truth is Truth.AWAY:
        limits = ((Kind.DISTRACTION, rules.distraction_s),)
    return [
        Label(kind, stretch.start_s, stretch.end_s) for kind, limit in limits if length_s >= limit
    ]
