"""The budget: its counting is checked on nets whose size is known, its text is marked."""

from __future__ import annotations

from pathlib import Path

import pytest

from dms.engine.manifest import load_manifest
from tests import small_nets
from tools.make import orin_budget as room
from tools.make.cards import budget


def test_counts_of_a_net_done_by_hand(tmp_path: Path) -> None:
    cost = room.cost_of(small_nets.plain(tmp_path / "net.onnx", classes=8, widths=(4, 8)))
    # 3x3 from 1 to 4 on 16x16, 3x3 from 4 to 8 on 8x8, then 8 to 8
    assert cost.multiply_adds == 9 * 4 * 256 + 9 * 4 * 8 * 64 + 8 * 8
    assert cost.weights == 9 * 4 + 9 * 4 * 8 + 8 * 8
    assert cost.activations == 2 * (4 * 256 + 8 * 64 + 8)
    assert cost.kernels == 5  # two convolutions, pool, product, softmax


def test_seconds_are_operations_over_rates() -> None:
    cost = room.Cost(multiply_adds=10**6, weights=68_000, activations=0, kernels=3)
    arithmetic, memory, launches = room.net_seconds(cost, batch=2)
    assert arithmetic == pytest.approx(4e6 / (room.TOPS * room.USE))
    assert memory == pytest.approx(1e-6)
    assert launches == pytest.approx(3 * room.LAUNCH_S)


def test_crops_use_the_same_oversampling_as_the_cpu() -> None:
    assert room.crop_cost(48, 1, 240).samples == (48 * 4) ** 2
    assert room.crop_cost(48, 2, 48).samples == 2 * 48**2


def test_the_table_says_that_it_is_a_calculation_and_adds_up() -> None:
    text = room.table(30, (1280, 720))
    assert text.startswith("CALCULATION, not a measurement")
    rows = [row.split("|") for row in text.splitlines() if row.startswith("| ")]
    parts = [float(row[3].split()[0]) for row in rows[1:-2]]
    total = float(rows[-2][3].strip(" *us"))
    assert sum(parts) == pytest.approx(total, abs=1)


def test_the_page_shows_the_calculation_of_the_shipped_nets() -> None:
    page = Path("docs/tensorrt.md").read_text(encoding="utf-8")
    assert budget(page) == page, "run tools/make/cards.py"


def test_every_shipped_net_is_counted_whole() -> None:
    """Each weight is used once a crop at least, also in a net that reshapes."""
    for name in ("expression", "eye_state", "landmarks_face", "landmarks_eye"):
        cost = room.cost_of(load_manifest(name).path("fp32"))
        assert cost.multiply_adds >= cost.weights > 0
        assert cost.kernels > 3


def test_the_landmark_nets_are_added_up_in_fp16_with_a_wait_each() -> None:
    rows = [row.split("|") for row in room.landmark_table().splitlines()[2:]]
    face, eye, both = (float(row[3].strip(" *us")) for row in rows)
    assert face + eye == pytest.approx(both, abs=1)
    assert min(face, eye) > room.SYNCHRONISE_S * 1e6
