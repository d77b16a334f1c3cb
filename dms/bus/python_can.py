"""python-can without asammdf, which it would load with itself: MF4 logs alone need that.

asammdf (extra ``mf4``) brings pandas and more: some 80 MB and 0.4 s of every start. All of dms
takes ``can`` from here.
"""

from __future__ import annotations

import importlib
import sys

_ASAMMDF = "asammdf"
_held = _ASAMMDF not in sys.modules and "can" not in sys.modules
if _held:
    sys.modules[_ASAMMDF] = None  # type: ignore[assignment]  # "not installed", says Python
try:
    import can
    from can.io import mf4
finally:
    if _held:
        del sys.modules[_ASAMMDF]

__all__ = ["can", "load_mf4"]


def load_mf4() -> None:
    """Let python-can read and write MF4. Raises ImportError where asammdf is missing."""
    importlib.import_module(_ASAMMDF)
    if getattr(mf4, "asammdf", None) is None:
        importlib.reload(mf4)  # into the same namespace, so its readers know asammdf from now on
