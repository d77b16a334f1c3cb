"""Make a short drive of recorded observations without pixels: calm, then anger, horn, hard braking.

Synthetic and labelled so. Written are the observations (JSON Lines, as
:mod:`dms.files.observations` reads them) and their labels (YAML). The same seed gives the same
drive.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml

from dms.files.observations import save
from dms.values import (
    EXPRESSIONS,
    Box,
    DriverObservation,
    ExpressionScores,
    EyeEvidence,
    Gear,
    HeadPose,
    Moment,
    VehicleContext,
)

FPS = 15.0
SECONDS = 120.0
ANGRY_S = (75.0, 93.0)  # after the driver's own normal is learned
HORN_S = ((77.0, 78.2), (79.5, 82.0), (84.0, 84.8))
BRAKE_S = (80.0, 81.5)
NOTE = "synthetic: a drive made up by tools/rendering/drive.py, no person was recorded"
KINDS = ("road_rage", "microsleep", "sleep", "drowsy", "distraction", "degraded", "fault")
CALM = {"neutral": 0.86, "happiness": 0.05, "sadness": 0.03, "anger": 0.02, "disgust": 0.01}
ANGRY = {"neutral": 0.07, "happiness": 0.01, "sadness": 0.03, "anger": 0.74, "disgust": 0.12}


def drive(seed: int) -> Iterator[Moment]:
    """Yield the moments of the drive, 15 a second."""
    random = np.random.default_rng(seed)
    blinks = _blinks(random)
    for number in range(round(SECONDS * FPS)):
        t_s = number / FPS
        shut = any(start_s <= t_s < end_s for start_s, end_s in blinks)
        scores = _scores(t_s, random) if number % 2 == 0 else None
        sway = HeadPose(
            *(round(float(size * np.sin(0.7 * t_s + turn)), 3) for size, turn in ((4, 0), (2, 2))),
            roll_deg=round(float(random.normal(0, 0.4)), 3),
        )
        observation = DriverObservation(
            t_s=round(t_s, 4),
            face=Box(230.0, 120.0, 180.0, 180.0),
            right_eye=_eye(shut, random),
            left_eye=_eye(shut, random),
            mar=round(0.03 + 0.2 * _anger(t_s) * float(random.random()), 3),
            pose=sway,
            expression=scores,
            brightness=105.0,
        )
        yield Moment(observation, _vehicle(t_s))


def _anger(t_s: float) -> float:
    """How angry: 0 calm .. 1, rising within 1.2 s and gone 2 s after."""
    start_s, end_s = ANGRY_S
    return float(np.clip(min((t_s - start_s) / 1.2, (end_s + 2.0 - t_s) / 2.0), 0.0, 1.0))


def _scores(t_s: float, random: np.random.Generator) -> ExpressionScores:
    share = _anger(t_s)
    shares = [
        (1 - share) * CALM.get(name, 0.01) + share * ANGRY.get(name, 0.01) for name in EXPRESSIONS
    ]
    noisy = np.clip(np.asarray(shares) + random.normal(0.0, 0.012, len(shares)), 0.001, None)
    probabilities = tuple((noisy / noisy.sum()).round(4).tolist())
    return ExpressionScores(
        probabilities,
        sure=True,
        confidence=max(probabilities),
        valence=round(0.05 - 0.75 * share, 3),
        arousal=round(-0.1 + 0.8 * share, 3),
    )


def _eye(shut: bool, random: np.random.Generator) -> EyeEvidence:
    ear = (0.14 if shut else 0.31) + random.normal(0.0, 0.006)
    is_open = float(np.clip((0.03 if shut else 0.97) + random.normal(0.0, 0.01), 0.0, 1.0))
    return EyeEvidence(
        ear=round(float(ear), 4),
        open_probability=round(is_open, 4),
        visible_probability=0.98,
        contrast=0.3,
    )


def _blinks(random: np.random.Generator) -> list[tuple[float, float]]:
    blinks, at_s = [], 2.0
    while at_s < SECONDS - 1:
        blinks.append((at_s, at_s + float(random.uniform(0.14, 0.2))))
        at_s += float(random.uniform(2.8, 5.2))
    return blinks


def _vehicle(t_s: float) -> VehicleContext:
    braking = BRAKE_S[0] <= t_s < BRAKE_S[1]
    slower = np.clip((t_s - BRAKE_S[0]) / (BRAKE_S[1] - BRAKE_S[0]), 0.0, 1.0)
    faster = np.clip((t_s - BRAKE_S[1] - 2.0) / 8.0, 0.0, 1.0)
    return VehicleContext(
        t_s=round(t_s, 4),
        speed_kmh=round(62.0 - 28.0 * float(slower) + 26.0 * float(faster), 2),
        standstill=False,
        gear=Gear.DRIVE,
        steering_deg=round(3.0 * float(np.sin(0.4 * t_s)), 2),
        brake=0.9 if braking else 0.0,
        acceleration_mps2=-5.2 if braking else 0.0,
        horn=any(start_s <= t_s < end_s for start_s, end_s in HORN_S),
        ignition=True,
    )


def make(folder: Path, seed: int) -> Path:
    """Write drive.jsonl and drive.labels.yaml into ``folder``; return the drive's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "drive.jsonl"
    labels = {
        "recording": path.name,
        "synthetic": True,
        "duration_s": SECONDS,
        "seed": seed,
        "kinds": list(KINDS),
        "events": [{"kind": "road_rage", "start_s": ANGRY_S[0], "end_s": ANGRY_S[1]}],
    }
    text = yaml.safe_dump(labels, sort_keys=False)
    (folder / "drive.labels.yaml").write_text(text, encoding="utf-8")
    save(drive(seed), path, note=NOTE)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path, help="folder for drive.jsonl and its labels")
    parser.add_argument("--seed", type=int, default=1, help="of noise and blinks")
    arguments = parser.parse_args()
    print(make(arguments.out, arguments.seed))


if __name__ == "__main__":
    main()
