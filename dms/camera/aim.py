"""Is the camera mounted well? Face size, position and light in words, and the picture as text.

For the installer, locally: nothing is stored or sent unless a file is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dms.camera.stillness import flat_hint, flat_value
from dms.settings import setting, settings
from dms.values import Box, DriverObservation, Gray

_SHADES = " .:-=+*#%@"
_CELL = 2.1  # a terminal's character is about twice as high as wide


@settings
class AimSettings:
    """What a good view of the driver is."""

    smallest_face_px: int = setting(
        110, gt=0, unit="px", text="face width below which eyes are too small to judge"
    )
    largest_face_share: float = setting(
        0.6, gt=0, le=1, text="face width over picture width above which the head leaves the view"
    )
    margin_share: float = setting(
        0.08, ge=0, lt=0.5, text="room between face and the picture's edge, of its size"
    )
    darkest: float = setting(50.0, ge=0, unit="gray", text="mean gray of the face, below: too dark")
    brightest: float = setting(200.0, le=255, unit="gray", text="mean gray above: too bright")
    clipped_share: float = setting(
        0.1, gt=0, le=1, text="share of the face's pixels at 250 and up: overexposed"
    )
    steepest_deg: float = setting(
        25.0, gt=0, unit="deg", text="yaw or pitch of a driver looking ahead beyond which eyes hide"
    )


@dataclass(frozen=True, slots=True)
class Aim:
    """The verdict on one frame: what to change, empty where all is well."""

    face: Box | None
    advice: tuple[str, ...]

    @property
    def good(self) -> bool:
        """True where nothing needs changing."""
        return not self.advice


def judge(gray: Gray, seen: DriverObservation, settings: AimSettings) -> Aim:
    """Return what to change about camera, light or picture. ``gray``: (H, W) uint8."""
    if seen.face is None:
        level = float(gray.mean())
        why = seen.unseen.value.replace("_", " ") if seen.unseen else "no face"
        light = "" if 20 < level < 235 else f"; the picture's mean is {level:.0f} of 255"
        told = f"No face ({why}{light}): point the camera at the driver's head."
        value = flat_value(gray)
        if value is not None:
            told += f" Every pixel is {value}: {flat_hint(value)}."
        return Aim(None, (told,))
    advice = [*_place(gray, seen.face, settings), *_light(gray, seen.face, settings)]
    pose = seen.pose
    if pose is not None and max(abs(pose.yaw_deg), abs(pose.pitch_deg)) > settings.steepest_deg:
        advice.append(
            f"The head is seen at yaw {pose.yaw_deg:+.0f}, pitch {pose.pitch_deg:+.0f} deg: if "
            "the driver looks ahead now, mount the camera closer to that line."
        )
    return Aim(seen.face, tuple(advice))


def _place(gray: Gray, face: Box, settings: AimSettings) -> list[str]:
    height, width = gray.shape
    advice = []
    if face.width < settings.smallest_face_px:
        advice.append(
            f"The face is {face.width:.0f} px wide, at least {settings.smallest_face_px} are "
            "needed: come closer, use a longer lens or a larger picture."
        )
    if face.width > settings.largest_face_share * width:
        advice.append("The face fills the picture: move the camera back.")
    room = {
        "left": face.x / width,
        "right": 1 - (face.x + face.width) / width,
        "top": face.y / height,
        "bottom": 1 - (face.y + face.height) / height,
    }
    side = min(room, key=lambda name: room[name])
    if room[side] < settings.margin_share:
        advice.append(f"The face is at the {side} edge: turn the camera that way.")
    return advice


def _light(gray: Gray, face: Box, settings: AimSettings) -> list[str]:
    left, top = max(int(face.x), 0), max(int(face.y), 0)
    patch = gray[top : int(face.y + face.height), left : int(face.x + face.width)]
    if patch.size == 0:
        return []
    level, clipped = float(patch.mean()), float((patch >= 250).mean())
    if clipped > settings.clipped_share or level > settings.brightest:
        return [f"The face is too bright ({level:.0f} of 255, {clipped:.0%} white): less exposure."]
    if level < settings.darkest:
        return [f"The face is too dark ({level:.0f} of 255): more light or exposure."]
    return []


def as_text(gray: Gray, face: Box | None, columns: int = 72, lines: int = 45) -> str:
    """Return the picture in characters, the face's box drawn in, for a terminal over SSH."""
    height, width = gray.shape
    columns = max(min(columns, round(lines * _CELL * width / height)), 8)
    rows = max(round(height / width * columns / _CELL), 1)
    small = cv2.resize(gray, (columns, rows), interpolation=cv2.INTER_AREA)
    shades = np.array(list(_SHADES))[(small.astype(int) * len(_SHADES)) // 256]
    if face is not None:
        left, right = (
            int(np.clip(x * columns / width, 0, columns - 1)) for x in (face.x, face.x + face.width)
        )
        top, bottom = (
            int(np.clip(y * rows / height, 0, rows - 1)) for y in (face.y, face.y + face.height)
        )
        shades[[top, bottom], left : right + 1] = "-"
        shades[top : bottom + 1, [left, right]] = "|"
        shades[[top, top, bottom, bottom], [left, right, left, right]] = "+"
    return "\n".join("".join(row) for row in shades)


def as_picture(gray: Gray, aim: Aim) -> Gray:
    """Return the picture with the face's box drawn in, white where good, else black on white."""
    drawn: Gray = gray.copy()
    if aim.face is not None:
        first = (round(aim.face.x), round(aim.face.y))
        second = (round(aim.face.x + aim.face.width), round(aim.face.y + aim.face.height))
        cv2.rectangle(drawn, first, second, 255, 5)
        cv2.rectangle(drawn, first, second, 255 if aim.good else 0, 1)
    return drawn
