"""Leave parts of the infrared augmentation out and see what it costs on real infrared faces.

    python -m tools.train.ablate_infrared --data ../shared/data --epochs 10 --bf16 --seeds 1 2

Trains the tiny trunk of tools/train/expression.py from nothing, once for each part and seed, and
prints how each reads PublicTest (plain, and under a fixed draw of all effects) and nir_faces.
Resumed from OUT where a training was done already.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dms.engine.preprocess.crop import FaceCropSettings, face_crop
from dms.perception.landmarks import LandmarkSettings
from dms.values import EXPRESSIONS
from tools.evaluation.figures import auroc
from tools.evaluation.infrared import ANGER, DISGUST, SEVEN, find_faces
from tools.nets.alignment import fer_anchors, settled
from tools.nets.infrared import EFFECTS
from tools.nets.tiles import Fer, read_rows
from tools.train.expression import Targets, make_net, train

PARTS: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "light": ("lamp", "surround", "wash"),
    "skin": ("skin",),
    "tone": ("gamma", "contrast"),
    "sensor": ("coarse", "blur", "noise", "compress"),
    "glasses": ("glasses", "bright_pupil"),
    "cover": ("cover",),
    "everything": tuple(EFFECTS),
}  # what is left out


class RealFaces:
    """The infrared pictures' crops and labels, contempt left out; priors of FER+ Training."""

    def __init__(self, folder: Path, fer: Fer) -> None:
        names = {EXPRESSIONS[i] for i in SEVEN}
        rows = [row for row in read_rows(folder) if row["expression"] in names]
        found = find_faces(folder, LandmarkSettings().model, [row["file"] for row in rows])
        kept = [(row, face) for row, face in zip(rows, found, strict=True) if face is not None]
        crops = [face_crop(*face, FaceCropSettings()) for _, face in kept]
        self.crops = torch.from_numpy(np.stack(crops)[:, None]).float() / 255
        self.truth = np.array([EXPRESSIONS.index(row["expression"]) for row, _ in kept])
        prior = fer.ferplus_prior[SEVEN]
        self.prior = prior / prior.sum()

    @torch.no_grad()
    def figures(self, checkpoint: Path) -> dict[str, float]:
        """FER+ head with the class frequencies divided out: loss in nats is the least noisy."""
        stored = torch.load(checkpoint, weights_only=True)
        net = make_net(stored["trunk"]).eval()
        net.load_state_dict(stored["average"])
        said = net(self.crops)["ferplus"].softmax(1).numpy()[:, SEVEN] / self.prior
        said /= said.sum(1, keepdims=True)
        at = np.array([SEVEN.index(label) for label in self.truth])
        angry = said[:, [SEVEN.index(ANGER), SEVEN.index(DISGUST)]].sum(1)
        score = auroc(angry, np.isin(self.truth, (ANGER, DISGUST)))
        return {
            "real_loss": float(-np.log(said[np.arange(len(at)), at] + 1e-9).mean()),
            "real_accuracy_7": float((said.argmax(1) == at).mean()),
            "real_auroc": float("nan") if score is None else score,
        }


def one(args: argparse.Namespace, part: str, seed: int, fer: Fer, anchors: NDArray) -> Path:
    """Train without ``part``; returns the folder of its checkpoint."""
    out = args.out / f"{part}-{seed}"
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    own = {"out": out, "without": PARTS[part], "seed": seed, "trunk": "tiny"}
    train(argparse.Namespace(**{**vars(args), **own}), fer, anchors, Targets(fer, None))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="with fer2013/ and nir_faces/")
    parser.add_argument("--out", type=Path, default=Path("out/ablation"))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rate", type=float, default=0.03)
    parser.add_argument("--stable", type=float, default=0.1)
    parser.add_argument("--average", type=float, default=0.99)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bf16", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    fer = Fer(args.data / "fer2013")
    anchors = settled(*fer_anchors(fer.images, args.out / "fer_anchors.npz"))
    real = RealFaces(args.data / "nir_faces", fer)
    table: dict[str, list[dict[str, Any]]] = {}
    for seed in args.seeds:
        for part in args.parts:
            out = one(args, part, seed, fer, anchors)
            line = json.loads((out / "log.jsonl").read_text(encoding="utf-8").splitlines()[-1])
            table.setdefault(part, []).append(line | real.figures(out / "checkpoint.pt"))
    names = ["fer2013_plain", "ferplus_plain", "fer2013_infrared", "ferplus_infrared"]
    names += ["real_loss", "real_accuracy_7", "real_auroc"]
    print("| left out | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 1) + "|")
    for part, runs in table.items():
        means = [f"{np.mean([run[name] for run in runs]):.3f}" for name in names]
        print(f"| {part} | " + " | ".join(means) + " |")


if __name__ == "__main__":
    main()
