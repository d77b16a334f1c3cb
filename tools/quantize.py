#!/usr/bin/env python3
"""Make the INT8 files of a net from its FP32 file and a set of infrared crops. Needs no torch.

    python tools/quantize.py expression --data ../shared/data
    python tools/quantize.py expression --frames MY_RECORDED_FRAMES

With ``--data`` the crops are FER2013 training faces under infrared effects, or MRL eyes of training
subjects; with ``--frames`` they are cut by the product's own chain from a folder of full frames.
MinMax, entropy and percentile ranges are compared on other crops of the same kind; the best one is
kept. Writes engines/NET-int8.onnx, engines/NET-int8-qdq.onnx and calibration/NET.yaml.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray

if not __package__:  # run as a file: what it imports stands beside tools/
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from dms.engine.gate import spread_loss
from dms.engine.manifest import FOLDER, load_manifest
from dms.engine.onnx import OnnxEngine
from dms.engine.preprocess.crop import to_batch
from dms.engine.relative import EMBEDDING
from tools.drawing import calibration_crops
from tools.nets.files import update
from tools.nets.int8 import METHODS, for_cpu, for_tensorrt, prepared, ranges

CALIBRATION = FOLDER.parent / "calibration"
LEAST = 200  # crops for the ranges; as many again to compare the methods on


def loss(reference: dict, other: dict) -> dict[str, float]:
    """How far ``other`` is from ``reference``: mean and largest difference of a probability.

    Of an embedding, whose numbers are no probabilities, the mean difference over their spread.
    """
    heads = [name for name in reference if name != EMBEDDING]
    differences = np.concatenate([np.abs(reference[k] - other[k]).ravel() for k in heads])
    found = {"mean": float(differences.mean()), "max": float(differences.max())}
    if EMBEDDING in reference:
        found[EMBEDDING] = spread_loss(reference[EMBEDDING], other[EMBEDDING])
    return {name: round(value, 5 if name == "mean" else 4) for name, value in found.items()}


class Made(NamedTuple):
    """Both INT8 files by one method: the ranges used, and what each lost."""

    spans: dict[str, list[float]]
    int8: dict[str, float]
    int8_qdq: dict[str, float]


def make(
    fp32: Path, batch: NDArray[np.float32], probe: NDArray[np.float32], method: str, out: Path
) -> Made:
    """Write OUT/int8.onnx and OUT/int8-qdq.onnx; measure both on ``probe`` against FP32."""
    folded, plain = out / "folded.onnx", out / "plain.onnx"
    prepared(fp32, folded, optimise=True)
    prepared(fp32, plain, optimise=False)
    spans = ranges(folded, batch, method)
    for_cpu(folded, out / "int8.onnx", batch, spans)
    for_tensorrt(plain, out / "int8-qdq.onnx", batch, ranges(plain, batch, method))
    with OnnxEngine(fp32) as engine:
        reference = engine.infer(probe)
    with OnnxEngine(out / "int8.onnx") as engine:
        int8 = loss(reference, engine.infer(probe))
    with OnnxEngine(out / "int8-qdq.onnx", optimise=False) as engine:
        return Made(spans, int8, loss(reference, engine.infer(probe)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("net", choices=["expression", "eye_state"])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="the measurement data")
    source.add_argument("--frames", type=Path, help="a folder of recorded infrared frames")
    parser.add_argument("--engines", type=Path, default=FOLDER)
    parser.add_argument("--calibration", type=Path, default=CALIBRATION)
    parser.add_argument("--method", choices=METHODS, help="instead of the best")
    args = parser.parse_args()
    manifest = load_manifest(args.net, args.engines)
    if args.frames:
        crops = calibration_crops.from_frames(manifest, args.frames)
    else:
        crops = calibration_crops.from_data(manifest, args.data)
    if len(crops) < 2 * LEAST:
        sys.exit(f"only {len(crops)} usable crops; {2 * LEAST} are needed, add frames")
    batch, probe = to_batch(crops[::2]), to_batch(crops[1::2])
    fp32 = manifest.path("fp32")
    with tempfile.TemporaryDirectory() as folder:
        made = {}
        for method in [args.method] if args.method else METHODS:
            (Path(folder) / method).mkdir()
            made[method] = make(fp32, batch, probe, method, Path(folder) / method)
            print(method, made[method].int8, made[method].int8_qdq, flush=True)
        best = min(made, key=lambda m: made[m].int8["mean"] + made[m].int8_qdq["mean"])
        files = {kind: args.engines / f"{args.net}-{kind}.onnx" for kind in ("int8", "int8-qdq")}
        for kind, file in files.items():
            shutil.copyfile(Path(folder) / best / f"{kind}.onnx", file)
    compared = {m: {"int8": one.int8, "int8_qdq": one.int8_qdq} for m, one in made.items()}
    update(args.engines / f"{args.net}.yaml", files, {"int8_loss": compared[best]})
    record = {
        "net": args.net,
        "fp32_sha256": manifest.files["fp32"].sha256,
        "method": best,
        "compared": compared,
        "crops": "recorded frames" if args.frames else "measurement data",
        "ranges": made[best].spans,
        "crop_hashes": [hashlib.sha256(crop.tobytes()).hexdigest()[:16] for crop in crops[::2]],
    }
    args.calibration.mkdir(exist_ok=True)
    text = yaml.safe_dump(record, sort_keys=False, default_flow_style=None, width=100)
    (args.calibration / f"{args.net}.yaml").write_text(text, encoding="utf-8")
    print(f"{best} kept; now run tools/make/gate.py and tools/evaluate.py")


if __name__ == "__main__":
    main()
