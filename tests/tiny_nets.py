"""Random-weight nets and manifests for tests that need an engine but no training."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper

FERPLUS = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"]
FER2013 = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]


def write_net(
    path: Path,
    size: int,
    outputs: dict[str, int],
    activation: str = "Softmax",
    others: dict[str, str] | None = None,
) -> None:
    """An ONNX file: (n, 1, size, size) -> one random linear layer and activation an output.

    ``others``: outputs with another activation.
    """
    rng = np.random.default_rng(5)
    nodes = [helper.make_node("Flatten", ["input"], ["flat"], axis=1)]
    weights = []
    for name, length in outputs.items():
        matrix = rng.normal(0, 0.2, (size * size, length)).astype(np.float32)
        weights.append(numpy_helper.from_array(matrix, f"{name}_weight"))
        nodes.append(helper.make_node("MatMul", ["flat", f"{name}_weight"], [f"{name}_raw"]))
        kind = (others or {}).get(name, activation)
        nodes.append(helper.make_node(kind, [f"{name}_raw"], [name]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 1, size, size])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", length])
            for name, length in outputs.items()
        ],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)


def write_expression(folder: Path, **changes: object) -> None:
    """A random expression net with its manifest; ``changes`` replace top-level entries."""
    outputs = {"ferplus": 8, "fer2013": 7}
    write_net(folder / "expression.onnx", 48, outputs)
    alignment = {"size": 48, "eye_x": 0.323, "eye_y": 0.394, "mouth_x": 0.344, "mouth_y": 0.773}
    entries = {
        "outputs": outputs,
        "classes": {"ferplus": FERPLUS, "fer2013": FER2013},
        "decision": {"ferplus_prior": [1 / 8] * 8, "fer2013_prior": [1 / 7] * 7},
    }
    _write_manifest(folder, "expression", 48, alignment, entries | changes)


def write_eye_state(folder: Path, **changes: object) -> None:
    """A random eye-state net with its manifest."""
    outputs = {"open": 1, "visible": 1}
    write_net(folder / "eye_state.onnx", 32, outputs, "Sigmoid")
    alignment = {"size": 32, "side": 0.8, "centre_y": 0.53}
    _write_manifest(folder, "eye_state", 32, alignment, {"outputs": outputs} | changes)


def write_eye_net(folder: Path, **changes: object) -> None:
    """A random eye net that tells lids and iris too."""
    outputs = {"open": 1, "visible": 1, "lids": 3, "iris": 7}
    write_net(folder / "eye_state.onnx", 64, outputs, "Sigmoid", {"lids": "Softmax"})
    alignment = {"size": 64, "side": 0.8, "centre_y": 0.53}
    _write_manifest(folder, "eye_state", 64, alignment, {"outputs": outputs} | changes)


def _write_manifest(
    folder: Path, name: str, size: int, alignment: dict[str, float], entries: dict[str, object]
) -> None:
    file = folder / f"{name}.onnx"
    content: dict[str, object] = {
        "name": name,
        "files": {
            "int8": {"file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
        },
        "input": {"shape": [1, size, size], "range": [0.0, 1.0], "alignment": alignment},
        "classes": {},
        "decision": {},
        "figures": {},
        "revision": "test",
    }
    text = yaml.safe_dump(content | entries)
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
