"""The chain's choice of engine."""

from __future__ import annotations

import logging

import pytest

from dms.chain import Chain
from dms.config import load
from dms.perception.schemes import DLIB68, DMS56


@pytest.fixture
def nets(tmp_path, monkeypatch: pytest.MonkeyPatch):
    """Random nets in place of engines/; TensorRT is not there."""
    pytest.importorskip("onnx")
    import sys

    from dms.engine.manifest import load_manifest
    from tests import tiny_nets

    tiny_nets.write_expression(tmp_path)
    tiny_nets.write_eye_state(tmp_path)
    monkeypatch.setattr("dms.chain.load_manifest", lambda name: load_manifest(name, tmp_path))
    monkeypatch.setitem(sys.modules, "tensorrt", None)


@pytest.mark.usefixtures("nets")
def test_without_tensorrt_the_cpu_watches_and_it_is_told_once(caplog, portrait) -> None:
    import numpy as np

    anchors = np.array([(203, 103), (241, 103), (208, 140), (238, 140)], np.float32)
    chain = Chain(load(None, ["nets.backend=tensorrt"]))
    with caplog.at_level(logging.ERROR):
        perception = chain.perception
        chain.settle()
    right, _ = perception.eye_state.read(portrait, anchors)
    assert 0 <= right.open_probability <= 1
    assert caplog.text.count("the nets stay on the CPU: TensorRT cannot be loaded") == 1
    chain.close()
    chain.close()


@pytest.mark.usefixtures("nets")
def test_a_chain_that_goes_on_with_anothers_eyes_closes_them() -> None:
    first = Chain(load(None, ["nets.backend=tensorrt"]))
    eyes = first.perception
    second = Chain(first.settings)
    second.adopt_eyes(first)
    assert second.perception is eyes
    first.close()
    second.close()


@pytest.mark.usefixtures("nets")
@pytest.mark.parametrize("backend", ["onnxruntime", "tensorrt"])
@pytest.mark.parametrize("key", ["core.rage.workplace=true", "core.rage.enabled=false"])
def test_where_no_emotion_is_wanted_its_net_is_not_loaded(key: str, backend: str) -> None:
    chain = Chain(load(None, [key, f"nets.backend={backend}"]))
    perception = chain.perception
    chain.settle()
    assert perception.expression is None
    assert perception.eye_state is not None
    chain.close()


@pytest.mark.usefixtures("nets")
def test_on_the_cpu_there_is_nothing_to_settle_or_close() -> None:
    chain = Chain(load(None))
    chain.settle()
    chain.close()


@pytest.mark.parametrize(("model", "closed"), [("dms56", DMS56), ("dlib68", DLIB68)])
def test_a_landmark_models_own_closed_eye_counts_unless_one_is_set(model, closed) -> None:
    chosen = [f"landmarks.model={model}"]
    assert Chain(load(None, chosen)).core.settings.openness.closed_ratio == closed.closed_ear
    chosen.append("core.openness.closed_ratio=0.6")
    assert Chain(load(None, chosen)).core.settings.openness.closed_ratio == 0.6
