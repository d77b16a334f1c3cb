"""Opens the shipped nets for measuring: the CPU's INT8 file, TensorRT's and FP32 beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dms.decision.emotion.relative import RelativeHead
from dms.engine.engine import Engine
from dms.engine.manifest import Manifest
from dms.engine.onnx import OnnxEngine
from dms.engine.preprocess.crop import to_batch
from dms.engine.relative import relative_weights

PRECISIONS = ("int8", "int8-qdq", "fp32")


def outputs(engine: Engine, crops: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """All outputs for (n, h, w) crops."""
    parts = [engine.infer(to_batch(part)) for part in np.array_split(crops, len(crops) // 64 + 1)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def by_precision(
    manifest: Manifest, crops: NDArray[np.uint8]
) -> dict[str, dict[str, NDArray[np.float32]]]:
    """Run every file of the net on the same crops."""
    return {precision: outputs(engine, crops) for precision, engine in engines(manifest)}


def engines(manifest: Manifest) -> Iterator[tuple[str, Engine]]:
    """Open the net's files one after the other.

    TensorRT's symmetric file runs with optimisations off: fused INT8 saturates on some CPUs.
    """
    for precision in PRECISIONS:
        if precision in manifest.files:
            path = manifest.path(precision)
            with OnnxEngine(path, optimise=precision != "int8-qdq") as engine:
                yield precision, engine


def beside(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The INT8 file's figures, with those of the other files under their names."""
    rest = {name.replace("-", "_"): part for name, part in found.items() if name != "int8"}
    return {**found["int8"], **rest}


def head_of(manifest: Manifest) -> RelativeHead | None:
    """What reads the net's embeddings against rest, None where it has none."""
    weights = relative_weights(manifest)
    return RelativeHead.of(weights) if weights else None


def scratch(name: str) -> Path:
    """Where intermediate results of a measurement are kept."""
    return Path("out") / name
