"""Engines by name: a backend is imported only when it is asked for."""

from __future__ import annotations

from importlib import import_module

from dms.engine.engine import Engine
from dms.engine.manifest import Manifest
from dms.errors import EngineError

BACKENDS = {"onnxruntime": "dms.engine.onnx:OnnxEngine"}


def open_engine(
    manifest: Manifest, *, backend: str = "onnxruntime", precision: str = "int8"
) -> Engine:
    """Load one net. Raises EngineError where its file, its shape or the backend is not right."""
    if backend not in BACKENDS:
        raise EngineError(f"no engine backend {backend!r}; choose one of {', '.join(BACKENDS)}")
    module, _, name = BACKENDS[backend].partition(":")
    try:
        kind = getattr(import_module(module), name)
    except ImportError as error:
        raise EngineError(
            f"the engine backend {backend} is not installed ({error}); install it or use "
            "'onnxruntime'"
        ) from error
    engine: Engine = kind(*manifest.read(precision))
    if engine.input_shape != manifest.input.shape:
        engine.close()
        raise EngineError(
            f"{manifest.files[precision].file} takes {engine.input_shape}, its manifest says "
            f"{manifest.input.shape}; restore both with 'git checkout engines'"
        )
    return engine
