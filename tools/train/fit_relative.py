"""Fit the head that reads the expression net's embedding against that of the person's own rest.

    python -m tools.train.fit_relative --data ../shared/data

Run it after tools/train/export.py and before tools/quantize.py: it reads the FP32 file on the posed
faces of people who are trained on, finds the temperatures of its answers on the others, writes
engines/expression-relative.npz and names it in the manifest.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import yaml

from dms.engine.manifest import FOLDER, load_manifest
from dms.engine.onnx import OnnxEngine
from tools.evaluation.figures import auroc
from tools.evaluation.relative import found_at
from tools.nets.files import entry, save
from tools.nets.posed import HELD_OUT_FOLD, Faces
from tools.nets.relative import DECAY, RAGE, calibrated, embeddings, fitted, odds, pairs_of


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the measurement data")
    parser.add_argument("--cache", type=Path, default=Path("out/faces"), help="of faces cut out")
    parser.add_argument("--engines", type=Path, default=FOLDER)
    parser.add_argument("--fold", type=int, default=HELD_OUT_FOLD, help="of people left out, 0..3")
    parser.add_argument("--decay", type=float, nargs="+", default=[DECAY], help="the first is kept")
    args = parser.parse_args()
    faces = Faces(args.data, args.cache, args.fold)
    rows = np.flatnonzero((faces.person != "") & (faces.label >= 0))
    manifest = load_manifest("expression", args.engines)
    with OnnxEngine(manifest.path("fp32")) as engine:
        seen = embeddings(engine, faces, rows, manifest.input.shape[1])
    held = faces.held[rows]
    trained = pairs_of(faces, rows[~held], seen[:, ~held])
    judged = pairs_of(faces, rows[held], seen[:, held])
    heads = [fitted(trained, decay) for decay in args.decay]
    rage = RAGE[judged.label]
    for decay, head in zip(args.decay, heads, strict=True):
        said, seven = odds(head, judged.face, judged.rest)
        right = float((seven.argmax(1) == judged.label).mean())
        print(
            f"decay {decay:g}: held-out posed people: AUROC {auroc(said, rage):.4f}, "
            f"{found_at(said, rage):.3f} found at 10 % false, 7 classes {right:.3f}"
        )
    kept = calibrated(heads[0], judged)
    heat = float(heads[0]["population_sd"] / kept["population_sd"])
    print(f"log odds divided by {heat:.2f}; people's rests lie {kept['population_sd']:.2f} apart")
    file = args.engines / "expression-relative.npz"
    np.savez(file, **{name: np.float32(value) for name, value in kept.items()})
    path = args.engines / "expression.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["relative"] = entry(file)
    save(path, content)
    print(f"{file}: {len(trained.face)} pairs of {len(set(trained.person.tolist()))} people")


if __name__ == "__main__":
    main()
