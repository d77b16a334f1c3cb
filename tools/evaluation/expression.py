"""FER2013 and FER+ accuracy of both heads on what was not trained on (PublicTest, PrivateTest)."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dms.engine.manifest import load_manifest
from dms.engine.preprocess.crop import FaceCropSettings
from dms.errors import ConfigError
from dms.perception.expression import FER2013
from dms.values import EXPRESSIONS
from tools.evaluation.figures import (
    accuracy,
    balanced_accuracy,
    calibration_error,
    interval,
    mean,
    rounded,
)
from tools.nets.alignment import fer_anchors, plain_crop, settled
from tools.nets.shipped import beside, by_precision, scratch
from tools.nets.tiles import Fer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--net", default="expression", help="an expression net of --engines")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    manifest = load_manifest(args.net, args.engines)
    fer = Fer(args.data)
    chosen = np.flatnonzero(~fer.training)
    crops = aligned_crops(fer, chosen, manifest.framing(FaceCropSettings))
    truth = Truth(fer, chosen)
    found = {k: truth.figures(out) for k, out in by_precision(manifest, crops).items()}
    return {**beside(found), "net": manifest.name}


def aligned_crops(fer: Fer, chosen: NDArray, framing: FaceCropSettings) -> NDArray[np.uint8]:
    """Cut the (n, size, size) crops of the chosen tiles as the product cuts them.

    Raises ConfigError where none is chosen.
    """
    if not len(chosen):
        raise ConfigError("every tile was trained on; give a folder with others to measure")
    images = fer.images[chosen]
    digest = hashlib.sha256(images.tobytes()).hexdigest()[:16]
    anchors = settled(*fer_anchors(images, scratch(f"anchors-{digest}.npz")))
    pairs = zip(images, anchors, strict=True)
    return np.stack([plain_crop(image, points, framing) for image, points in pairs])


class Truth:
    """What FER2013 and FER+ say of the chosen tiles, and how an output compares."""

    def __init__(self, fer: Fer, chosen: NDArray) -> None:
        self.label, self.majority = fer.label[chosen], fer.majority[chosen]
        self.voted, self.fresh = fer.clear[chosen], ~fer.leak[chosen]

    def figures(self, out: dict[str, NDArray[np.float32]]) -> dict[str, Any]:
        seven, eight = out["fer2013"].argmax(1), out["ferplus"].argmax(1)
        right7, right8 = seven == self.label, eight == self.majority
        voted = self.voted & self.fresh
        fresh, clear = right7[self.fresh], right8[voted]
        return {
            "fer2013_accuracy": rounded(accuracy(seven, self.label)),
            "fer2013_accuracy_leak_free": rounded(mean(fresh)),
            "fer2013_accuracy_leak_free_95": interval(lambda i: fresh[i].mean(), len(fresh)),
            "fer2013_balanced_accuracy": rounded(
                balanced_accuracy(seven[self.fresh], self.label[self.fresh])
            ),
            "ferplus_accuracy": rounded(mean(clear)),
            "ferplus_accuracy_95": interval(lambda i: clear[i].mean(), len(clear)),
            "ferplus_balanced_accuracy": rounded(
                balanced_accuracy(eight[voted], self.majority[voted])
            ),
            "ece": rounded(calibration_error(out["ferplus"].max(1)[voted], clear)),
            "ece_fer2013": rounded(calibration_error(out["fer2013"].max(1)[self.fresh], fresh)),
            "tiles": len(self.label),
            "tiles_leak_free": int(self.fresh.sum()),
            "tiles_voted": int(voted.sum()),
            "recalls_fer2013": _recalls(right7, self.label, self.fresh, FER2013),
            "recalls_ferplus": _recalls(right8, self.majority, voted, EXPRESSIONS),
            "confusion_fer2013": _confusion(seven, self.label, self.fresh, 7),
            "confusion_ferplus": _confusion(eight, self.majority, voted, 8),
        }


def _recalls(
    right: NDArray, truth: NDArray, use: NDArray, names: tuple[str, ...]
) -> dict[str, float | None]:
    return {
        name: rounded(float(right[use & (truth == i)].mean()))
        if (use & (truth == i)).any()
        else None
        for i, name in enumerate(names)
    }


def _confusion(said: NDArray, truth: NDArray, use: NDArray, n: int) -> list[list[int]]:
    return np.bincount(truth[use] * n + said[use], minlength=n * n).reshape(n, n).tolist()


def picture(figures: dict[str, Any], path: Path) -> None:
    """Draw both confusion matrices; rows are the truth."""
    from tools.evaluation.picture import confusion  # noqa: PLC0415 - matplotlib is an extra

    confusion(
        path,
        [
            ("FER2013", FER2013, figures["confusion_fer2013"]),
            ("FER+", EXPRESSIONS, figures["confusion_ferplus"]),
        ],
    )
