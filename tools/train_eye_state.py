#!/usr/bin/env python3
"""Train the eye-state net on MRL Eye, split by subject; resumable.

    python tools/train_eye_state.py --data ../shared/data --out out/eye_state

Two heads: ``open`` (given that the eye can be seen) and ``visible`` (an eye is there and can be
seen). What cannot be seen is made from MRL's eyes (dark lenses, glare, covers) and from places
beside the eyes of face photographs. Writes OUT/checkpoint.pt and OUT/log.jsonl each epoch.
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

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dms.engine.preprocess.crop import EyeCropSettings
from tools.nets.eyes import face_patches, hide, light, place, rims, shine
from tools.nets.files import revision
from tools.nets.plain import Average, Optimiser, PlainNet
from tools.nets.tiles import TEST_SUBJECTS, Mrl

SIZE = EyeCropSettings().size
WIDTHS, STRIDES = (16, 24, 48, 48, 64, 64), (2, 1, 2, 1, 2, 1)
HEADS = {"open": 1, "visible": 1}


def make_net(dropout: float = 0.0) -> PlainNet:
    return PlainNet(SIZE, WIDTHS, STRIDES, HEADS, sigma=0.35, dropout=dropout)


def tensor(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images)[:, None].float() / 255


def weights(subject: np.ndarray, opened: np.ndarray) -> np.ndarray:
    """Chance of each picture to be drawn: within a person, open and closed as often as can be.

    Most people of MRL Eye were recorded mainly in one state; drawn as they are, a net would learn
    who has their eyes closed.
    """
    weight = np.zeros(len(subject))
    for one in np.unique(subject):
        cells = [np.flatnonzero((subject == one) & (opened == state)) for state in (0, 1)]
        both = min(300, *map(len, cells)) + 30
        for cell in cells:
            weight[cell] = min(both, 3 * len(cell)) / max(len(cell), 1)
    for state in (0, 1):
        weight[opened == state] /= weight[opened == state].sum()
    return weight / weight.sum()


class Source:
    """Draws augmented batches."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.mrl = Mrl(args.data / "mrl_eyes")
        held = set(TEST_SUBJECTS) | set(args.validation)
        self.train = np.flatnonzero(~np.isin(self.mrl.subject, sorted(held)))
        self.photographs = face_patches(
            args.data / "face_photos", args.out.parent / "face_patches.npz"
        )
        self.weight = weights(self.mrl.subject[self.train], self.mrl.open[self.train])

    def batch(self, seed: tuple[int, ...], n: int) -> tuple[torch.Tensor, ...]:
        """(crops, how open, visible), each of n rows or so; openness counts where visible."""
        rng = np.random.default_rng(seed)
        dice = torch.Generator().manual_seed(int(rng.integers(2**31)))
        photographs = self.photographs
        seen = rng.choice(self.train, int(n * 0.5), p=self.weight)
        lids = rng.integers(0, len(photographs.eyes), int(n * 0.3))
        hidden = rng.choice(self.train, int(n * 0.1), p=self.weight)
        others = rng.integers(0, len(photographs.others), int(n * 0.1))
        images = self.mrl.images
        parts = [
            place(tensor(images[seen]), SIZE, dice),
            place(tensor(photographs.eyes[lids]), SIZE, dice),
            hide(place(tensor(images[hidden]), SIZE, dice), dice),
            place(tensor(photographs.others[others]), SIZE, dice),
        ]
        crops = rims(torch.cat(parts), dice, 0.15)
        crops = shine(crops, dice, 0.35, (0.03, 0.11))
        crops = light(shine(crops, dice, 0.25, (0.02, 0.07)), dice)
        visible = torch.zeros(len(crops))
        visible[: len(seen) + len(lids)] = 1
        opened = torch.zeros(len(crops))
        opened[: len(seen)] = torch.from_numpy(self.mrl.open[seen]).float()
        # A lid less than 15 % up is closed, one more than 65 % up is open, graded between.
        graded = ((torch.from_numpy(photographs.openness[lids]) - 0.15) / 0.5).clamp(0, 1)
        opened[len(seen) : len(seen) + len(lids)] = graded
        return crops, opened, visible


def loss_of(out: dict, opened: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
    """Smoothed binary cross-entropies of both heads; ``open`` counts where an eye is visible."""
    bce = functional.binary_cross_entropy_with_logits
    first = bce(out["open"][:, 0], opened * 0.96 + 0.02, reduction="none")
    second = bce(out["visible"][:, 0], visible * 0.96 + 0.02)
    return (first * visible).sum() / visible.sum() + second


@torch.no_grad()
def figures(net: PlainNet, mrl: Mrl, subjects: tuple[int, ...]) -> dict[str, float]:
    """Balanced accuracy on whole subjects, and on their strong reflections alone."""
    chosen = np.flatnonzero(np.isin(mrl.subject, subjects))
    crops = functional.interpolate(tensor(mrl.images[chosen]), (SIZE, SIZE), mode="area")
    out = [net.eval()(part) for part in crops.split(1024)]
    said = torch.cat([o["open"] for o in out])[:, 0].numpy() > 0
    seen = torch.cat([o["visible"] for o in out])[:, 0].numpy() > 0
    opened = mrl.open[chosen] == 1
    strong = mrl.strong[chosen]
    return {
        "balanced_accuracy": _balanced(said, opened),
        "strong_reflections": _balanced(said[strong], opened[strong]),
        "called_visible": round(float(seen.mean()), 4),
    }


def _balanced(said: np.ndarray, truth: np.ndarray) -> float:
    return round(float(np.mean([(said[truth == s] == s).mean() for s in (False, True)])), 4)


def train(args: argparse.Namespace) -> None:
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    source = Source(args)
    net = make_net(dropout=0.1).to(memory_format=torch.channels_last)
    optimiser = Optimiser(net, args.rate, args.rate)
    average, first = Average(net, 0.998), 0
    checkpoint = args.out / "checkpoint.pt"
    if checkpoint.is_file():
        stored = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(stored["net"])
        optimiser.load(stored["optimiser"])
        average.state, average.steps, first = stored["average"], stored["steps"], stored["epoch"]
    judged, started_at = make_net(), revision()
    for epoch in range(first, args.epochs):
        started, total = time.monotonic(), 0.0
        net.train()
        for step in range(args.steps):
            crops, *targets = source.batch((args.seed, epoch, step), args.batch)
            with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
                out = net(crops.contiguous(memory_format=torch.channels_last))
            loss = loss_of({name: logits.float() for name, logits in out.items()}, *targets)
            loss.backward()
            done = (epoch + step / args.steps) / args.epochs
            optimiser.step(min(1.0, done * 20 + 0.02, 2 * (1 - done)))
            average.update(net)
            total += loss.item()
        judged.load_state_dict(average.state)
        line = {
            "epoch": epoch + 1,
            "loss": round(total / args.steps, 4),
            "seconds": round(time.monotonic() - started),
        }
        if args.validation:
            line |= figures(judged, source.mrl, tuple(args.validation))
        with (args.out / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)
        torch.save(
            {
                "net": net.state_dict(),
                "optimiser": optimiser.state(),
                "average": average.state,
                "steps": average.steps,
                "epoch": epoch + 1,
                "revision": started_at,
                "arguments": {name: str(value) for name, value in vars(args).items()},
            },
            checkpoint,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="holds mrl_eyes/, face_photos/")
    parser.add_argument("--out", type=Path, default=Path("out/eye_state"))
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--steps", type=int, default=80, help="batches an epoch")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rate", type=float, default=0.04)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--bf16", action="store_true", help="faster where the processor has AMX or AVX-512 BF16"
    )
    parser.add_argument(
        "--validation", type=int, nargs="*", default=[], help="subjects to leave out as well"
    )
    train(parser.parse_args())


if __name__ == "__main__":
    main()
