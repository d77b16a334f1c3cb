"""Recordings through the very same chain: one, many, swept, compared, audited.

``dms.bench.run`` is the way in for Python; it is loaded when first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dms.bench.bench import Outputs, Result, run

__all__ = ["Outputs", "Result", "run"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'dms.bench' has no attribute {name!r}")
    return getattr(import_module("dms.bench.bench"), name)
