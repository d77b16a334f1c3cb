import numpy as np
import pytest

from dms.engine.backends import open_engine
from dms.engine.manifest import load_manifest
from dms.engine.preprocess.crop import EyeCropSettings, FaceCropSettings, eye_crops, to_batch
from dms.errors import EngineError
from dms.perception.eye_net import EyeStateNet, iris_of
from tests.tiny_nets import write_eye_net, write_eye_state


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


def test_manifest_without_its_outputs_is_refused(tmp_path):
    write_eye_state(tmp_path, outputs={"open": 1})
    manifest = load_manifest("eye_state", tmp_path)
    with open_engine(manifest) as engine, pytest.raises(EngineError, match="visible"):
        EyeStateNet(engine, manifest)


@pytest.mark.parametrize("precision", ["int8", "int8-qdq", "fp32"])
def test_shipped_net_calls_a_dark_lens_hidden_in_every_precision(precision):
    """A range of the head's output found on seen eyes alone once made this one half in INT8."""
    manifest = load_manifest("eye_state")
    size = manifest.framing(EyeCropSettings).size
    grain = np.random.default_rng(1).integers(0, 6, (16, size, size))
    with open_engine(manifest, precision=precision) as engine:
        found = engine.infer(to_batch((30 + grain).astype(np.uint8)))
    assert np.median(found["visible"]) < 0.2


def test_lids_and_iris_are_told_by_a_net_that_has_them(tmp_path):
    write_eye_net(tmp_path)
    manifest = load_manifest("eye_state", tmp_path)
    gray = np.random.default_rng(3).integers(0, 256, (200, 200), np.uint8)
    with open_engine(manifest) as engine:
        right, left = EyeStateNet(engine, manifest).read(gray, FaceCropSettings().template * 2 + 40)
    for eye in (right, left):
        assert eye.lids.open + eye.lids.lowered + eye.lids.closed == pytest.approx(1, abs=1e-5)
        assert eye.iris.sd > 0


def test_a_net_of_two_states_tells_neither_lids_nor_iris(tmp_path):
    write_eye_state(tmp_path)
    manifest = load_manifest("eye_state", tmp_path)
    gray = np.random.default_rng(3).integers(0, 256, (200, 200), np.uint8)
    with open_engine(manifest) as engine:
        right, _ = EyeStateNet(engine, manifest).read(gray, FaceCropSettings().template * 2 + 40)
    assert (right.lids, right.iris) == (None, None)


def test_iris_is_told_between_the_corners_whatever_the_crops_turn_and_scale():
    """Offset (0.1, 0.05) eye widths, of an eye 0.4 sides wide, turned by 30 degrees."""
    cos, sin = 0.4 * np.cos(np.pi / 6), 0.4 * np.sin(np.pi / 6)
    middle = np.array([0.02, 0.06])
    turn = np.array([[cos, -sin], [sin, cos]])
    places = [turn @ at + middle for at in ((0.1, 0.05), (-0.5, 0.0), (0.5, 0.0))]
    points = [float(value) for value in np.concatenate(places)]
    found = iris_of([*points, 0.05], mirrored=False)
    assert (found.x, found.y) == pytest.approx((0.1, 0.05), abs=1e-4)
    assert found.sd == pytest.approx(0.05 * 2**0.5, abs=1e-4)
    assert iris_of([*points, 0.05], mirrored=True).x == pytest.approx(-0.1, abs=1e-4)


def test_corners_that_coincide_give_no_infinite_offset():
    found = iris_of([0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.3], mirrored=False)
    assert abs(found.x) < 10
    assert abs(found.y) < 10
