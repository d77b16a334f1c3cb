"""Make the INT8 files of the landmark nets.

    python -m tools.landmarking.int8 --data ../shared/data

Their patches are cut by the product's own chain from what the nets were trained on (photographs,
clips of ``TRAINED_PEOPLE``), also dark, bright and noisy. The first convolution, which sees the
light as it is, and the last two layers, which place the points, stay in FP32; by how much these
are off on average is taken off the last layer's bias. Writes engines/NET-int8.onnx and manifests.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from dms.engine.engine import Engine, Tensor
from dms.engine.manifest import FOLDER, Manifest, load_manifest
from dms.engine.onnx import OnnxEngine
from dms.perception.dms56 import Dms56
from dms.values import Box, Gray
from tools.landmarking.labels import TRAINED_PEOPLE
from tools.landmarking.measure import detect, settle
from tools.nets.files import update
from tools.nets.int8 import STEP, for_cpu, prepared, ranges

NETS = ("landmarks_face", "landmarks_eye")
# These nodes stay in FP32. With the hidden layer in INT8, too, points lay 1.4 times as far off.
EXACT = ("/net/levels.0/", "/net/hidden/", "/net/points/", "/net/logits/")
PHOTOS = 12  # every so manieth photograph, and of a clip every so manieth frame
FRAMES = 25
BIAS = "net.points.bias"


class Heard(OnnxEngine):
    """A net that keeps what it is asked."""

    asked: dict[str, list[Tensor]]

    def _infer(self, batch: Tensor) -> dict[str, Tensor]:
        self.asked[self.name].append(batch.copy())
        return super()._infer(batch)


def patches(data: Path) -> dict[str, NDArray[np.float32]]:
    """Return what each net sees of every picture: as it is, darker and brighter, with noise."""
    asked: dict[str, list[Tensor]] = {name: [] for name in NETS}

    def heard(path: Path, content: bytes) -> Engine:
        net = Heard(path, content)
        net.name, net.asked = path.stem, asked
        return net

    taught, rng = Dms56(engine=heard, precision="fp32"), np.random.default_rng(0)
    plain = Dms56(precision="fp32")
    for gray in pictures(data):
        box = detect(gray)
        if box is None:
            continue
        box = settle(plain, gray, box).box
        for gain in (1.0, rng.uniform(0.15, 0.7), rng.uniform(1.2, 2.2)):
            noise = rng.normal(0, rng.uniform(1, 6), gray.shape) * (gain != 1.0)
            lit = np.clip(gray * gain + noise, 0, 255).astype(np.uint8)
            x, y, wider = rng.normal(0, 0.06, 3) * box.width
            taught.predict(lit, Box(box.x + x, box.y + y, box.width + wider, box.height + wider))
    return {name: np.concatenate(batches) for name, batches in asked.items()}


def pictures(data: Path) -> Iterator[Gray]:
    """Yield gray pictures of people that the nets were trained on."""
    photos = sorted((data / "face_photos").glob("*.jpg"))
    for path in [path for at, path in enumerate(photos) if at % 10][::PHOTOS]:
        gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        yield cv2.resize(gray, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    for clip in sorted((data / "zju_blink").glob("*.mp4")):
        if int(clip.name[:6]) in TRAINED_PEOPLE:
            capture = cv2.VideoCapture(str(clip))
            for at in count():
                good, picture = capture.read()
                if not good:
                    break
                if at % FRAMES == 0:
                    yield cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)


def make(fp32: Path, batch: NDArray[np.float32], out: Path) -> None:
    """Write the INT8 file; ranges are the least and greatest of all ``batch``."""
    with tempfile.TemporaryDirectory() as folder:
        folded = Path(folder) / "folded.onnx"
        prepared(fp32, folded, optimise=True)
        whole = batch[: len(batch) // STEP * STEP]
        for_cpu(folded, out, whole, ranges(folded, whole, "minmax"), exact=EXACT)
    model = onnx.load(out)
    off = np.mean(answers(out, batch) - answers(fp32, batch), axis=0)
    for weights in model.graph.initializer:
        if weights.name == BIAS:
            right = numpy_helper.to_array(weights) - off
            weights.CopyFrom(numpy_helper.from_array(right.astype(np.float32), BIAS))
    onnx.save(model, out)


def answers(path: Path, batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the points of each patch, (n, 2 points); those of two eyes below each other."""
    with OnnxEngine(path) as net:
        found = np.concatenate([net.infer(one[np.newaxis])["points"] for one in batch])
    return found.reshape(-1, found.shape[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the measurement data")
    parser.add_argument("--engines", type=Path, default=FOLDER)
    args = parser.parse_args()
    seen = patches(args.data)
    for name in NETS:
        made(load_manifest(name, args.engines), seen[name], args.engines)


def made(manifest: Manifest, batch: NDArray[np.float32], engines: Path) -> None:
    """Make one net's file from every other patch and say how far off it is on the rest."""
    file, fp32 = engines / f"{manifest.name}-int8.onnx", manifest.path("fp32")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / file.name
        make(fp32, batch[::2], out)
        apart = np.abs(answers(out, batch[1::2]) - answers(fp32, batch[1::2]))
        shutil.copyfile(out, file)
    loss = {"mean": round(float(apart.mean()), 5), "max": round(float(apart.max()), 4)}
    print(manifest.name, len(batch), "patches; points are off by", loss)
    update(engines / f"{manifest.name}.yaml", {"int8": file}, {"int8_loss": {"points": loss}})


if __name__ == "__main__":
    main()
