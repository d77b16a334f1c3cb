"""Train the mouth net, which tells a yawn from talk, food, a cup or a phone; export it as shipped.

    python -m tools.train.mouth --data ../shared/data --folds 4
    python -m tools.train.mouth --data ../shared/data

With ``--folds`` people of yawn_frames are left out in turn and scored by a net that has not seen
them; nothing is written. Without it one net learns from all pictures and is put into engines/.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from dms.decision.fatigue.yawns import YawnSettings
from dms.engine.manifest import FOLDER
from dms.perception.mouth import MouthCropSettings
from tools.evaluation.figures import auroc
from tools.landmarking.mouths import WORK, Mouths, mouths
from tools.nets.eyes import light
from tools.nets.files import revision, write_manifest
from tools.nets.plain import Average, Optimiser, PlainNet

SIZE = MouthCropSettings().size
WIDTHS, STRIDES = (12, 16, 24, 32, 48), (2, 1, 2, 1, 2)
YAWNS, DRAWN, OTHERS, FACES = 26, 14, 28, 28  # of each in a batch


def make_net() -> PlainNet:
    return PlainNet(SIZE, WIDTHS, STRIDES, {"yawn": 1}, sigma=0.35, robust=False, dropout=0.1)


def tensor(images: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(images)[:, None].float() / 255


def cover(faces: Tensor, others: Tensor, rng: np.random.Generator) -> Tensor:
    """Put a piece of another picture before half of the mouths, as food or a hand would be."""
    covered = faces.clone()
    for face in covered:
        if rng.random() < 0.5:
            high, wide = (int(n) for n in rng.integers(10, 26, 2))
            y, x = int(rng.integers(30, WORK - high)), int(rng.integers(12, WORK - wide))
            source = others[rng.integers(len(others))]
            sy, sx = int(rng.integers(0, WORK - high)), int(rng.integers(0, WORK - wide))
            face[:, y : y + high, x : x + wide] = source[:, sy : sy + high, sx : sx + wide]
    return covered


def jittered(crops: Tensor, dice: torch.Generator) -> Tensor:
    """Cut (n, 1, side, side) to the net's size with random turn, zoom, stretch, shift, mirror."""
    n = len(crops)
    turn = torch.randn(n, generator=dice) * 0.17
    zoom = torch.exp(torch.randn(n, generator=dice) * 0.17)
    stretch = torch.exp(torch.randn(n, generator=dice) * 0.06)
    mirror = torch.where(torch.rand(n, generator=dice) < 0.5, -1.0, 1.0)
    moved = torch.randn(n, 2, generator=dice) * 0.08
    cos, sin = torch.cos(turn) / zoom, torch.sin(turn) / zoom
    rows = [cos * stretch * mirror, -sin, moved[:, 0], sin * mirror, cos / stretch, moved[:, 1]]
    theta = torch.stack(rows, 1).view(n, 2, 3)
    grid = functional.affine_grid(theta, [n, 1, SIZE, SIZE], align_corners=False)
    return functional.grid_sample(crops, grid, padding_mode="border", align_corners=False)


def train(data: Mouths, use: NDArray[np.int64], steps: int, seed: int) -> PlainNet:
    """Learn from the stills ``use``, with people who are often seen drawn less often."""
    torch.manual_seed(seed)
    net = make_net()
    optimiser, average = Optimiser(net, 0.03, 0.03), Average(net, 0.99)
    rng, dice = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    stills, faces, drawn = tensor(data.stills), tensor(data.faces), tensor(data.drawn)
    weight = np.array([(data.person[use] == data.person[i]).sum() ** -0.5 for i in use])
    pools = []
    for yawn in (True, False):
        mine = data.yawn[use] == yawn
        pools.append((use[mine], weight[mine] / weight[mine].sum()))
    target = torch.cat([torch.full((YAWNS + DRAWN,), 0.97), torch.full((OTHERS + FACES,), 0.03)])
    net.train()
    for step in range(steps):
        parts = [
            stills[rng.choice(pools[0][0], YAWNS, p=pools[0][1])],
            drawn[rng.integers(0, len(drawn), DRAWN)],
            stills[rng.choice(pools[1][0], OTHERS, p=pools[1][1])],
            cover(faces[rng.integers(0, len(faces), FACES)], faces, rng),
        ]
        crops = light(jittered(torch.cat(parts), dice), dice)
        logits = net(crops)["yawn"][:, 0]
        functional.binary_cross_entropy_with_logits(logits, target).backward()
        optimiser.step(min(1.0, step / 40 + 0.02, 2 * (1 - step / steps)))
        average.update(net)
    net.load_state_dict(average.state)
    return net.eval()


@torch.no_grad()
def score(net: PlainNet, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    small = np.stack([cv2.resize(c, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for c in crops])
    return net(tensor(small))["yawn"][:, 0].numpy()


def cross_validate(data: Mouths, folds: int, steps: int) -> None:
    """Score every still by a net that has not seen its person, and say how well they part."""
    people = np.random.default_rng(0).permutation(np.unique(data.person))
    fold_of = {person: n % folds for n, person in enumerate(people.tolist())}
    fold = np.array([fold_of[person] for person in data.person.tolist()])
    scores = np.zeros(len(data.yawn), np.float32)
    for number in range(folds):
        net = train(data, np.flatnonzero(fold != number), steps, number)
        scores[fold == number] = score(net, data.stills[fold == number])
        print(f"fold {number} of {folds}", file=sys.stderr, flush=True)
    others = np.sort(scores[~data.yawn])[::-1]
    limit = others[int(0.05 * len(others))]
    print(f"AUROC {auroc(scores, data.yawn):.3f}")
    print(f"recall at 5 % false {(scores[data.yawn] > limit).mean():.3f}")
    for likely in (YawnSettings().likely_below, 0.5):
        wide = scores > np.log(likely / (1 - likely))
        print(f"at probability {likely:g}: recall {wide[data.yawn].mean():.3f}", end=", ")
        print(f"false {wide[~data.yawn].mean():.3f}")


def export(net: PlainNet, steps: int, engines: Path) -> None:
    from tools.train.export import Deployed  # noqa: PLC0415 - pulls in the other nets' training

    file = engines / "mouth.onnx"
    deployed = Deployed(net, {"yawn": 1.0}).eval()
    torch.onnx.export(
        deployed,
        (torch.zeros(1, 1, SIZE, SIZE),),
        str(file),
        input_names=["input"],
        output_names=["yawn"],
        dynamic_axes={"input": {0: "n"}, "yawn": {0: "n"}},
        opset_version=17,
        dynamo=False,
    )
    write_manifest(
        engines / "mouth.yaml",
        name="mouth",
        files={"fp32": file},
        shape=(1, SIZE, SIZE),
        alignment=asdict(MouthCropSettings()),
        outputs={"yawn": 1},
        classes={"yawn": ["yawn"]},
        decision={},
        revision=revision(),
        epochs=steps,
    )
    print(f"{file}: {sum(p.numel() for p in deployed.parameters())} weights")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="holds yawn_frames/ and photos")
    parser.add_argument("--out", type=Path, default=Path("out/mouth"))
    parser.add_argument("--engines", type=Path, default=FOLDER)
    parser.add_argument("--steps", type=int, default=400, help="batches of 96")
    parser.add_argument("--folds", type=int, default=0, help="only score people left out in turn")
    args = parser.parse_args()
    torch.set_num_threads(1)
    data = mouths(args.data, args.out / "crops.npz")
    if args.folds:
        cross_validate(data, args.folds, args.steps)
        return
    export(train(data, np.arange(len(data.yawn)), args.steps, 1), args.steps, args.engines)


if __name__ == "__main__":
    main()
