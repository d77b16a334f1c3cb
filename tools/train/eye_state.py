"""Train the eye net: lids open, lowered or closed, an eye seen or not, iris and corners; resumable.

    python -m tools.train.eye_state --data ../shared/data --out out/eye_state

It learns from eyes that tools/drawing draws, MRL Eye (split by people), face photographs whose
irises and lids are moved, and, in a short second part, labelled tiles of real clips; what cannot be
seen is made from all of them. The first run labels the photographs, which needs the landmark
teacher's packages. Writes checkpoint.pt and log.jsonl each epoch: OUT/base without the tiles, OUT
with them.

    ... --folds     also OUT/0 to OUT/3, each without the people of that fold (number modulo four),
                    by which the labelled clips can be judged honestly (tools/evaluate.py --folds)
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tools.drawing.people import FOLDS
from tools.nets.eye_net import EyeNet, EyeOptimiser, loss_of, offsets
from tools.nets.eyes import light
from tools.nets.files import revision
from tools.nets.plain import Average, keep, texts
from tools.nets.tiles import TEST_SUBJECTS
from tools.train.eye_pictures import PLACES, Eyes, Source, drawn, mrl, place

SIZE = 64
WATCHED = 2048  # drawn eyes of another seed, to watch the training by


def make_net(dropout: float = 0.0) -> EyeNet:
    return EyeNet(SIZE, dropout=dropout)


class Watch:
    """Figures after each epoch: on drawn eyes of another seed and on MRL's people left out."""

    def __init__(self, cache: Path) -> None:
        self.drawn = drawn(WATCHED, 99, cache)
        dice = torch.Generator().manual_seed(1)
        pictures = torch.from_numpy(self.drawn.pictures)[:, None].float() / 255
        points = torch.from_numpy(self.drawn.points)
        crops, self.points = place(pictures, points, PLACES["drawn"], SIZE, dice)
        self.crops = light(crops, dice)

    @torch.no_grad()
    def figures(self, net: EyeNet) -> dict[str, float]:
        net.eval()
        outs = [net(part) for part in self.crops.split(256)]
        lids = torch.cat([out.lids for out in outs]).argmax(1).numpy()
        truth = self.drawn.lids
        sure = truth.max(1) > 0.95
        found = {
            f"drawn_{name}": round(float((lids == k)[sure & (truth.argmax(1) == k)].mean()), 4)
            for k, name in enumerate(("open", "lowered", "closed"))
        }
        off = offsets(torch.cat([out.points for out in outs])) - offsets(self.points)
        seen = self.drawn.iris_weight > 0.9
        gap = off[torch.from_numpy(seen)]
        found["drawn_x_deg"] = round(161 * float(gap[:, 0].abs().median()), 2)
        found["drawn_y_deg"] = round(161 * float(gap[:, 1].abs().median()), 2)
        return found


@torch.no_grad()
def of_people(net: EyeNet, eyes: Eyes) -> dict[str, float]:
    """Balanced accuracy of ``open``, and the pupils' median distance over the crop's side."""
    net.eval()
    pictures = torch.from_numpy(eyes.pictures)[:, None].float() / 255
    outs = [net(part) for part in pictures.split(256)]
    said = torch.cat([out.open for out in outs])[:, 0].numpy() > 0
    lids = torch.cat([out.lids for out in outs]).softmax(1).numpy()
    truth = eyes.open > 0.5
    iris = torch.cat([out.points for out in outs])[:, 0].numpy()
    known = eyes.iris_weight > 0
    far = np.linalg.norm(iris - eyes.points[:, 0], axis=1)[known]
    middle = np.median(eyes.points[known, 0], axis=0)
    guess = np.linalg.norm(eyes.points[known, 0] - middle, axis=1)
    by_lids = lids[:, 2] < 0.5
    return {
        "balanced": _balanced(said, truth),
        "balanced_lids": _balanced(by_lids, truth),
        "mrl_lowered": round(float((lids[~truth].argmax(1) == 1).mean()), 4),
        "pupil": round(float(np.median(far)), 4),
        "pupil_guess": round(float(np.median(guess)), 4),
    }


def _balanced(said: np.ndarray, truth: np.ndarray) -> float:
    return round(float(np.mean([(said[truth == s] == s).mean() for s in (False, True)])), 4)


class Part(NamedTuple):
    """One part of the training: where it writes, where it starts, how long and how fast."""

    out: Path
    start: Path | None
    tiles: str  # all, none, or the fold that is left out
    epochs: int
    rate: float


def parts(args: argparse.Namespace) -> list[Part]:
    """Everything without the tiles first; then a little with them, also for each fold."""
    base = args.out / "base"
    start, epochs, rate = base / "checkpoint.pt", args.finish, args.rate / 3
    found = [Part(base, None, "none", args.epochs, args.rate)]
    found += [Part(args.out, start, "all", epochs, rate)]
    if args.folds:
        found += [Part(args.out / str(k), start, str(k), epochs, rate) for k in range(FOLDS)]
    return found


def train(args: argparse.Namespace, part: Part) -> None:
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    part.out.mkdir(parents=True, exist_ok=True)
    cache = args.cache or args.out.parent
    fold = int(part.tiles) if part.tiles.isdigit() else None
    source = Source(
        args.data, cache, SIZE, count=args.drawn, seed=args.seed, fold=fold,
        left_out=tuple(args.left_out), tiled=part.tiles != "none",
    )  # fmt: skip
    watch = Watch(cache)
    unseen = mrl(args.data, tuple(args.left_out), of_them=True) if args.left_out else None
    net = make_net().to(memory_format=torch.channels_last)
    if part.start:
        net.load_state_dict(torch.load(part.start, weights_only=True)["average"])
    optimiser = EyeOptimiser(net, part.rate, part.rate / 12)
    average, first = Average(net, 0.997), 0
    checkpoint = part.out / "checkpoint.pt"
    if checkpoint.is_file():
        stored = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(stored["net"])
        optimiser.load(stored["optimiser"])
        average.state, average.steps, first = stored["average"], stored["steps"], stored["epoch"]
    judged, started_at = make_net(), revision()
    for epoch in range(first, part.epochs):
        started, total = time.monotonic(), 0.0
        net.train()
        for step in range(args.steps):
            crops, truth = source.batch((args.seed, epoch, step), args.batch)
            loss = _step(net, crops, truth, args.bf16)
            loss.backward()
            done = (epoch + step / args.steps) / part.epochs
            optimiser.step(min(1.0, done * 20 + 0.02, 1.4 * (1 - done)))
            average.update(net)
            total += loss.item()
        judged.load_state_dict(average.state)
        line = {
            "epoch": epoch + 1,
            "loss": round(total / args.steps, 4),
            "seconds": round(time.monotonic() - started),
            **watch.figures(judged),
            **(of_people(judged, unseen) if unseen else {}),
        }
        keep(
            part.out, line, net, optimiser, average, epoch=epoch + 1, revision=started_at,
            arguments=texts({**vars(args), **part._asdict()}),
        )  # fmt: skip


def _step(net: EyeNet, crops: Tensor, truth: object, bf16: bool) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        out = net(crops.contiguous(memory_format=torch.channels_last))
    return loss_of(out, truth)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the measurement data")
    parser.add_argument("--out", type=Path, default=Path("out/eye_state"))
    parser.add_argument("--cache", type=Path, help="for drawn eyes and labels; beside OUT")
    parser.add_argument("--epochs", type=int, default=120, help="without the tiles")
    parser.add_argument("--finish", type=int, default=3, help="epochs with the tiles, after them")
    parser.add_argument("--folds", action="store_true", help="also nets that leave people out")
    parser.add_argument("--steps", type=int, default=110, help="batches an epoch")
    parser.add_argument("--batch", type=int, default=192)
    parser.add_argument("--drawn", type=int, default=30000, help="drawn eyes")
    parser.add_argument("--rate", type=float, default=0.03)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--bf16", action="store_true", help="faster where the processor has AMX or AVX-512 BF16"
    )
    parser.add_argument(
        "--left-out", type=int, nargs="*", default=list(TEST_SUBJECTS), help="people of MRL Eye"
    )
    args = parser.parse_args()
    for part in parts(args):
        train(args, part)


if __name__ == "__main__":
    main()
