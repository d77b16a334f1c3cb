"""The weights that read a face against its own rest, as they come with a net. No engine runs them.

A linear head on a pair of embeddings costs some thousand multiplications, ten times a second.
"""

from __future__ import annotations

import io
import zipfile

import numpy as np
from numpy.typing import NDArray

from dms.engine.manifest import Manifest, verified_bytes
from dms.errors import EngineError

EMBEDDING = "embedding"  # the net's output
_CLASSES = 7


def relative_weights(manifest: Manifest) -> dict[str, NDArray[np.float64]] | None:
    """Return the named arrays; None where the net has none. Raises EngineError with what is wrong.

    E numbers: ``rage_embedding``, ``rage_change``, ``population``; (7, E): ``classes_embedding``,
    ``classes_change``; (7,): ``classes_bias``; one: ``rage_bias``, ``classes_absolute``,
    ``population_sd``.
    """
    size = manifest.outputs.get(EMBEDDING)
    if manifest.relative is None or size is None:
        return None
    path = manifest.folder / manifest.relative.file
    data = verified_bytes(path, manifest.relative.sha256)
    wanted: dict[str, tuple[int, ...]] = {
        "rage_embedding": (size,), "rage_change": (size,), "rage_bias": (),
        "classes_embedding": (_CLASSES, size), "classes_change": (_CLASSES, size),
        "classes_bias": (_CLASSES,), "classes_absolute": (),
        "population": (size,), "population_sd": (),
    }  # fmt: skip
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as kept:
            weights = {name: np.asarray(kept[name], np.float64) for name in wanted}
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise EngineError(
            f"{path} cannot be read ({error}); restore it with 'git checkout engines'"
        ) from error
    for name, shape in wanted.items():
        if weights[name].shape != shape or not np.isfinite(weights[name]).all():
            raise EngineError(
                f"{path}: {name} must be {shape} finite numbers, got {weights[name].shape}; "
                "use engines/ of the same version as dms"
            )
    return weights
