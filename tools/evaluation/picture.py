"""Draws confusion matrices for the model cards; needs matplotlib (the train extra)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt

Part = tuple[str, Sequence[str], Sequence[Sequence[int]]]


def confusion(path: Path, parts: Sequence[Part]) -> None:
    """One matrix a part, shares of each row; rows are the truth, columns what the net says."""
    figure, axes = plt.subplots(1, len(parts), figsize=(4.6 * len(parts), 4.4), squeeze=False)
    for axis, (title, names, counts) in zip(axes[0], parts, strict=True):
        matrix = np.asarray(counts, float)
        share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
        axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
        axis.set_title(f"{title} (n = {int(matrix.sum())})", fontsize=10)
        axis.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=8)
        axis.set_yticks(range(len(names)), names, fontsize=8)
        for row in range(len(names)):
            for column in range(len(names)):
                colour = "white" if share[row, column] > 0.5 else "black"
                text = f"{share[row, column] * 100:.0f}"
                axis.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
    figure.tight_layout()
    figure.savefig(path, dpi=80, metadata={"Software": None})
    plt.close(figure)
