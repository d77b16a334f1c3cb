"""Fits the gains of ``core.gaze`` on drawn eyes of known gaze, as a net of the project reads them.

A driver's own road is learned, so what counts is how far a reading moves when the gaze does: the
slope of the net's iris over the drawn one, and the eye's arm. Nothing is fitted on people.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dms.engine.manifest import Manifest, load_manifest
from dms.engine.onnx import OnnxEngine
from dms.engine.preprocess.crop import EyeCropSettings
from dms.perception.eye_net import iris_of
from tools.drawing.calibration_crops import resized
from tools.drawing.eyes import SPAN, draw_eyes
from tools.drawing.people import CROP_SPAN, OPEN, Eyes, draw_people
from tools.nets.shipped import outputs

WITHIN_DEG = 25.0  # of the drawn gaze: beyond, lids hide the iris
SUREST = 0.7  # of the eyes: what is less sure is mostly not told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engines", type=Path, default=Path("engines"))
    parser.add_argument("--count", type=int, default=6000, help="eyes drawn (default 6000)")
    parser.add_argument("--seed", type=int, default=11)
    arguments = parser.parse_args()
    manifest = load_manifest("eye_state", arguments.engines)
    rng = np.random.default_rng(arguments.seed)
    eyes = draw_people(arguments.count, rng)
    pictures = draw_eyes(eyes, rng)
    print(json.dumps(fit(eyes, read(manifest, pictures)), indent=1))


def read(manifest: Manifest, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What the net's INT8 file says of drawn eyes: (n, 3) iris x, y and deviation in eye widths."""
    size = manifest.framing(EyeCropSettings).size
    edge = round(pictures.shape[1] * (1 - CROP_SPAN / SPAN) / 2)
    inner = pictures[:, edge : pictures.shape[1] - edge, edge : pictures.shape[2] - edge]
    crops = np.stack([resized(np.ascontiguousarray(one), size) for one in inner])
    with OnnxEngine(manifest.path("int8")) as engine:
        told = outputs(engine, crops)["iris"].tolist()
    irises = [iris_of(one, mirrored=False) for one in told]
    return np.array([(iris.x, iris.y, iris.sd) for iris in irises])


def fit(eyes: Eyes, irises: NDArray[np.float64]) -> dict[str, Any]:
    """Gains in degrees an eye width, and how good the net's own deviation is."""
    ahead = (np.abs(eyes.yaw) <= WITHIN_DEG) & (np.abs(eyes.pitch) <= WITHIN_DEG)
    use = (eyes.what == OPEN) & ahead
    use &= irises[:, 2] <= np.quantile(irises[use, 2], SUREST)
    result: dict[str, Any] = {"eyes": int(use.sum())}
    truths = ((eyes.iris_x, eyes.yaw), (eyes.iris_y, -eyes.pitch))
    for axis, name in enumerate(("yaw", "pitch")):
        truth, angle = truths[axis][0][use], truths[axis][1][use]
        seen = irises[use, axis]
        a_degree = float(np.polyfit(angle, truth, 1)[0])  # eye widths, of the drawn iris
        shown = float(np.polyfit(truth, seen, 1)[0])  # of it that the net shows
        error = seen - truth
        result[name] = {
            "iris_deg": round(1 / a_degree, 1),
            "shown": round(shown, 3),
            "gain_deg": round(1 / (a_degree * shown), 1),
            "error_over_deviation": round(
                float(np.sqrt(np.mean((error / irises[use, 2]) ** 2))), 3
            ),
        }
    result["rest"] = round(float(np.median(irises[use, 1])), 4)
    return result


if __name__ == "__main__":
    main()
