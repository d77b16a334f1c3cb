"""Render the demonstration's cabin recording: a minute of infrared-looking video with exact labels.

No real recording may be shipped, so the public-domain portrait in scikit-image is animated
(:mod:`portrait`). Written are the film (Motion JPEG in AVI), its labels (events, YAML) and the
truth of every frame (CSV). The same seed gives the same frames.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from tools.rendering.portrait import HEIGHT, WIDTH, Portrait, Puppet

FPS = 30.0
SECONDS = 66.0
CLOSED = 0.8  # share of the eye covered from which it counts as closed (PERCLOS P80)
HALF = 0.5  # a blink's and a yawn's duration is measured at half its height
BLINK_EVERY_S = (2.3, 4.1)  # about 15 a minute
BLINK_S = (0.15, 0.22)


@dataclass(frozen=True, slots=True)
class Stroke:
    """A smooth excursion: rises over ``rise_s`` to ``height``, holds, falls over ``fall_s``."""

    start_s: float
    rise_s: float
    hold_s: float
    fall_s: float
    height: float = 1.0

    def at(self, t_s: float) -> float:
        """Value at an instant, 0 outside."""
        rise = min(max((t_s - self.start_s) / self.rise_s, 0.0), 1.0)
        down = self.start_s + self.rise_s + self.hold_s
        fall = min(max((t_s - down) / self.fall_s, 0.0), 1.0)
        return self.height * (_ease(rise) - _ease(fall))

    def span(self, share: float) -> tuple[float, float]:
        """Return when it is above ``share`` of its height: (start_s, end_s)."""
        part = _unease(share)
        down = self.start_s + self.rise_s + self.hold_s
        return self.start_s + part * self.rise_s, down + (1.0 - part) * self.fall_s


@dataclass(frozen=True, slots=True)
class Story:
    """All that happens, as strokes of one channel each."""

    lids: tuple[Stroke, ...]
    yawns: tuple[Stroke, ...]
    turns: tuple[Stroke, ...]  # height in degrees of yaw
    leans: tuple[Stroke, ...]  # 1 is out of view
    labels: tuple[dict[str, Any], ...]
    sway: Callable[[float], tuple[float, ...]] = field(repr=False)

    def puppet(self, t_s: float) -> Puppet:
        """How the puppet stands at an instant."""
        yaw, pitch, roll, right, down = self.sway(t_s)
        yawn = max(stroke.at(t_s) for stroke in self.yawns)
        lean = sum(stroke.at(t_s) for stroke in self.leans)
        lid = max(*(stroke.at(t_s) for stroke in self.lids), 0.2 * yawn)
        return Puppet(
            lid=lid,
            mouth=yawn,
            yaw_deg=yaw + sum(stroke.at(t_s) for stroke in self.turns),
            pitch_deg=pitch + 2.0 * yawn,
            roll_deg=roll - 22.0 * lean,
            right_px=right + 560.0 * lean,
            down_px=down + 90.0 * lean,
        )


def _ease(part: float) -> float:
    return part * part * (3.0 - 2.0 * part)


def _unease(value: float) -> float:
    """Invert :func:`_ease` on 0..1."""
    grid = np.linspace(0.0, 1.0, 2001)
    return float(np.interp(value, grid * grid * (3.0 - 2.0 * grid), grid))


MICROSLEEP = Stroke(10.0, 0.20, 1.55, 0.15)
YAWN = Stroke(17.0, 1.1, 2.9, 1.1)
LOOK_AWAY = Stroke(25.0, 0.35, 4.3, 0.35, -42.0)
SLEEP = Stroke(33.5, 0.35, 4.2, 0.20)
OUT_OF_VIEW = Stroke(43.6, 1.5, 12.6, 1.4)
NEVER = Stroke(-9.0, 1.0, 1.0, 1.0)
# Everything that would be told of the film; what is told without a label is false.
KINDS = (
    "blink", "yawn", "microsleep", "sleep", "unresponsive", "drowsy", "distraction", "road_rage",
    "degraded", "fault",
)  # fmt: skip
DROWSY = (
    "the two closures are more than a tenth of the time the eyes were seen: drowsy is right here"
)


def tell_story(seed: int, seconds: float) -> Story:
    """Lay out the events; a shorter film keeps those that fit."""
    random = np.random.default_rng(seed)
    fits = {
        stroke: stroke.span(0.01)[1] < seconds - 0.5
        for stroke in (MICROSLEEP, YAWN, LOOK_AWAY, SLEEP, OUT_OF_VIEW)
    }
    planned = [stroke for stroke, fit in fits.items() if fit]
    labels = _labels(planned, seconds)
    blinks = _blinks(random, [stroke.span(0.01) for stroke in planned], seconds)
    labels += [_label("blink", blink.span(HALF)) for blink in blinks]
    labels.sort(key=lambda one: (one["start_s"], one["kind"]))
    return Story(
        lids=(*(stroke for stroke in (MICROSLEEP, SLEEP) if fits[stroke]), *blinks, NEVER),
        yawns=(YAWN if fits[YAWN] else NEVER,),
        turns=(LOOK_AWAY if fits[LOOK_AWAY] else NEVER,),
        leans=(OUT_OF_VIEW if fits[OUT_OF_VIEW] else NEVER,),
        labels=tuple(labels),
        sway=_sway(random),
    )


def _label(kind: str, span: tuple[float, float], **more: object) -> dict[str, Any]:
    return {"kind": kind, "start_s": round(span[0], 3), "end_s": round(span[1], 3), **more}


def _labels(planned: list[Stroke], seconds: float) -> list[dict[str, Any]]:
    """Return what the planned strokes are called: an alert by its cause, from start to end."""
    named = {
        MICROSLEEP: (("microsleep",), CLOSED),
        YAWN: (("yawn",), HALF),
        LOOK_AWAY: (("distraction",), 30.0 / 42.0),
        SLEEP: (("microsleep", "sleep"), CLOSED),
        OUT_OF_VIEW: (("degraded",), HALF),
    }
    labels = [
        _label(kind, stroke.span(named[stroke][1]))
        for stroke in planned
        for kind in named[stroke][0]
    ]
    if SLEEP in planned:
        span = SLEEP.span(CLOSED)[0], seconds
        labels.append(_label("drowsy", span, optional=True, note=DROWSY))
    return labels


def _blinks(
    random: np.random.Generator, busy: list[tuple[float, float]], seconds: float
) -> list[Stroke]:
    """Blink at a natural rate, but not close to or within anything else."""
    blinks = []
    at_s = 1.6
    while at_s < seconds - 1.0:
        shut_s = random.uniform(*BLINK_S)
        if all(end_s + 0.9 < at_s or at_s + 1.2 < start_s for start_s, end_s in busy):
            blinks.append(Stroke(at_s, 0.09, max(shut_s - 0.12, 0.03), 0.15))
        at_s += random.uniform(*BLINK_EVERY_S)
    return blinks


def _sway(random: np.random.Generator) -> Callable[[float], tuple[float, ...]]:
    """Small, slow head motion: yaw, pitch, roll in degrees, right and down in pixels."""
    sizes = np.asarray([2.2, 1.2, 1.0, 5.0, 3.0])
    rates = random.uniform(0.06, 0.32, (3, 5))
    phases = random.uniform(0.0, 2.0 * np.pi, (3, 5))
    shares = np.asarray([[0.6], [0.3], [0.1]])

    def sway(t_s: float) -> tuple[float, ...]:
        waves = np.sin(2.0 * np.pi * rates * t_s + phases) * shares
        return tuple((waves.sum(axis=0) * sizes).tolist())

    return sway


class Sensor:
    """An infrared camera's picture of a scene: lamp beside the lens, vignette, noise."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed + 1)
        rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
        off = ((columns - WIDTH / 2) ** 2 + (rows - HEIGHT / 2) ** 2) / (WIDTH / 2) ** 2
        lamp = ((columns - 250) ** 2 + (rows - 200) ** 2) / 330.0**2
        self._light = ((1.0 - 0.22 * off) / (1.0 + 0.55 * lamp)).astype(np.float32)
        pattern = random.normal(0.0, 0.8, (1, WIDTH)) + random.normal(0.0, 0.6, (HEIGHT, WIDTH))
        self._offset = (7.0 + pattern).astype(np.float32)
        self._bank = random.normal(0.0, 2.3, (HEIGHT + 64, WIDTH + 64)).astype(np.float32)
        self._random = random

    def expose(self, scene: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return the gray frame (480, 640) uint8."""
        down, right = self._random.integers(0, 64, 2)
        noise = self._bank[down : down + HEIGHT, right : right + WIDTH]
        if self._random.random() < 0.5:
            noise = noise[:, ::-1]
        picture = scene * self._light
        picture += self._offset
        picture += noise
        return cv2.convertScaleAbs(np.maximum(picture, 0.0, out=picture))


def frames(story: Story, seed: int, seconds: float) -> Iterator[tuple[float, Puppet, np.ndarray]]:
    """Yield (t_s, puppet, gray (480, 640) uint8) for each frame of the film."""
    portrait, sensor = Portrait(), Sensor(seed)
    for number in range(round(seconds * FPS)):
        t_s = number / FPS
        puppet = story.puppet(t_s)
        yield t_s, puppet, sensor.expose(portrait.picture(puppet))


def render(folder: Path, seconds: float, seed: int) -> Path:
    """Write demo.avi, demo.labels.yaml and demo.truth.csv and return the film's path."""
    folder.mkdir(parents=True, exist_ok=True)
    film = folder / "demo.avi"
    part = folder / "part-demo.avi"
    code = cv2.VideoWriter.fourcc(*"MJPG")
    # FFmpeg's encoder: OpenCV's own fails an assertion on noisy pictures.
    writer = cv2.VideoWriter(str(part), cv2.CAP_FFMPEG, code, FPS, (WIDTH, HEIGHT), False)
    if not writer.isOpened():
        raise SystemExit(f"cannot write {part}: is the folder writable?")
    story = tell_story(seed, seconds)
    truth = []
    for t_s, puppet, gray in frames(story, seed, seconds):
        writer.write(gray)
        seen = abs(puppet.right_px) < 200
        row = [puppet.lid, puppet.yaw_deg, puppet.pitch_deg, puppet.roll_deg, puppet.mouth]
        truth.append([f"{t_s:.4f}", *(f"{value:.4f}" for value in row), int(seen)])
        if len(truth) % 60 == 0:
            _progress(t_s / seconds)
    writer.release()
    _progress(1.0)
    with (folder / "demo.truth.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["t_s", "lid", "yaw_deg", "pitch_deg", "roll_deg", "mouth", "in_view"])
        table.writerows(truth)
    head = {"recording": film.name, "synthetic": True, "duration_s": seconds, "seed": seed}
    listed = {
        "kinds": list(KINDS),
        "events": list(story.labels),
        "stretches": _stretches(story, seconds),
    }
    text = yaml.safe_dump({**head, **listed}, sort_keys=False, width=110)
    (folder / "demo.labels.yaml").write_text(text, encoding="utf-8")
    part.replace(film)  # last, so that a film that stands there is whole
    return film


def _stretches(story: Story, seconds: float) -> list[dict[str, Any]]:
    """Return the true states, frames joined; eyes half closed or a head half turned are neither."""
    found: list[dict[str, Any]] = []
    for number in range(round(seconds * FPS)):
        t_s = number / FPS
        puppet = story.puppet(t_s)
        if abs(puppet.right_px) > 60:
            continue  # leaning away: neither is reported
        truths = []
        if puppet.lid >= CLOSED or puppet.lid <= 0.25:
            truths.append("eyes_closed" if puppet.lid >= CLOSED else "eyes_open")
        if abs(puppet.yaw_deg) >= 38 or abs(puppet.yaw_deg) <= 12:
            truths.append("away" if abs(puppet.yaw_deg) >= 38 else "road")
        for truth in truths:
            last = next((one for one in reversed(found) if one["truth"] == truth), None)
            if last is not None and last["end_s"] == round(t_s, 3):
                last["end_s"] = round(t_s + 1 / FPS, 3)
            else:
                span = {"start_s": round(t_s, 3), "end_s": round(t_s + 1 / FPS, 3)}
                found.append({"truth": truth, **span})
    return found


def _progress(share: float) -> None:
    end = "\n" if share >= 1.0 and sys.stderr.isatty() else ""
    if sys.stderr.isatty():
        print(f"\rrendering {100 * share:3.0f} %", end=end, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path, help="folder for demo.avi and its labels")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help="length (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of blinks, sway and noise")
    arguments = parser.parse_args()
    print(render(arguments.out, arguments.seconds, arguments.seed))


if __name__ == "__main__":
    main()
