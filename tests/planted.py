"""Known embeddings planted behind the expression net, and how to look for them in any bytes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np

from dms.values import Embedding
from tests.scenarios.faces import SIZE, head

NUMBERS = np.random.default_rng(19).uniform(0.1, 3.9, SIZE).astype(np.float32)
_TOGETHER = 8  # bytes in a row that are no chance


def plant() -> None:
    """Let every expression net of this process give :data:`NUMBERS`, and its head read them."""
    from dms.chain import Chain
    from dms.perception.expression import ExpressionNet

    told = ExpressionNet.told

    def planted(self, out):
        return replace(told(self, out), embedding=Embedding(NUMBERS))

    ExpressionNet.told = planted
    Chain.relative_head = cached_property(lambda _: head(population=NUMBERS * 0.9))
    Chain.relative_head.__set_name__(Chain, "relative_head")


def traces(data: bytes) -> list[str]:
    """Return how :data:`NUMBERS` stand in ``data``: as floats, hexadecimal, base64 or text."""
    found = [name for name, parts in _forms() if any(part in data for part in parts)]
    for digits in (3, 4, 6):
        said = [f"{number:.{digits}f}".encode() for number in NUMBERS]
        if sum(text in data for text in said) >= 3:  # one alone may be any other measure
            found.append(f"text with {digits} digits")
    return found


def _forms() -> Iterator[tuple[str, list[bytes]]]:
    for kind in ("float16", "float32", "float64"):
        for order in "<>":
            raw = NUMBERS.astype(np.dtype(kind).newbyteorder(order)).tobytes()
            step = np.dtype(kind).itemsize
            rows = [raw[at : at + _TOGETHER] for at in range(0, len(raw) - _TOGETHER + 1, step)]
            if kind == "float64":
                rows = [row[1:-1] if order == "<" else row[:-1] for row in rows]
            yield f"{kind}{order}", rows
            yield f"{kind}{order} hexadecimal", [row.hex().encode() for row in rows]
            yield f"{kind}{order} base64", list(_encoded(raw))


def _encoded(raw: bytes) -> Iterator[bytes]:
    """Base64 of the middle of ``raw`` wherever it may begin within a longer text."""
    for shift in range(3):
        whole = base64.b64encode(bytes(shift) + raw)
        yield whole[4:16]
