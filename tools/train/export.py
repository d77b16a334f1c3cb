r"""Turn a training checkpoint into the FP32 ONNX file and the manifest of a shipped net.

    python -m tools.train.export expression --data ../shared/data \
        --checkpoint out/relative/checkpoint.pt

Batch norms are folded into the convolutions; each head is calibrated by a temperature found on
what was not trained on, and ends in its softmax or sigmoid. A net of tools/train/tune_expression.py
gives its pooled features out, too, as ``embedding``, for the head of tools/train/fit_relative.py.
tools/quantize.py makes the INT8 files.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from dms.engine.manifest import FOLDER
from dms.engine.relative import EMBEDDING
from dms.perception.expression import FER2013
from dms.values import EXPRESSIONS
from tools.drawing.calibration_crops import middle, resized
from tools.drawing.eyes import draw_eyes
from tools.drawing.people import draw_people
from tools.nets.alignment import fer_anchors, settled
from tools.nets.eye_net import CLOSED, POINTS, VISIBLE, EyeNet, offsets, said
from tools.nets.files import framing_of, revision, write_manifest
from tools.nets.plain import PlainNet
from tools.nets.tiles import Fer, integers, read_rows
from tools.train import expression as train_expression
from tools.train import eye_state as train_eye_state
from tools.train import tune_expression
from tools.train.eye_pictures import tile_people

# A sleeper taken for one who looks down weighs so many times the other way round.
CLOSED_ODDS = 2.0
HIDDEN_ODDS = 3.0  # likewise a hidden eye that is believed
EYE_OUTPUTS = {"open": 1, "visible": 1, "lids": 3, "iris": 7}
# What has classes is a probability; ``iris`` holds places.
EYE_CLASSES = {"open": ["open"], "visible": ["visible"], "lids": ["open", "lowered", "closed"]}


class Deployed(nn.Module):
    """The net as shipped: folded, temperatures in the heads' weights, probabilities out."""

    def __init__(
        self, net: PlainNet, temperatures: dict[str, float], *, embedding: bool = False
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.standardise, self.heads = net.standardise, net.heads
        layers = list(net.trunk)
        folded: list[nn.Module] = []
        for convolution, norm, active in zip(*[iter(layers)] * 3, strict=True):
            folded += [fuse_conv_bn_eval(convolution, norm), active]
        self.trunk = nn.Sequential(*folded)
        with torch.no_grad():
            for name, head in self.heads.items():
                head.weight /= temperatures[name]
                head.bias /= temperatures[name]

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        pooled = functional.adaptive_avg_pool2d(self.trunk(self.standardise(x)), 1).flatten(1)
        raw = [head(pooled) for head in self.heads.values()]
        told = tuple(y.sigmoid() if y.shape[1] == 1 else y.softmax(1) for y in raw)
        return (*told, pooled) if self.embedding else told


class DeployedEyes(nn.Module):
    """The eye net as shipped: folded, probabilities, and iris and corners with their spread."""

    def __init__(self, net: EyeNet, spread: float) -> None:
        super().__init__()
        self.spread = spread
        with torch.no_grad():
            net.answer.bias[CLOSED] += math.log(CLOSED_ODDS)
            net.answer.bias[VISIBLE] -= math.log(HIDDEN_ODDS)
        self.standardise, self.hidden, self.answer = net.standardise, net.hidden, net.answer
        layers = list(net.trunk)
        folded: list[nn.Module] = []
        for convolution, norm, active in zip(*[iter(layers)] * 3, strict=True):
            folded += [fuse_conv_bn_eval(convolution, norm), active]
        self.trunk = nn.Sequential(*folded)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        features = self.trunk(self.standardise(x)).flatten(1)
        columns = self.answer(functional.relu(self.hidden(features)))
        found = said(columns)
        iris = torch.cat([columns[:, POINTS], found.spread.exp() * self.spread], 1)
        return found.open.sigmoid(), found.visible.sigmoid(), found.lids.softmax(1), iris


def temperature(logits: Tensor, target: Tensor) -> float:
    """Find the divisor of the logits with the least cross-entropy to ``target``."""
    best, found = np.inf, 1.0
    for tried in np.exp(np.linspace(-1, 1.2, 111)):
        scaled = logits / float(tried)
        if logits.shape[1] == 1:
            loss = functional.binary_cross_entropy_with_logits(scaled, target)
        else:
            loss = -(target * scaled.log_softmax(1)).sum(1).mean()
        if loss.item() < best:
            best, found = loss.item(), float(tried)
    return round(found, 4)


def relative(stored: dict) -> bool:
    """Whether a checkpoint is one of tools/train/tune_expression.py."""
    return "size" in stored


def expression(args: argparse.Namespace, stored: dict) -> tuple[PlainNet, dict, dict]:
    """Net, temperatures and decision numbers of the expression net."""
    if relative(stored):
        whole = tune_expression.RelativeNet(stored["size"], stored["trunk"])
        whole.load_state_dict(stored["average"])
        net = whole.net
    else:
        net = train_expression.make_net(stored["trunk"])
        net.load_state_dict(stored["average"])
    fer = Fer(args.data / "fer2013")
    cache = args.cache or args.checkpoint.parents[1]
    anchors = settled(*fer_anchors(fer.images, cache / "fer_anchors.npz"))
    seen = train_expression.Validation(fer, anchors, net.size)
    with torch.no_grad():
        crops = torch.cat(list(seen.sets.values()))
        outs = [net.eval()(part) for part in crops.split(512)]
    logits = {name: torch.cat([out[name] for out in outs]) for name in train_expression.HEADS}
    share = torch.from_numpy(np.tile(fer.share[seen.chosen], (2, 1)))
    has = torch.from_numpy(np.tile(fer.has_votes[seen.chosen], 2))
    label = torch.from_numpy(np.tile(seen.label, 2))
    majority = functional.one_hot(share.argmax(1), 8).float()
    temperatures = {
        "ferplus": temperature(logits["ferplus"][has], majority[has]),
        "fer2013": temperature(logits["fer2013"], functional.one_hot(label, 7).float()),
    }
    priors = {
        "ferplus_prior": fer.ferplus_prior.round(5).tolist(),
        "fer2013_prior": (np.bincount(fer.label[fer.training]) / fer.training.sum())
        .round(5)
        .tolist(),
    }
    return net, temperatures, priors


def eye_state(args: argparse.Namespace, stored: dict) -> tuple[EyeNet, dict, dict]:
    """Net, and the people it has seen, of the eye net."""
    net = train_eye_state.make_net()
    net.load_state_dict(stored["average"])
    arguments = stored["arguments"]
    left_out = set(json.loads(arguments["left_out"]))
    every = integers(read_rows(args.data / "mrl_eyes_64", "subject"), "subject")
    decision: dict = {"trained_subjects": sorted(set(every.tolist()) - left_out)}
    if arguments["tiles"] != "none":
        fold = int(arguments["tiles"]) if arguments["tiles"].isdigit() else None
        decision["trained_tile_people"] = tile_people(args.data, fold)
    decision |= {"spread": spread_of(net), "closed_odds": CLOSED_ODDS, "hidden_odds": HIDDEN_ODDS}
    # Smoothed targets have left the logits as they should be for crops off the beaten track.
    return net, {}, decision


@torch.no_grad()
def spread_of(net: EyeNet, count: int = 1000, seed: int = 77) -> float:
    """Find the factor on the spread that fits the errors on clear drawn eyes.

    Training shows eyes in worse light than most cameras do, so the net trusts itself too little.
    """
    rng = np.random.default_rng(seed)
    people = draw_people(count, rng)
    crops = np.stack([resized(middle(eye), net.size) for eye in draw_eyes(people, rng)])
    out = net.eval()(torch.from_numpy(crops)[:, None].float() / 255)
    truth = torch.from_numpy(np.stack([people.iris_x, people.iris_y], 1))
    seen = torch.from_numpy(people.lids[:, 0] > 0.9)
    off = (offsets(out.points) - truth)[seen] / (math.sqrt(2) * out.spread.exp())[seen]
    return round(float(off.clamp(-4, 4).square().mean().sqrt()), 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("net", choices=["expression", "eye_state"])
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="folder of fer_anchors.npz")
    parser.add_argument("--engines", type=Path, default=FOLDER)
    args = parser.parse_args()
    stored = torch.load(args.checkpoint, weights_only=True)
    kind = expression if args.net.startswith("expression") else eye_state
    net, temperatures, decision = kind(args, stored)
    eyes = kind is eye_state
    embedding = not eyes and relative(stored)
    net.eval()
    deployed = (
        DeployedEyes(net, decision["spread"])
        if eyes
        else Deployed(net, temperatures, embedding=embedding)
    )
    outputs = EYE_OUTPUTS if eyes else {name: h.out_features for name, h in net.heads.items()}
    if embedding:
        outputs |= {EMBEDDING: net.heads["fer2013"].in_features}
    args.engines.mkdir(exist_ok=True)
    file = args.engines / f"{args.net}.onnx"
    torch.onnx.export(
        deployed.eval(),
        (torch.zeros(2, 1, net.size, net.size),),
        str(file),
        input_names=["input"],
        output_names=list(outputs),
        dynamic_axes={name: {0: "n"} for name in ["input", *outputs]},
        opset_version=17,
        dynamo=False,
    )
    classes = {"ferplus": list(EXPRESSIONS), "fer2013": list(FER2013)}
    write_manifest(
        args.engines / f"{args.net}.yaml",
        name=args.net,
        files={"fp32": file},
        shape=(1, net.size, net.size),
        alignment=framing_of(args.net, net.size),
        outputs=outputs,
        classes=EYE_CLASSES if eyes else classes,
        decision={**decision, **{f"temperature_{k}": v for k, v in temperatures.items()}},
        revision=stored.get("revision", revision()),
        epochs=stored["step"] if embedding else stored["epoch"],
        counted="steps" if embedding else "epochs",
    )
    print(f"{file}: {sum(p.numel() for p in deployed.parameters())} weights, {temperatures}")


if __name__ == "__main__":
    main()
