"""The gate before an engine is used: it must say what the FP32 net says, on crops that ship.

``engines/gate.npz`` holds crops rendered from a public-domain portrait and the FP32 outputs for
them, so the comparison works on the vehicle too, where there are no photographs.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dms.engine.engine import Engine
from dms.engine.manifest import Manifest
from dms.engine.preprocess.crop import to_batch
from dms.errors import EngineError
from dms.settings import setting, settings

_STEP = 16  # crops a batch: small enough for every optimisation profile


@settings
class GateSettings:
    """How far an engine may be from the FP32 net before it is refused."""

    mean_loss: float = setting(
        0.02,
        ge=0,
        le=1,
        source="five times what sound INT8 files lose; saturated INT8 loses 0.06 and more",
        text="mean difference of a probability",
    )
    agreement: float = setting(
        0.95, ge=0, le=1, text="least share of crops on which the decision is the same"
    )
    spread_loss: float = setting(
        0.1,
        ge=0,
        le=2,
        source="five times what sound INT8 files lose",
        text="mean difference of what is no probability (an embedding) over its spread",
    )


@dataclass(frozen=True, slots=True)
class GateResult:
    """What the gate measured over all outputs."""

    crops: int
    mean_loss: float
    max_loss: float
    agreement: float
    spread_loss: float | None = None  # of outputs that are no probabilities, the worst


def check(
    engine: Engine, manifest: Manifest, path: Path | None = None, limits: GateSettings | None = None
) -> GateResult:
    """Compare ``engine`` with the stored FP32 outputs; raise EngineError beyond the limits."""
    limits = limits or GateSettings()
    crops, expected = stored(manifest, path)
    got: dict[str, list[NDArray[np.float32]]] = {name: [] for name in expected}
    for start in range(0, len(crops), _STEP):
        out = engine.infer(to_batch(crops[start : start + _STEP]))
        for name in expected:
            got[name].append(out[name])
    all_got = {name: np.concatenate(parts) for name, parts in got.items()}
    result = _compare(expected, all_got, frozenset(manifest.classes))
    if (result.spread_loss or 0.0) > limits.spread_loss:
        raise EngineError(
            f"the engine of {manifest.name} differs from its FP32 net: what it measures by "
            f"{result.spread_loss:.3f} of its spread (at most {limits.spread_loss:g}); "
            "rebuild it, or use the fp32 file"
        )
    if result.mean_loss > limits.mean_loss or result.agreement < limits.agreement:
        raise EngineError(
            f"the engine of {manifest.name} differs from its FP32 net: mean loss "
            f"{result.mean_loss:.4f} (at most {limits.mean_loss:g}), same decision on "
            f"{result.agreement:.1%} (at least {limits.agreement:.0%}); rebuild it, or use the "
            "fp32 file"
        )
    return result


def stored(
    manifest: Manifest, path: Path | None = None
) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.float32]]]:
    """Return the crops (n, h, w) and the FP32 net's outputs for them. Raises EngineError."""
    path = path or manifest.folder / "gate.npz"
    try:
        with np.load(path, allow_pickle=False) as kept:
            crops = kept[f"{manifest.name}.crops"]
            made_for = str(kept[f"{manifest.name}.fp32"])
            outputs = {name: kept[f"{manifest.name}.{name}"] for name in manifest.outputs}
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise EngineError(
            f"{path} cannot be read for {manifest.name} ({error}); restore it with "
            "'git checkout engines'"
        ) from error
    if "fp32" in manifest.files and made_for != manifest.files["fp32"].sha256:
        raise EngineError(
            f"{path} was made for another {manifest.name} net; make it again with "
            "tools/make/gate.py"
        )
    return crops, outputs


def _compare(
    expected: dict[str, NDArray[np.float32]],
    got: dict[str, NDArray[np.float32]],
    classed: frozenset[str],
) -> GateResult:
    """Hold outputs with classes against each other as probabilities, the others by their spread."""
    heads = {name: value for name, value in expected.items() if name in classed} or expected
    others = [name for name in expected if name not in heads]
    losses = np.concatenate(
        [np.abs(got[name] - value).reshape(len(value), -1) for name, value in heads.items()],
        axis=1,
    )
    same = [_decision(got[name]) == _decision(value) for name, value in heads.items()]
    apart = [spread_loss(expected[name], got[name]) for name in others]
    return GateResult(
        crops=len(losses),
        mean_loss=float(losses.mean()),
        max_loss=float(losses.max()),
        agreement=float(np.mean(same)),
        spread_loss=max(apart, default=None),
    )


def spread_loss(expected: NDArray[np.float32], got: NDArray[np.float32]) -> float:
    """Mean difference of outputs (n, E) over the spread of each number from crop to crop."""
    spread = np.maximum(expected.std(0), 1e-3)
    return float((np.abs(got - expected).mean(0) / spread).mean())


def _decision(output: NDArray[np.float32]) -> NDArray[np.int64]:
    flat = output.reshape(len(output), -1)
    return (flat[:, 0] > 0.5).astype(np.int64) if flat.shape[1] == 1 else flat.argmax(1)
