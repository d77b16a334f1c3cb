"""Which head drives, and how far the class frequencies are divided out: an ablation.

PublicTest without its leaks under a fixed draw of the infrared effects, since the choice must not
be made on the infrared people: balanced accuracy against both kinds of labels, and the AUROC of
anger + disgust that road rage needs.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from dms.engine.manifest import load_manifest
from dms.engine.onnx import OnnxEngine
from dms.engine.preprocess.crop import FaceCropSettings
from dms.perception.expression import FER2013, ExpressionNet, ExpressionSettings
from dms.values import EXPRESSIONS
from tools.evaluation.expression import aligned_crops
from tools.evaluation.figures import auroc, balanced_accuracy, rounded
from tools.evaluation.infrared import ANGER, DISGUST, SEVEN
from tools.nets.infrared import infrared
from tools.nets.shipped import outputs
from tools.nets.tiles import Fer

SHARES, POWERS = (0.0, 0.5, 1.0), (0.0, 0.5, 1.0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--net", default="expression", help="an expression net of --engines")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    manifest = load_manifest(args.net, args.engines)
    fer = Fer(args.data)
    chosen = np.flatnonzero(~fer.training & ~fer.leak)
    crops = aligned_crops(fer, chosen, manifest.framing(FaceCropSettings)).astype(np.float32)
    rng = np.random.default_rng(7)
    night = np.stack([np.clip(infrared(crop, rng), 0, 255) for crop in crops])
    label = np.array([EXPRESSIONS.index(FER2013[i]) for i in fer.label[chosen]])
    majority = fer.majority[chosen]
    voted = fer.clear[chosen] & np.isin(majority, SEVEN)
    found: dict[str, Any] = {}
    with OnnxEngine(manifest.path("int8")) as engine:
        out = outputs(engine, np.round(night).astype(np.uint8))
        for share in SHARES:
            for power in POWERS:
                how = ExpressionSettings(ferplus_weight=share, prior_power=power)
                net = ExpressionNet(engine, manifest, how)
                pairs = zip(out["ferplus"], out["fer2013"], strict=True)
                scores = np.array([net.scores(*pair).probabilities for pair in pairs])
                said = np.array(SEVEN)[scores[:, SEVEN].argmax(1)]
                angry = scores[:, [ANGER, DISGUST]].sum(1)
                raging = np.isin(majority, (ANGER, DISGUST))
                found[f"ferplus_weight {share:g}, prior_power {power:g}"] = {
                    "balanced_fer2013": rounded(balanced_accuracy(said, label)),
                    "balanced_ferplus": rounded(balanced_accuracy(said[voted], majority[voted])),
                    "auroc_fer2013": rounded(auroc(angry, np.isin(label, (ANGER, DISGUST)))),
                    "auroc_ferplus": rounded(auroc(angry[voted], raging[voted])),
                }
    return {**found, "net": manifest.name}
