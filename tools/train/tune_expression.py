"""Train the shipped expression net further: posed faces against their own rest, and a teacher.

    python -m tools.train.tune_expression --data ../shared/data --out out/relative

Starts from engines/expression.onnx (``--start``), whose trunk of convolutions takes any crop size.
A step sees three kinds of picture: FER2013 tiles with FER+'s votes, most of whose targets are what
the net said before; pairs of a posing person's face and neutral face under two draws of light; and
photographs. On faces and photographs a teacher's features (numbers, ``data/teacher``) are a target,
and its classes a part of one. Every fourth person of each set is never shown (``--fold``).

Writes checkpoint.pt and log.jsonl every ``--every`` steps and is resumed from there.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from dms.engine.manifest import FOLDER, load_manifest
from dms.engine.onnx import OnnxEngine
from dms.engine.preprocess.crop import FaceCropSettings, to_batch
from tools.evaluation.figures import auroc
from tools.nets.alignment import fer_anchors, jittered_crop, plain_crop, settled
from tools.nets.files import revision
from tools.nets.infrared import cabin
from tools.nets.plain import Average, Optimiser, PlainNet, keep, texts
from tools.nets.posed import (
    HELD_OUT_FOLD,
    TEACHER_FEATURES,
    Faces,
    evened,
    lit,
    moved_face,
    plain_face,
    seven_of,
    squinted,
)
from tools.nets.shipped import outputs
from tools.nets.tiles import Fer
from tools.train.expression import HEADS, TRUNKS, loss_of, share_of_rate

RAGE = (0, 1)  # anger and disgust in FER2013's order
NEUTRAL = 6
SMOOTH = 0.1
ONE_CAMERA = 0.6  # share of the pairs whose face and rest are seen in one kind of light
SQUINTING = 0.3  # share of neutral posed faces whose eyes are narrowed; of rests a third of it
EVEN = 0.6  # weight of photographs whose people's group is told, beside their share of the faces
LABELLED = 0.6  # share of a posed face's target that its label gives; the rest is the teacher's


class RelativeNet(nn.Module):
    """The trunk with its two class heads; a relative head and the teacher's, for training only."""

    def __init__(self, size: int, trunk: str, dropout: float = 0.0) -> None:
        super().__init__()
        self.net = PlainNet(size, TRUNKS[trunk], HEADS, dropout=dropout)
        width = TRUNKS[trunk].widths[-1]
        self.own = nn.Linear(width, 8)
        self.shift = nn.Linear(width, 8, bias=False)
        self.teacher = nn.Linear(width, TEACHER_FEATURES)

    def relative(self, seen: Tensor, rest: Tensor) -> Tensor:
        """(n, 8): logits of the seven classes and log odds of anger + disgust, against rest."""
        return self.own(seen) + self.shift(seen - rest)


def start_from(net: PlainNet, fp32: Path, crops: Tensor) -> None:
    """Take the folded weights of a shipped file, so that the net says the same from the first step.

    A folded convolution has a bias and no batch norm: the norm's scale and shift become the spread
    and mean that the convolution's answers have on ``crops``. Channels beyond those stored start by
    chance and unheard: what reads them has zeros. A first kernel of twice the size reads a picture
    of twice the size as the stored one reads its halved picture (mean of 2 x 2 pixels).
    """
    graph = onnx.load(fp32).graph
    stored = {
        one.name: torch.from_numpy(numpy_helper.to_array(one).copy()) for one in graph.initializer
    }
    used = [node.input for node in graph.node if node.op_type == "Conv"]
    with torch.no_grad():
        for name, head in net.heads.items():
            weight = stored[f"heads.{name}.weight"]
            head.weight.zero_()[:, : weight.shape[1]] = weight
            head.bias.copy_(stored[f"heads.{name}.bias"])
        x = net.standardise(crops)
        for (_, weight, bias), at in zip(used, range(0, len(net.trunk), 3), strict=True):
            convolution, norm, active = net.trunk[at : at + 3]
            known, base = stored[weight], stored[bias]
            out, into = known.shape[:2]
            if convolution.kernel_size[0] == 2 * known.shape[-1]:
                known = known.repeat_interleave(2, 2).repeat_interleave(2, 3) / 4
            convolution.weight[:out, into:] = 0
            convolution.weight[:out, :into] = known
            x = convolution(x)
            mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            norm.weight[:out] = (variance[:out] + norm.eps).sqrt()
            norm.bias[:out] = mean[:out] + base
            x = active(norm.eval()(x))
        net.train()


class Targets:
    """What the net should say of each FER2013 tile: votes and labels, and what was said before."""

    def __init__(self, fer: Fer, before: dict[str, NDArray], kept: float) -> None:
        label = np.eye(7, dtype=np.float32)[fer.label]
        voted = fer.has_votes[:, None]
        mixed = (1 - kept) * fer.share + kept * before["ferplus"]
        self.ferplus = np.where(voted, mixed, before["ferplus"]).astype(np.float32)
        self.fer2013 = ((1 - kept) * label + kept * before["fer2013"]).astype(np.float32)


def said_before(fer: Fer, anchors: NDArray, engines: Path, cache: Path) -> dict[str, NDArray]:
    """Both heads of the shipped net on every tile, mean with the mirror image.

    A ``cache`` of another net or of other tiles is made anew; one without a digest is of an earlier
    version and taken where it has as many rows.
    """
    manifest = load_manifest("expression", engines)
    asked = hashlib.sha256(manifest.path("fp32").read_bytes() + fer.images.tobytes()).hexdigest()
    if cache.is_file():
        stored = dict(np.load(cache))
        digest = str(stored.pop("digest", asked))
        if digest == asked and all(len(stored[name]) == len(fer.images) for name in HEADS):
            return stored
        print(f"{cache} is of another net or of other tiles: made anew", file=sys.stderr)
    framing = manifest.framing(FaceCropSettings)
    crops = np.stack([plain_crop(*pair, framing) for pair in zip(fer.images, anchors, strict=True)])
    with OnnxEngine(manifest.path("fp32")) as engine:
        one, other = outputs(engine, crops), outputs(engine, crops[:, :, ::-1].copy())
    said = {name: (one[name] + other[name]) / 2 for name in HEADS}
    np.savez(cache, **said, digest=np.array(asked))
    return said


class Batches(Dataset):
    """Steps of a training; each is a function of (seed, step) alone."""

    def __init__(
        self, fer: Fer, anchors: NDArray, targets: Targets, faces: Faces, args: argparse.Namespace
    ) -> None:
        self.fer, self.anchors, self.targets, self.faces = fer, anchors, targets, faces
        self.seed, self.first, self.steps = args.seed, args.first, args.steps
        self.mix, self.lit_tiles = args.mix, args.lit_tiles
        self.framing = FaceCropSettings(size=args.size)
        self.tiles = np.flatnonzero(fer.training)
        posed = (faces.person != "") & ~faces.held & (seven_of(faces.label) >= 0)
        photos = (faces.person == "") & ~faces.held & np.isfinite(faces.log_p[:, 0])
        self.told = np.flatnonzero(photos & (faces.gender != ""))
        self.photos = np.flatnonzero(photos & (faces.gender == ""))
        self.by_set = {
            name: np.flatnonzero(posed & (faces.set == name)) for name in sorted(set(faces.set))
        }
        self.by_set = {name: rows for name, rows in self.by_set.items() if len(rows)}
        weight = np.sqrt([len(rows) for rows in self.by_set.values()])
        self.chance = weight / weight.sum()
        self.class_targets = class_targets(faces)
        self.neutral = seven_of(faces.label) == NEUTRAL
        self.spread = np.nanstd(faces.features, 0)
        self.spread = np.sqrt(self.spread * self.spread.max()).astype(np.float32)
        self.middle = np.nanmean(faces.features, 0)

    def __len__(self) -> int:
        return self.steps - self.first

    def __getitem__(self, at: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((self.seed, self.first + at))
        count, pairs, others = self.mix
        tiles = rng.choice(self.tiles, count, replace=False)
        drawn = [self.draw_pair(rng) for _ in range(pairs)]
        face = np.array([one for one, _ in drawn])
        rest = np.array([other for _, other in drawn])
        photos = np.concatenate(
            [
                rng.choice(self.told, told := 2 * others // 3, replace=False),
                rng.choice(self.photos, others - told, replace=False),
            ]
        )
        crops = [self._tile(tile, rng) for tile in tiles]
        kinds = rng.random(pairs)  # a face and its rest are mostly seen by one camera
        rest_kinds = np.where(rng.random(pairs) < ONE_CAMERA, kinds, rng.random(pairs))
        kinds = np.concatenate([kinds, rest_kinds, rng.random(others)])
        seen = (*face, *np.where(rest < 0, face, rest), *photos)
        share = np.zeros(len(seen))
        share[:pairs] = SQUINTING * self.neutral[face]
        share[pairs : 2 * pairs] = SQUINTING / 3
        narrow = rng.random(len(seen)) < share
        for row, kind, narrowed in zip(seen, kinds.tolist(), narrow.tolist(), strict=True):
            crop = moved_face(self.faces.patches[row], self.faces.anchors[row], self.framing, rng)
            crops.append(lit(squinted(crop, rng) if narrowed else crop, rng, kind))
        stack = np.round(np.stack(crops))[:, None].astype(np.float32) / 255
        rows = np.concatenate([face, np.where(rest < 0, face, rest), photos])
        known = np.isfinite(self.faces.features[rows, 0]) & ~narrow
        features = np.nan_to_num((self.faces.features[rows] - self.middle) / self.spread)
        held: dict[str, NDArray] = {
            "crops": stack,
            "ferplus": self.targets.ferplus[tiles],
            "fer2013": self.targets.fer2013[tiles],
            "classes": self.class_targets[rows],
            "features": features.astype(np.float32),
            "known": known.astype(np.float32),
            "label": seven_of(self.faces.label[face]),
            "has_rest": (rest >= 0).astype(np.float32),
            "told": (self.faces.gender[rows] != "").astype(np.float32),
        }
        return {name: torch.from_numpy(np.ascontiguousarray(of)) for name, of in held.items()}

    def draw_pair(self, rng: np.random.Generator) -> tuple[int, int]:
        """A posed face and a neutral one of the same person, -1 where there is no other."""
        rows = self.by_set[str(rng.choice(list(self.by_set), p=self.chance))]
        seven = seven_of(self.faces.label[rows])
        kind = rng.random()
        if kind < 0.4:
            wanted = rows[np.isin(seven, RAGE)]
        elif kind < 0.6:
            wanted = rows[seven == NEUTRAL]
        else:
            wanted = rows[seven == rng.integers(2, 6)]
        face = int(rng.choice(wanted if len(wanted) else rows))
        rests = self.faces.rests[str(self.faces.person[face])]
        rests = rests[rests != face]
        return face, int(rng.choice(rests)) if len(rests) else -1

    def _tile(self, tile: int, rng: np.random.Generator) -> NDArray[np.float32]:
        crop = jittered_crop(self.fer.images[tile], self.anchors[tile], self.framing, rng)
        return lit(crop, rng) if rng.random() < self.lit_tiles else np.clip(crop, 0, 255)


def class_targets(faces: Faces) -> NDArray[np.float32]:
    """(n, 7) in FER2013's order: label with smoothing and the teacher's word, or its alone.

    Of photographs whose people's group is told, anger and disgust are spread in each group and sex
    as in the teacher's word on women: it calls men angry four times as often.
    """
    taught = np.exp(faces.log_p)
    told = np.flatnonzero((faces.gender != "") & np.isfinite(faces.log_p[:, 0]))
    if len(told):
        rage = taught[told][:, RAGE].sum(1).clip(1e-4, 1 - 1e-4)
        groups = np.char.add(faces.gender[told], faces.group[told])
        even = evened(rage, groups, faces.gender[told] == "female")
        factor = np.repeat(((1 - even) / (1 - rage))[:, None], 7, 1)
        factor[:, RAGE] = (even / rage)[:, None]
        changed = taught[told] * factor
        taught[told] = changed / changed.sum(1, keepdims=True)
    seven = seven_of(faces.label)
    label = (1 - SMOOTH) * np.eye(7)[np.maximum(seven, 0)] + SMOOTH / 7
    taught = np.where(np.isfinite(taught), taught, label)
    mixed = LABELLED * label + (1 - LABELLED) * taught
    return np.where((seven >= 0)[:, None], mixed, taught).astype(np.float32)


def losses(model: RelativeNet, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Each part of the loss of one step, weighted."""
    net = model.net
    seen = net.features(batch["crops"].contiguous(memory_format=torch.channels_last)).float()
    heads = {name: head(net.dropout(seen)) for name, head in net.heads.items()}
    count, pairs = len(batch["fer2013"]), len(batch["label"])
    tiles = {name: out[:count] for name, out in heads.items()}
    ones = torch.ones(count)
    faces = {name: out[count:] for name, out in heads.items()}
    each = functional.cross_entropy(faces["fer2013"], batch["classes"], reduction="none")
    eight = functional.log_softmax(faces["ferplus"][:, IN_SEVEN], 1)
    each = each - (batch["classes"] * eight).sum(1)
    told = batch["told"]
    posed = seen[count:]
    wrong = ((model.teacher(net.dropout(posed)) - batch["features"]) ** 2).mean(1)
    face, rest = net.dropout(posed[:pairs]), posed[pairs : 2 * pairs]
    said = model.relative(face, rest)
    raging = (batch["label"] <= max(RAGE)).float()
    odds = functional.binary_cross_entropy_with_logits(said[:, 7], raging, reduction="none")
    seven = functional.cross_entropy(
        said[:, :7], batch["label"], reduction="none", label_smoothing=SMOOTH
    )
    has = batch["has_rest"]
    return {
        "fer": loss_of(tiles, batch["ferplus"], ones, batch["fer2013"]),
        "classes": 0.4 * each.mean(),
        "even": EVEN * (each * told).sum() / told.sum().clamp(min=1),
        "teacher": 8.0 * (wrong * batch["known"]).sum() / batch["known"].sum().clamp(min=1),
        "relative": ((odds + seven) * has).sum() / has.sum().clamp(min=1),
    }


# Places of FER2013's classes among FER+'s.
IN_SEVEN = [4, 5, 6, 1, 3, 2, 0]


class Judge:
    """Figures on people who are never shown, and on PublicTest without its leaks."""

    def __init__(self, fer: Fer, anchors: NDArray, faces: Faces, size: int) -> None:
        framing = FaceCropSettings(size=size)
        chosen = np.flatnonzero(~fer.training & ~fer.leak)
        pairs = zip(fer.images[chosen], anchors[chosen], strict=True)
        self.fer = np.stack([plain_crop(*pair, framing) for pair in pairs])
        self.label, self.clear = fer.label[chosen], fer.clear[chosen]
        self.majority = fer.majority[chosen]
        rows = np.flatnonzero(faces.held & (seven_of(faces.label) >= 0))
        rng = np.random.default_rng(7)
        cuts = [plain_face(faces.patches[row], faces.anchors[row], framing) for row in rows]
        self.posed = {
            "plain": np.stack(cuts),
            "cabin": np.stack(
                [np.clip(np.round(cabin(one.astype(np.float32), rng)), 0, 255) for one in cuts]
            ).astype(np.uint8),
        }
        self.seven, self.set = seven_of(faces.label[rows]), faces.set[rows]
        first = {p: of[0] for p, of in faces.rests.items() if len(of)}
        place = {int(row): at for at, row in enumerate(rows)}
        self.rest = np.array([place.get(int(first.get(faces.person[r], -1)), -1) for r in rows])
        self.judged = (self.rest >= 0) & (self.rest != np.arange(len(rows)))

    @torch.no_grad()
    def figures(self, model: RelativeNet) -> dict[str, float]:
        model.eval()
        found: dict[str, float] = {}
        out = [model.net(torch.from_numpy(part)) for part in _parts(self.fer)]
        seven = torch.cat([one["fer2013"] for one in out]).argmax(1).numpy()
        eight = torch.cat([one["ferplus"] for one in out]).argmax(1).numpy()
        found["fer2013"] = float((seven == self.label).mean())
        found["ferplus"] = float((eight == self.majority)[self.clear].mean())
        for light, crops in self.posed.items():
            parts = [model.net.features(torch.from_numpy(part)) for part in _parts(crops)]
            seen = torch.cat(parts)
            said = model.relative(seen, seen[np.maximum(self.rest, 0)]).numpy()
            use = self.judged
            rage = np.isin(self.seven, RAGE)
            found[f"auroc_{light}"] = auroc(said[use, 7], rage[use])
            found[f"seven_{light}"] = float((said[:, :7].argmax(1) == self.seven)[use].mean())
            for name in sorted(set(self.set[use])):
                one = use & (self.set == name)
                if rage[one].any():
                    found[f"auroc_{light}_{name}"] = auroc(said[one, 7], rage[one])
            alone = model.net.heads["fer2013"](seen).softmax(1)[:, RAGE].sum(1).numpy()
            for name in ("rafd", "radiate"):
                one = self.set == name
                found[f"alone_{light}_{name}"] = auroc(alone[one], rage[one])
        model.train()
        return {name: round(value, 4) for name, value in found.items()}


def _parts(crops: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    return [to_batch(part) for part in np.array_split(crops, len(crops) // 256 + 1)]


def train(args: argparse.Namespace) -> None:
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    fer, faces = Fer(args.data / "fer2013"), Faces(args.data, args.cache, args.fold)
    anchors = settled(*fer_anchors(fer.images, args.cache / "fer_anchors.npz"))
    before = said_before(fer, anchors, args.engines, args.cache / "before.npz")
    targets = Targets(fer, before, args.kept)
    judge = Judge(fer, anchors, faces, args.size)
    model = RelativeNet(args.size, args.trunk, dropout=0.2).to(memory_format=torch.channels_last)
    args.first = 0
    batches = Batches(fer, anchors, targets, faces, args)
    first = batches[0]["crops"]
    start_from(model.net, args.start or args.engines / "expression.onnx", first)
    optimiser, average = Optimiser(model, args.rate, 2 * args.rate), Average(model, args.average)
    checkpoint = args.out / "checkpoint.pt"
    if checkpoint.is_file():
        stored = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(stored["net"])
        optimiser.load(stored["optimiser"])
        average.state, average.steps = stored["average"], stored["steps"]
        batches.first = args.first = stored["step"]
    judged, started_at = RelativeNet(args.size, args.trunk), revision()
    started, total, count = time.monotonic(), {}, 0
    loader = DataLoader(batches, batch_size=None, num_workers=1, prefetch_factor=2)
    for step, batch in enumerate(loader, args.first + 1):
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
            parts = losses(model, batch)
        sum(parts.values()).backward()
        optimiser.step(share_of_rate(20 * step / args.steps, 20, args.stable))
        average.update(model)
        count += 1
        for name, value in parts.items():
            total[name] = total.get(name, 0.0) + value.item()
        if step % args.every and step < args.steps:
            continue
        judged.load_state_dict(average.state)
        line: dict[str, Any] = {
            "step": step,
            "seconds": round(time.monotonic() - started),
            **{name: round(value / count, 4) for name, value in total.items()},
        }
        if step == args.steps or step // args.every % args.judged == 0:
            line |= judge.figures(judged)
        total, count = {}, 0
        keep(
            args.out, line, model, optimiser, average, step=step, trunk=args.trunk,
            size=args.size, revision=started_at, arguments=texts(vars(args)),
        )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the measurement data")
    parser.add_argument("--out", type=Path, default=Path("out/relative"))
    parser.add_argument("--cache", type=Path, default=Path("out/faces"), help="of faces cut out")
    parser.add_argument("--engines", type=Path, default=FOLDER)
    parser.add_argument("--start", type=Path, help="FP32 file to start from, else the shipped one")
    parser.add_argument("--trunk", choices=TRUNKS, default="fine")
    parser.add_argument("--size", type=int, default=96, help="px of the crop (%(default)s)")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument(
        "--mix", type=int, nargs=3, default=[64, 20, 24], help="tiles, pairs, photographs of a step"
    )
    parser.add_argument(
        "--kept", type=float, default=0.7, help="share of FER's targets that the net before gives"
    )
    parser.add_argument(
        "--lit-tiles", type=float, default=0.5, help="share of FER's tiles shown in another light"
    )
    parser.add_argument("--every", type=int, default=200, help="steps between two checkpoints")
    parser.add_argument("--judged", type=int, default=3, help="checkpoints between two judgings")
    parser.add_argument("--rate", type=float, default=0.004)
    parser.add_argument("--stable", type=float, default=0.15, help="share of steps at full rate")
    parser.add_argument("--average", type=float, default=0.998, help="decay of the weights' mean")
    parser.add_argument("--fold", type=int, default=HELD_OUT_FOLD, help="of people left out, 0..3")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bf16", action="store_true", help="faster with AVX-512 BF16 or AMX")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
