"""Opens the shipped nets for measuring, INT8 first and FP32 beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dms.crop import to_batch
from dms.engine.engine import Engine
from dms.engine.load import open_engine
from dms.engine.manifest import Manifest

PRECISIONS = ("int8", "fp32")


def outputs(engine: Engine, crops: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """All outputs for (n, h, w) crops."""
    parts = [engine.infer(to_batch(part)) for part in np.array_split(crops, len(crops) // 64 + 1)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def by_precision(
    manifest: Manifest, crops: NDArray[np.uint8]
) -> dict[str, dict[str, NDArray[np.float32]]]:
    """Run the INT8 and of the FP32 file on the same crops."""
    found = {}
    for precision in PRECISIONS:
        with open_engine(manifest, precision=precision) as engine:
            found[precision] = outputs(engine, crops)
    return found


def scratch(name: str) -> Path:
    """Where intermediate results of a measurement are kept."""
    return Path("out") / name
