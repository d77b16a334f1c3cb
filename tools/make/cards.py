"""Write figures of the shipped nets into the model cards and docs/tensorrt.md, between markers.

    python -m tools.make.cards

Run it after tools/evaluate.py --save. What stands between <!-- NAME --> and <!-- /NAME --> in
engines/*.md and in docs/tensorrt.md is replaced; the rest is written by hand.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from dms.engine.manifest import FOLDER, Manifest, load_manifest
from tools.make import orin_budget
from tools.nets.tiles import TEST_SUBJECTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tensorrt.md"

# verb, key in the manifest's figures, words
ROWS = (
    ("expression", "fer2013_accuracy_leak_free", "FER2013 PublicTest, 7 classes, leak-free"),
    ("expression", "fer2013_accuracy", "FER2013 PublicTest, 7 classes, all"),
    ("expression", "ferplus_accuracy", "FER+ PublicTest majority, 8 classes, leak-free"),
    ("expression", "ferplus_balanced_accuracy", "FER+ PublicTest, mean of the classes' recalls"),
    ("expression", "ece", "expected calibration error, FER+ head"),
    ("expression", "ece_fer2013", "expected calibration error, FER2013 head"),
    ("infrared", "accuracy_7", "infrared faces, 7 classes"),
    ("infrared", "accuracy_7_over_mean", "the same, scores over their mean"),
    ("infrared", "anger_recall", "infrared faces, anger found"),
    ("infrared", "rage_auroc", "infrared faces, AUROC of anger + disgust"),
    ("relative", "rage_auroc", "infrared faces against own rest, AUROC of anger + disgust"),
    ("relative", "found_at_10_percent_false", "the same, found at 10 % false"),
    ("relative", "accuracy_7", "infrared faces against own rest, 7 classes"),
    ("infrared", "valence_correlation", "infrared faces, correlation of valence"),
    ("infrared", "arousal_correlation", "infrared faces, correlation of arousal"),
    ("eyes", "balanced_accuracy", "MRL Eye, unseen people, balanced accuracy"),
    ("eyes", "balanced_accuracy_strong_reflections", "the same, strong reflections"),
    ("eyes", "auroc", "MRL Eye, unseen people, AUROC"),
    ("eyes", "called_visible", "MRL Eye, unseen people, called visible"),
    ("lids", "lowered_called_closed", "lids lowered, iris seen, called closed"),
    ("lids", "closed_called_closed", "lids closed called closed"),
    ("lids", "open_called_closed", "lids open called closed"),
    ("lids", "auroc", "AUROC of closed against lowered"),
    ("gaze", "pupil_distance", "MRL Eye, unseen people, pupil, distance over the crop's side"),
    ("gaze", "front_sd_yaw_deg", "portraits looking into the lens, sd of yaw, deg"),
    ("gaze", "front_sd_pitch_deg", "the same, pitch"),
    ("gaze", "glances_read_visible", "drawn glances of 26 deg read beyond 15"),
    ("gaze", "glances_read_infrared", "the same, drawn as infrared"),
    ("gaze", "film_corr_x", "film, correlation with the iris teacher, x"),
    ("gaze", "film_corr_y", "the same, y"),
    ("gaze", "film_auroc", "film, AUROC of more than 20 deg off"),
)


def table(figures: dict[str, Any]) -> str:
    """The CPU's INT8 file with its interval, TensorRT's Q/DQ file and FP32 beside."""
    lines = ["| figure | INT8 | 95 % | Q/DQ | FP32 |", "|---|---|---|---|---|"]
    for verb, key, words in ROWS:
        part = figures.get(verb, {})
        if part.get(key) is not None:
            edges = part.get(f"{key}_95")
            between = f"{edges[0]:.3f} .. {edges[1]:.3f}" if edges else ""
            qdq = part.get("int8_qdq", {}).get(key)
            plain = part.get("fp32", {}).get(key)
            others = " | ".join("" if one is None else f"{one:.3f}" for one in (qdq, plain))
            lines.append(f"| {words} | {part[key]:.3f} | {between} | {others} |")
    zju = figures.get("eyes", {}).get("zju")
    if zju:
        lines.append(f"| ZJU frames, AUROC of open against closed | {zju['auroc']:.3f} | | | |")
        lines.append(f"| ZJU frames, balanced accuracy | {zju['balanced_accuracy']:.3f} | | | |")
    return "\n".join(lines)


def strata(figures: dict[str, Any]) -> str:
    """Accuracy of each stratum of MRL Eye, or of each group of people on infrared frames."""
    lines = []
    for name, one in figures.get("eyes", {}).get("strata", {}).items():
        values = [one["balanced_accuracy"], one["recall_open"], one["recall_closed"]]
        shown = " | ".join("" if value is None else f"{value:.3f}" for value in values)
        lines.append(f"| {name.replace('_', ' ')} | {one['pictures']} | {shown} |")
    if lines:
        heads = "| stratum | pictures | balanced accuracy | open found | closed found |"
        return "\n".join([heads, "|---|---|---|---|---|", *lines])
    for name, one in figures.get("infrared", {}).get("groups", {}).items():
        lines.append(f"| {name} | {one['pictures']} | {one['accuracy_7']:.3f} |")
    heads = "| group on infrared frames | pictures | accuracy, 7 classes |"
    return "\n".join([heads, "|---|---|---|", *lines])


def against_rest(figures: dict[str, Any]) -> str:
    """Posed faces of people who were not trained on, by set; absolute where there is no rest."""
    lines = [
        "| set | people | pictures | AUROC against rest | found at 10 % false | 7 classes "
        "| AUROC of all faces, no rest |",
        "|---|---|---|---|---|---|---|",
    ]
    whole = figures.get("relative_held_out", {})
    for name, one in {**whole.get("sets", {}), "all": whole}.items():
        if one:
            shown = [
                _with_interval(one, key)
                for key in (
                    "rage_auroc", "found_at_10_percent_false", "accuracy_7", "absolute_rage_auroc"
                )
            ]  # fmt: skip
            lines.append(f"| {name} | {one['people']} | {one['pictures']} | {' | '.join(shown)} |")
    return "\n".join(lines)


def _with_interval(part: dict[str, Any], key: str) -> str:
    if part.get(key) is None:
        return ""
    edges = part.get(f"{key}_95")
    return f"{part[key]:.3f}" + (f" [{edges[0]:.3f}, {edges[1]:.3f}]" if edges else "")


def facts(manifest: Manifest) -> dict[str, str]:
    """Text for each marker."""
    net = onnx.load(manifest.path("fp32"))
    weights = sum(np.size(numpy_helper.to_array(one)) for one in net.graph.initializer)
    return {
        "weights": f"{weights:,}",
        "subjects": ", ".join(map(str, TEST_SUBJECTS)),
        "figures": f"\n{table(manifest.figures)}\n",
        "strata": f"\n{strata(manifest.figures)}\n",
        "rest": f"\n{against_rest(manifest.figures)}\n",
    }


def fill(card: str, texts: dict[str, str]) -> str:
    """Replace what stands between the markers of each name."""
    for name, text in texts.items():
        pattern = rf"(<!-- {name} -->).*?(<!-- /{name} -->)"
        card = re.sub(pattern, lambda m, t=text: f"{m[1]}{t}{m[2]}", card, flags=re.DOTALL)
    return card


def budget(page: str, engines: Path = FOLDER) -> str:
    """Return docs/tensorrt.md with the calculation for the nets in ``engines``."""
    gpu = orin_budget.table(30, (1280, 720), engines).split("\n\n")[1]
    marks = orin_budget.landmark_table(engines)
    boards = orin_budget.board_table(engines)
    found = {"budget": gpu, "landmarks": marks, "boards": boards}
    return fill(page, {name: f"\n{table}\n" for name, table in found.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engines", type=Path, default=FOLDER)
    args = parser.parse_args()
    for name in ("expression", "eye_state"):
        path = args.engines / f"{name}.md"
        if path.is_file():
            texts = facts(load_manifest(name, args.engines))
            path.write_text(fill(path.read_text(encoding="utf-8"), texts), encoding="utf-8")
            print(path)
    if args.engines == FOLDER:
        PAGE.write_text(budget(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        print(PAGE)


if __name__ == "__main__":
    main()
