"""Train the expression net on FER2013 and FER+ for aligned infrared faces; resumable.

    python -m tools.train.expression --data ../shared/data --out out/expression

Writes checkpoint.pt each epoch (resumed from when it is there) and log.jsonl. The rate is
constant for the first part of training and falls to nothing in the last, so that ``--epochs`` may
be changed on the way: only the falling part depends on it. tools/quantize.py makes the shipped
files from the checkpoint.

``--trunk teacher plain plain --epochs 26 64 85`` trains a larger net in OUT/1, a smaller in OUT/2
and in OUT/3 that one further (``--rate``, ``--batch`` and ``--taught`` are of each net too). A part
(``--taught``) of each target of a later net is what the net before says of the plain crop, mean
over small moves and the mirror image, so that it learns to say of a face in infrared light what
its teacher says of it in daylight (distillation, Hinton et al. 2015). A net of the same trunk as
the one before starts with its weights.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from dms.engine.preprocess.crop import FaceCropSettings
from tools.nets.alignment import fer_anchors, jittered_crop, plain_crop, settled
from tools.nets.files import revision
from tools.nets.infrared import EFFECTS, infrared
from tools.nets.plain import STEM, Average, Optimiser, PlainNet, Trunk, keep, texts
from tools.nets.tiles import Fer, progress

HEADS = {"ferplus": 8, "fer2013": 7}
STEPS = (1, 2, 1, 2, 1, 1, 2, 1, 1)
TRUNKS = {
    "teacher": Trunk((24, 48, 48, 96, 96, 96, 192, 192, 192), STEPS),
    "plain": Trunk((24, 48, 48, 96, 96, 96, 144, 144, 144), STEPS),
    "fine": Trunk((32, 64, 64, 96, 96, 96, 160, 160, 160), (2, *STEPS[1:]), STEM),
    "tiny": Trunk((32, 32, 64, 64, 64, 128, 128, 128), (2, 1, 2, 1, 1, 2, 1, 1)),
}
LOOKS = 4  # at each picture, by each teacher
PLAIN_SHARE = 0.4  # of the crops stay as they are: visible light counts too


def make_net(trunk: str, dropout: float = 0.0) -> PlainNet:
    return PlainNet(FaceCropSettings().size, TRUNKS[trunk], HEADS, dropout=dropout)


class Targets:
    """What each head should say of each picture: (n, 8) for FER+ and (n, 7) for FER2013."""

    def __init__(self, fer: Fer, taught: dict[str, np.ndarray] | None, share: float = 0) -> None:
        label = np.eye(7, dtype=np.float32)[fer.label]
        self.fer2013 = 0.95 * label + np.float32(0.05 / 7)
        self.ferplus, self.weight = fer.share, fer.has_votes.astype(np.float32)
        if taught is not None:
            voted = fer.has_votes[:, None]
            mixed = (1 - share) * fer.share + share * taught["ferplus"]
            self.ferplus = np.where(voted, mixed, taught["ferplus"])
            self.weight = np.ones(len(label), np.float32)
            self.fer2013 = (1 - share) * label + share * taught["fer2013"]


@torch.no_grad()
def taught_by(
    checkpoint: Path, fer: Fer, anchors: np.ndarray, cache: Path
) -> dict[str, np.ndarray]:
    """Mean probabilities of a net over LOOKS small moves of each plain crop, half of them mirrored.

    Pictures outside Training keep zeros: nothing is learned from them.
    """
    if cache.is_file():
        return dict(np.load(cache))
    framing, rng = FaceCropSettings(), np.random.default_rng(5)
    said = {name: np.zeros((len(fer.images), n), np.float32) for name, n in HEADS.items()}
    training = np.flatnonzero(fer.training)
    stored = torch.load(checkpoint, weights_only=True)
    net = make_net(stored["trunk"]).eval()
    net.load_state_dict(stored["average"])
    for part in progress(np.array_split(training, 100), 100, "teacher"):
        for look in range(LOOKS):
            crops = []
            for at in part:
                moved = anchors[at] + rng.normal(0, 0.5, anchors[at].shape)
                crops.append(plain_crop(fer.images[at], moved, framing))
            stack = np.stack(crops)[:, None, :, :: 1 if look % 2 else -1].copy()
            out = net(torch.from_numpy(stack).float() / 255)
            for name, logits in out.items():
                said[name][part] += logits.softmax(1).numpy() / LOOKS
    np.savez(cache, **said)
    return said


class Batches(Dataset):
    """Augmented batches of one epoch; each is a function of (seed, epoch, index) alone."""

    def __init__(
        self,
        fer: Fer,
        anchors: np.ndarray,
        targets: Targets,
        args: argparse.Namespace,
        epoch: int,
    ) -> None:
        self.fer, self.anchors, self.args, self.epoch = fer, anchors, args, epoch
        self.targets = targets
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
        wanted = self.targets
        return (
            torch.from_numpy(crops),
            torch.from_numpy(wanted.ferplus[chosen]),
            torch.from_numpy(wanted.weight[chosen]),
            torch.from_numpy(wanted.fer2013[chosen]),
        )


def loss_of(
    out: dict, ferplus: torch.Tensor, weight: torch.Tensor, fer2013: torch.Tensor
) -> torch.Tensor:
    """Cross-entropies of both heads to their targets; FER+ only counts where it was voted on."""
    votes = -(ferplus * functional.log_softmax(out["ferplus"].float(), 1)).sum(1)
    plus = (votes * weight).sum() / weight.sum().clamp(min=1)
    return plus + functional.cross_entropy(out["fer2013"].float(), fer2013)


class Validation:
    """PublicTest without its leaks, plain and under a fixed draw of the infrared effects."""

    def __init__(self, fer: Fer, anchors: np.ndarray, size: int = FaceCropSettings().size) -> None:
        rng = np.random.default_rng(7)
        self.chosen = np.flatnonzero(~fer.training & ~fer.leak)
        framing = FaceCropSettings(size=size)
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


def generations(args: argparse.Namespace) -> None:
    """Train one net after the other, each but the first taught by the one before."""
    torch.set_num_threads(args.threads)
    fer = Fer(args.data / "fer2013")
    anchors = settled(*fer_anchors(fer.images, args.out / "fer_anchors.npz"))
    taught, before = None, None
    nets = zip(args.trunk, args.epochs, args.rate, args.batch, args.taught, strict=True)
    for number, (trunk, epochs, rate, batch, share) in enumerate(nets, 1):
        out = args.out / str(number)
        out.mkdir(parents=True, exist_ok=True)
        seed = args.seed + number - 1
        torch.manual_seed(seed)
        targets = Targets(fer, taught, share)
        own = {"out": out, "trunk": trunk, "epochs": epochs, "rate": rate, "batch": batch}
        own["seed"] = seed
        start = before if before and trunk == args.trunk[number - 2] else None
        train(argparse.Namespace(**{**vars(args), **own}), fer, anchors, targets, start)
        if number < len(args.epochs):
            before = out / "checkpoint.pt"
            taught = taught_by(before, fer, anchors, out / "taught.npz")


def train(
    args: argparse.Namespace,
    fer: Fer,
    anchors: np.ndarray,
    targets: Targets,
    start: Path | None = None,
) -> None:
    """Train one net, from the weights of checkpoint ``start`` on or from nothing.

    ``args`` has its own out, trunk, epochs, rate, batch and seed.
    """
    validation = Validation(fer, anchors)
    net = make_net(args.trunk, dropout=0.2).to(memory_format=torch.channels_last)
    if start is not None:
        net.load_state_dict(torch.load(start, weights_only=True)["average"])
    optimiser = Optimiser(net, args.rate, args.rate)
    average = Average(net, args.average)
    first, checkpoint = 0, args.out / "checkpoint.pt"
    if checkpoint.is_file():
        stored = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(stored["net"])
        optimiser.load(stored["optimiser"])
        average.state, average.steps, first = stored["average"], stored["steps"], stored["epoch"]
    judged, started_at = make_net(args.trunk), revision()
    for epoch in range(first, args.epochs):
        started, total = time.monotonic(), 0.0
        data = DataLoader(
            Batches(fer, anchors, targets, args, epoch), batch_size=None, num_workers=1
        )
        for index, (crops, *wanted) in enumerate(data):
            with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
                out = net(crops.contiguous(memory_format=torch.channels_last))
            loss = loss_of(out, *wanted)
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
        keep(
            args.out, line, net, optimiser, average, epoch=epoch + 1,
            trunk=args.trunk, revision=started_at, arguments=texts(vars(args)),
        )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds fer2013/")
    parser.add_argument("--out", type=Path, default=Path("out/expression"))
    parser.add_argument("--trunk", choices=TRUNKS, nargs="+", default=["teacher", "plain", "plain"])
    parser.add_argument("--epochs", type=int, nargs="+", default=[26, 64, 85], help="of each net")
    parser.add_argument("--stable", type=float, default=0.1, help="share of epochs at full rate")
    parser.add_argument("--batch", type=int, nargs="+", default=[128, 256, 256], help="of each net")
    parser.add_argument(
        "--rate", type=float, nargs="+", default=[0.04, 0.03, 0.01], help="of each net"
    )
    parser.add_argument(
        "--taught",
        type=float,
        nargs="+",
        default=[0.0, 0.35, 0.5],
        help="share of each net's targets that the net before gives",
    )
    parser.add_argument("--average", type=float, default=0.998, help="decay of the weights' mean")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--bf16", action="store_true", help="faster where the processor has AMX or AVX-512 BF16"
    )
    parser.add_argument(
        "--without", nargs="*", choices=EFFECTS, default=[], help="effects to leave out (ablation)"
    )
    args = parser.parse_args()
    for name in ("epochs", "rate", "batch", "taught"):
        if len(getattr(args, name)) != len(args.trunk):
            parser.error(f"--{name} wants as many numbers as there are trunks")
    generations(args)


if __name__ == "__main__":
    main()
