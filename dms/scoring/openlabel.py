"""Reads OpenLABEL (ASAM) annotations as the DMD data set of Vicomtech uses them, and its older VCD.

DMD stores actions with a type and frame intervals, both ends inclusive, counted in the mosaic of
its three cameras. Closures and looks away get the alert's name only where they last long enough for
its rule. Names and shifts are those of DMD's own annotation and export tools.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dms.decision.profiles import EURO_NCAP_2026, Rules
from dms.errors import ConfigError
from dms.scoring.labels import Label, Labels, Stretch, Truth, sort_labels
from dms.values import Kind

FPS = 29.76  # as DMD's own export tool assumes; the video's own rate is better
_STRETCHES = {
    "eyes_state/close": Truth.EYES_CLOSED,
    "eyes_state/open": Truth.EYES_OPEN,
    "gaze_on_road/looking_road": Truth.ROAD,
    "gaze_on_road/not_looking_road": Truth.AWAY,
    "gaze_zone/front": Truth.ROAD,
    "gaze_zone/front_right": Truth.ROAD,
}
_ZONES_AWAY = (
    "left_mirror", "left", "center_mirror", "right_mirror", "right", "infotainment",
    "steering_wheel",
)  # fmt: skip
_STRETCHES |= {f"gaze_zone/{zone}": Truth.AWAY for zone in _ZONES_AWAY}
_EACH_EYE = ("eye_state_right", "eye_state_left")  # newer annotations: a state of its own each
_BLINK = "blinks/blinking"
_YAWN = "yawning/"
# An annotation level that occurs at all was annotated throughout: what it lacks did not happen.
_LEVELS = {
    "blinks/": (Kind.BLINK,),
    "yawning/": (Kind.YAWN,),
    "eyes_state/": (Kind.MICROSLEEP, Kind.SLEEP),
    "eye_state_right/": (Kind.MICROSLEEP, Kind.SLEEP),
    "gaze_on_road/": (Kind.DISTRACTION,),
    "gaze_zone/": (Kind.DISTRACTION,),
}
# Of a DMD session, gA_1_s5_<time>_rgb_face.mp4 is what this system looks at.
_FACE = re.compile(r"(?P<session>.+)_(?:rgb|ir)_face$")
_OTHER_VIEW = re.compile(
    r"g[A-Z]_\d+_s\d+_.+_(?:(?:rgb|ir|depth)_(?:body|hands|mosaic)|depth_face)$"
)
_GROUPS = ("glasses", "gender", "setup", "weather", "experience", "drive_freq")


def is_openlabel(path: Path) -> bool:
    """Tell whether a file is named as OpenLABEL labels: ``.openlabel.json``, or DMD's ``_ann_``."""
    return path.suffix == ".json" and (".openlabel" in path.name or "_ann_" in path.name)


def annotations_beside(recording: Path) -> list[Path]:
    """Return DMD's annotations of the session that a face video belongs to, in order of name."""
    named = _FACE.match(recording.stem)
    if named is None:
        return []
    start = f"{named['session']}_rgb_ann_"
    return sorted(path for path in recording.parent.glob("*.json") if path.name.startswith(start))


def is_other_view(recording: Path) -> bool:
    """Tell whether a video is one of DMD's that does not look at the face."""
    return _OTHER_VIEW.match(recording.stem) is not None


def groups_of(path: Path) -> dict[str, str]:
    """Return what the annotation says of the driver and the drive: glasses, gender, setup, weather.

    Raises ConfigError where the file is no OpenLABEL.
    """
    root = _root(path)
    told: dict[str, str] = {}
    for things, data in (("objects", "object_data"), ("contexts", "context_data")):
        for element in _mapping(root, things).values():
            for values in _mapping(element, data).values():
                for one in values if isinstance(values, list) else ():
                    if isinstance(one, dict) and one.get("name") in _GROUPS:
                        told.setdefault(str(one["name"]), group_word(one.get("val")))
    return told


def merged(parts: Sequence[Labels]) -> Labels:
    """Return the labels of several annotations of one recording as one."""
    return Labels(
        parts[0].recording,
        sort_labels([label for part in parts for label in part.events]),
        frozenset().union(*(part.kinds for part in parts)),
        tuple(sorted((s for part in parts for s in part.stretches), key=_by_time)),
    )


def load_openlabel(path: Path, fps: float = FPS, rules: Rules = EURO_NCAP_2026) -> Labels:
    """Read the labels of one recording; frames become seconds by the video's ``fps``.

    Raises ConfigError where the file is no OpenLABEL or an interval cannot be used.
    """
    root = _root(path)
    shift = _shift(root)
    stretches: list[Stretch] = []
    events: list[Label] = []
    kinds: set[Kind] = set()
    each_eye: dict[str, list[tuple[float, float]]] = {}
    for name, action in _actions(path, root):
        kinds.update(k for level, told in _LEVELS.items() if name.startswith(level) for k in told)
        for start_s, end_s in _intervals(path, name, action, fps, shift):
            if name in _STRETCHES:
                stretches.append(Stretch(_STRETCHES[name], start_s, end_s))
            elif name == _BLINK:
                events.append(Label(Kind.BLINK, start_s, end_s))
            elif name.startswith(_YAWN):
                events.append(Label(Kind.YAWN, start_s, end_s, note=name.removeprefix(_YAWN)))
            elif name.startswith(_EACH_EYE):
                each_eye.setdefault(name, []).append((start_s, end_s))
    stretches = _joined([*stretches, *_both_eyes(each_eye)])
    events += [label for stretch in stretches for label in _alerts(stretch, rules)]
    return Labels(path.stem, sort_labels(events), frozenset(kinds), tuple(stretches))


def _root(path: Path) -> Mapping[str, Any]:
    try:
        thing = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; check the path") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON: {error}") from error
    for name in ("openlabel", "vcd"):
        if isinstance(thing, dict) and isinstance(thing.get(name), dict):
            root: dict[str, Any] = thing[name]
            return root
    raise ConfigError(f"{path} is not OpenLABEL: it has no 'openlabel' at the top")


def _mapping(thing: Any, name: str) -> Mapping[str, Any]:
    """Return a part that is a mapping; an empty one where it is missing or something else."""
    part = thing.get(name) if isinstance(thing, dict) else None
    return part if isinstance(part, dict) else {}


def _actions(path: Path, root: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    actions = root.get("actions") or {}
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
    intervals = action.get("frame_intervals") or ()
    if not isinstance(intervals, (list, tuple)):
        raise ConfigError(f"{path}: {name}: 'frame_intervals' is no list")
    for interval in intervals:
        try:
            first, last = int(interval["frame_start"]), int(interval["frame_end"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ConfigError(f"{path}: {name}: {interval!r} is not a frame interval") from error
        if last < first:
            raise ConfigError(f"{path}: {name}: frame {last} ends before frame {first} starts")
        if last >= shift:
            yield max(first - shift, 0) / fps, (last + 1 - shift) / fps


def _shift(root: Mapping[str, Any]) -> int:
    """Return by how many frames the face camera started after the mosaic that is annotated.

    The shifts of body and hands count from the face's start; a negative one started before it.
    """
    streams = root.get("streams") or _mapping(root, "metadata").get("streams")  # VCD 4.2
    shifts = []
    for stream in ("face_camera", "body_camera", "hands_camera"):
        part: Any = streams
        for key in (stream, "stream_properties", "sync", "frame_shift"):
            part = part.get(key) if isinstance(part, dict) else None
        shifts.append(part if isinstance(part, int) else 0)
    return shifts[0] or max(0, -min(shifts[1:]))


def _both_eyes(each: Mapping[str, list[tuple[float, float]]]) -> list[Stretch]:
    """Return when both eyes were closed, and when both were open."""
    stretches = []
    for state, truth in (("close", Truth.EYES_CLOSED), ("open", Truth.EYES_OPEN)):
        right, left = (each.get(f"{eye}/{state}", []) for eye in _EACH_EYE)
        for a_s, b_s in right:
            for c_s, d_s in left:
                if max(a_s, c_s) < min(b_s, d_s):
                    stretches.append(Stretch(truth, max(a_s, c_s), min(b_s, d_s)))
    return stretches


def group_word(value: object) -> str:
    """Return the value of a group as a word; a switch is yes or no."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _by_time(one: Stretch) -> tuple[float, str]:
    return one.start_s, one.truth.value


def _joined(stretches: list[Stretch]) -> list[Stretch]:
    """Join touching stretches of the same truth, as two annotated pieces of one closure."""
    joined: list[Stretch] = []
    for one in sorted(stretches, key=lambda one: (one.truth, one.start_s)):
        last = joined[-1] if joined else None
        if last and last.truth is one.truth and one.start_s <= last.end_s + 1e-6:
            joined[-1] = Stretch(one.truth, last.start_s, max(last.end_s, one.end_s))
        else:
            joined.append(one)
    return sorted(joined, key=_by_time)


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
