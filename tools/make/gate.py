"""Render the gate's crops from the public-domain portrait and store the FP32 nets' outputs.

    python -m tools.make.gate

Writes engines/gate.npz: for every net with an FP32 file, 240 seeded crops (lids, mouth, head, light
and noise vary) and what the FP32 file says of them. Run it after tools/train/export.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import dlib
import numpy as np

from dms.engine.manifest import FOLDER, Manifest, load_manifest
from dms.engine.onnx import OnnxEngine
from dms.engine.preprocess.crop import (
    EyeCropSettings,
    FaceCropSettings,
    eye_crops,
    face_crop,
    to_batch,
)
from dms.perception.dlib68 import dlib68_file, shape_points
from dms.perception.landmarks import Landmarks
from dms.perception.schemes import DLIB68
from dms.values import Gray
from tools.nets.infrared import infrared
from tools.rendering.portrait import Portrait, Puppet

COUNT, SEED = 240, 20
FACE_ONLY = frozenset({"glasses", "bright_pupil", "surround", "cover"})


def scenes() -> list[tuple[Gray, np.ndarray]]:
    """:data:`COUNT` pictures (uint8) with the anchors as dlib sees them, slightly off."""
    rng = np.random.default_rng(SEED)
    portrait = Portrait()
    detector = dlib.get_frontal_face_detector()
    model = dlib.shape_predictor(str(dlib68_file()))
    made: list[tuple[Gray, np.ndarray]] = []
    while len(made) < COUNT:
        puppet = Puppet(
            lid=float(rng.choice([0.0, rng.random(), 1.0])),
            mouth=float(max(0.0, rng.uniform(-1, 1))),
            yaw_deg=float(rng.normal(0, 10)),
            pitch_deg=float(rng.normal(0, 6)),
            roll_deg=float(rng.normal(0, 6)),
        )
        gray = np.clip(np.round(portrait.picture(puppet)), 0, 255).astype(np.uint8)
        boxes = detector(gray, 0)
        if boxes:
            anchors = Landmarks(shape_points(model, gray, boxes[0]), DLIB68).anchors
            made.append((gray, anchors + rng.normal(0, 1.5, (4, 2))))
    return made


def crops_of(manifest: Manifest, pictures: list[tuple[Gray, np.ndarray]]) -> Gray:
    """Cut one crop a picture: the face, or the right and the left eye in turn; light varies."""
    rng = np.random.default_rng(SEED)
    crops = []
    for index, (gray, anchors) in enumerate(pictures):
        if manifest.name == "eye_state":
            crop = eye_crops(gray, anchors, manifest.framing(EyeCropSettings))[index % 2]
        else:
            crop = face_crop(gray, anchors, manifest.framing(FaceCropSettings))
        lit = infrared(crop.astype(np.float32), rng, FACE_ONLY)
        crops.append(np.clip(np.round(lit), 0, 255).astype(np.uint8))
    return np.stack(crops)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engines", type=Path, default=FOLDER)
    args = parser.parse_args()
    pictures = scenes()
    stored: dict[str, np.ndarray] = {}
    for path in sorted(args.engines.glob("*.yaml")):
        if not path.stem.startswith(("expression", "eye_state")):
            continue  # landmark nets have a check of their own
        manifest = load_manifest(path.stem, args.engines)
        crops = crops_of(manifest, pictures)
        with OnnxEngine(manifest.path("fp32")) as engine:
            outputs = engine.infer(to_batch(crops))
        stored[f"{manifest.name}.crops"] = crops
        stored[f"{manifest.name}.fp32"] = np.array(manifest.files["fp32"].sha256)
        stored |= {f"{manifest.name}.{name}": value for name, value in outputs.items()}
    np.savez_compressed(args.engines / "gate.npz", **stored)
    size = (args.engines / "gate.npz").stat().st_size
    print(f"{args.engines / 'gate.npz'}: {len(pictures)} pictures, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
