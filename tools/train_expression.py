#!/usr/bin/env python3
"""Train the expression net on FER2013 and FER+ for aligned infrared faces; resumable.

    python tools/train_expression.py --data ../shared/data --out out/expression

Writes OUT/checkpoint.pt each epoch (resumed from when it is there) and OUT/log.jsonl. The rate is
constant for the first part of training and falls to nothing in the last, so that ``--epochs`` may
be changed on the way: only the falling part depends on it. tools/quantize.py makes the shipped
files from the checkpoint.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dms.crop import FaceCropSettings
from tools.nets.alignment import fer_anchors, jittered_crop, plain_crop, settled
from tools.nets.files import revision
from tools.nets.infrared import EFFECTS, infrared
from tools.nets.plain import Average, Optimiser, PlainNet
from tools.nets.tiles import Fer

HEADS = {"ferplus": 8, "fer2013": 7}
TRUNKS = {
    "plain": ((32, 32, 64, 64, 64, 128, 128, 128), (2, 1, 2, 1, 1, 2, 1, 1)),
    "tiny": ((16, 24, 32, 48, 64, 96), (2, 1, 2, 1, 2, 1)),
}
PLAIN_SHARE = 0.4  # of the crops stay as they are: visible light counts too


def make_net(trunk: str, dropout: float = 0.0) -> PlainNet:
    widths, strides = TRUNKS[trunk]
    return PlainNet(FaceCropSettings().size, widths, strides, HEADS, dropout=dropout)


class Batches(Dataset):
    """Augmented batches of one epoch; each is a function of (seed, epoch, index) alone."""

    def __init__(self, fer: Fer, anchors: np.ndarray, args: argparse.Namespace, epoch: int) -> None:
        self.fer, self.anchors, self.args, self.epoch = fer, anchors, args, epoch
        order = np.random.default_rng((args.seed, epoch)).permutation(np.flatnonzero(fer.training))
        self.order = order[: len(order) // args.batch * args.batch].reshape(-1, args.batch)
        self.framing = FaceCropSettings()

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, ...]:
        rng = np.random.default_rng((self.args.seed, self.epoch, index))
        chosen = self.order[index]
        size = self.framing.size
        crops = np.empty((len(chosen), 1, size, size), np.float32)
        for row, at in enumerate(chosen):
            crop = jittered_crop(self.fer.images[at], self.anchors[at], self.framing, rng)
            if rng.random() > PLAIN_SHARE:
                crop = infrared(crop, rng, frozenset(self.args.without))
            crops[row, 0] = np.clip(np.round(crop), 0, 255) / 255
        fer = self.fer
        return (
            torch.from_numpy(crops),
            torch.from_numpy(fer.share[chosen]),
            torch.from_numpy(fer.has_votes[chosen].astype(np.float32)),
            torch.from_numpy(fer.label[chosen]),
        )


def loss_of(out: dict, share: torch.Tensor, has: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Cross-entropy to the vote shares and to the smoothed label."""
    votes = -(share * functional.log_softmax(out["ferplus"], 1)).sum(1)
    plus = (votes * has).sum() / has.sum().clamp(min=1)
    return plus + functional.cross_entropy(out["fer2013"], label, label_smoothing=0.05)


class Validation:
    """PublicTest without its leaks, plain and under a fixed draw of the infrared effects."""

    def __init__(self, fer: Fer, anchors: np.ndarray) -> None:
        rng = np.random.default_rng(7)
        self.chosen = np.flatnonzero(~fer.training & ~fer.leak)
        framing = FaceCropSettings()
        crops = [plain_crop(fer.images[at], anchors[at], framing) for at in self.chosen]
        night = [np.clip(infrared(crop.astype(np.float32), rng), 0, 255) for crop in crops]
        self.sets = {"plain": self._tensor(crops), "infrared": self._tensor(night)}
        self.label = fer.label[self.chosen]
        self.clear = fer.clear[self.chosen]
        self.majority = fer.majority[self.chosen]

    @staticmethod
    def _tensor(crops: list) -> torch.Tensor:
        stack = np.round(np.stack(crops))[:, None].astype(np.float32) / 255
        return torch.from_numpy(stack).contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def figures(self, net: PlainNet) -> dict[str, float]:
        net.eval()
        found = {}
        for name, crops in self.sets.items():
            outs = [net(part) for part in crops.split(512)]
            seven = torch.cat([out["fer2013"] for out in outs]).argmax(1).numpy()
            eight = torch.cat([out["ferplus"] for out in outs]).argmax(1).numpy()
            found[f"fer2013_{name}"] = round(float((seven == self.label).mean()), 4)
            right = (eight == self.majority)[self.clear]
            found[f"ferplus_{name}"] = round(float(right.mean()), 4)
        net.train()
        return found


def share_of_rate(done: float, epochs: float, stable: float) -> float:
    """Warm-up over half an epoch, constant up to ``stable`` of the epochs, then a straight fall."""
    if done < 0.5:
        return max(done / 0.5, 0.02)
    return min(1.0, max(0.0, (epochs - done) / (epochs * (1 - stable))))


def train(args: argparse.Namespace) -> None:
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    fer = Fer(args.data / "fer2013")
    anchors = settled(*fer_anchors(fer.images, args.out.parent / "fer_anchors.npz"))
    validation = Validation(fer, anchors)
    net = make_net(args.trunk, dropout=0.2).to(memory_format=torch.channels_last)
    optimiser = Optimiser(net, args.rate, args.rate)
    average = Average(net, args.average)
    first, checkpoint = 0, args.out / "checkpoint.pt"
    args.out.mkdir(parents=True, exist_ok=True)
    if checkpoint.is_file():
        stored = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(stored["net"])
        optimiser.load(stored["optimiser"])
        average.state, average.steps, first = stored["average"], stored["steps"], stored["epoch"]
    judged, started_at = make_net(args.trunk), revision()
    for epoch in range(first, args.epochs):
        started, total = time.monotonic(), 0.0
        data = DataLoader(Batches(fer, anchors, args, epoch), batch_size=None, num_workers=1)
        for index, (crops, share, has, label) in enumerate(data):
            loss = loss_of(
                net(crops.contiguous(memory_format=torch.channels_last)), share, has, label
            )
            loss.backward()
            optimiser.step(share_of_rate(epoch + index / len(data), args.epochs, args.stable))
            average.update(net)
            total += loss.item()
            if index % 10 == 0:
                print(f"epoch {epoch} {index}/{len(data)}", end="\r", file=sys.stderr, flush=True)
        judged.load_state_dict(average.state)
        line = {
            "epoch": epoch + 1,
            "loss": round(total / len(data), 4),
            "seconds": round(time.monotonic() - started),
            **validation.figures(judged),
        }
        with (args.out / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)
        stored = {
            "net": net.state_dict(),
            "optimiser": optimiser.state(),
            "average": average.state,
            "steps": average.steps,
            "epoch": epoch + 1,
            "trunk": args.trunk,
            "revision": started_at,
            "arguments": {name: str(value) for name, value in vars(args).items()},
        }
        torch.save(stored, checkpoint.with_suffix(".new"))
        checkpoint.with_suffix(".new").replace(checkpoint)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds fer2013/")
    parser.add_argument("--out", type=Path, default=Path("out/expression"))
    parser.add_argument("--trunk", choices=TRUNKS, default="plain")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--stable", type=float, default=0.6, help="share of epochs at full rate")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=0.04)
    parser.add_argument("--average", type=float, default=0.998, help="decay of the weights' mean")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--without", nargs="*", choices=EFFECTS, default=[], help="effects to leave out (ablation)"
    )
    train(parser.parse_args())


if __name__ == "__main__":
    main()
