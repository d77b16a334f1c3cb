import numpy as np
import pytest

from dms.engine.backends import open_engine
from dms.engine.manifest import load_manifest
from dms.engine.preprocess.crop import EyeCropSettings, FaceCropSettings, eye_crops, to_batch
from dms.errors import EngineError
from dms.perception.eye_net import EyeStateNet
from tests.tiny_nets import write_eye_state


def test_both_eyes_are_scored_from_their_own_crops(tmp_path):
    write_eye_state(tmp_path)
    manifest = load_manifest("eye_state", tmp_path)
    gray = np.random.default_rng(3).integers(0, 256, (200, 200), np.uint8)
    anchors = FaceCropSettings().template * 2 + 40
    with open_engine(manifest) as engine:
        right, left = EyeStateNet(engine, manifest).read(gray, anchors)
        expected = engine.infer(to_batch(eye_crops(gray, anchors, EyeCropSettings())))
    assert right.open_probability == pytest.approx(float(expected["open"][0, 0]), abs=1e-5)
    assert left.visible_probability == pytest.approx(float(expected["visible"][1, 0]), abs=1e-5)
    assert right != left
    assert 0.2 < right.contrast < 0.8


def test_black_picture_has_no_contrast(tmp_path):
    write_eye_state(tmp_path)
    manifest = load_manifest("eye_state", tmp_path)
    with open_engine(manifest) as engine:
        anchors = FaceCropSettings().template
        right, _ = EyeStateNet(engine, manifest).read(np.zeros((60, 60), np.uint8), anchors)
    assert right.contrast == 0


def test_manifest_without_its_outputs_is_refused(tmp_path):
    write_eye_state(tmp_path, outputs={"open": 1})
    manifest = load_manifest("eye_state", tmp_path)
    with open_engine(manifest) as engine, pytest.raises(EngineError, match="visible"):
        EyeStateNet(engine, manifest)


@pytest.mark.parametrize("precision", ["int8", "int8-qdq", "fp32"])
def test_shipped_net_calls_a_dark_lens_hidden_in_every_precision(precision):
    """A range of the head's output found on seen eyes alone once made this one half in INT8."""
    manifest = load_manifest("eye_state")
    grain = np.random.default_rng(1).integers(0, 6, (16, 32, 32))
    with open_engine(manifest, precision=precision) as engine:
        found = engine.infer(to_batch((30 + grain).astype(np.uint8)))
    assert np.median(found["visible"]) < 0.2
