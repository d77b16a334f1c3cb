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
import sys
import tempfile
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dms.crop import to_batch
from dms.engine.manifest import FOLDER, load_manifest
from dms.engine.onnx import OnnxEngine
from tools.nets import calibration_crops
from tools.nets.files import update
from tools.nets.int8 import METHODS, for_cpu, for_tensorrt, ranges

CALIBRATION = FOLDER.parent / "calibration"
LEAST = 200  # crops for the ranges; as many again to compare the methods on


def loss(reference: dict, other: dict) -> dict[str, float]:
    """How far ``other`` is from ``reference``: mean and largest difference of a probability."""
    differences = np.concatenate([np.abs(reference[k] - other[k]).ravel() for k in reference])
    return {"mean": round(float(differences.mean()), 5), "max": round(float(differences.max()), 4)}


def compare(fp32: Path, batch: NDArray[np.float32], probe: NDArray[np.float32]) -> dict:
    """Loss of every method on ``probe``, for the CPU file and for the TensorRT file."""
    with OnnxEngine(fp32) as engine:
        reference = engine.infer(probe)
    found = {}
    for method in METHODS:
        with tempfile.TemporaryDirectory() as folder:
            cpu, gpu = Path(folder, "cpu.onnx"), Path(folder, "gpu.onnx")
            for_cpu(fp32, cpu, batch, method)
            for_tensorrt(fp32, gpu, batch, method)
            with OnnxEngine(cpu) as engine:
                int8 = loss(reference, engine.infer(probe))
            with OnnxEngine(gpu, optimise=False) as engine:
                found[method] = {"int8": int8, "int8_qdq": loss(reference, engine.infer(probe))}
        print(method, found[method], flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("net", choices=["expression", "expression_tiny", "eye_state"])
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
    found = compare(fp32, batch, probe)
    method = args.method or min(found, key=lambda m: sum(v["mean"] for v in found[m].values()))
    files = {
        "int8": args.engines / f"{args.net}-int8.onnx",
        "int8-qdq": args.engines / f"{args.net}-int8-qdq.onnx",
    }
    for_cpu(fp32, files["int8"], batch, method)
    for_tensorrt(fp32, files["int8-qdq"], batch, method)
    update(args.engines / f"{args.net}.yaml", files, {"int8_loss": found[method]})
    record = {
        "net": args.net,
        "fp32_sha256": manifest.files["fp32"].sha256,
        "method": method,
        "compared": found,
        "crops": "recorded frames" if args.frames else "measurement data",
        "ranges": ranges(fp32, batch, method),
        "crop_hashes": [hashlib.sha256(crop.tobytes()).hexdigest()[:16] for crop in crops[::2]],
    }
    args.calibration.mkdir(exist_ok=True)
    text = yaml.safe_dump(record, sort_keys=False, default_flow_style=None, width=100)
    (args.calibration / f"{args.net}.yaml").write_text(text, encoding="utf-8")
    print(f"{method} kept; now run tools/make_gate.py and tools/evaluate.py")


if __name__ == "__main__":
    main()
