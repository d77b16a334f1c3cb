"""The further training of the expression net; needs the extra 'train'."""

import argparse
from types import SimpleNamespace

import numpy as np
import pytest

from dms.engine.manifest import FOLDER, load_manifest
from dms.engine.onnx import OnnxEngine

torch = pytest.importorskip("torch", reason="training needs the train extra")

from tools.nets.posed import TEACHER_FEATURES, Faces, evened, squinted  # noqa: E402
from tools.train.tune_expression import (  # noqa: E402
    IN_SEVEN,
    Batches,
    RelativeNet,
    class_targets,
    losses,
    said_before,
    start_from,
)


def test_a_net_started_from_the_shipped_file_says_the_same():
    manifest = load_manifest("expression")
    size = manifest.input.shape[1]
    crops = np.random.default_rng(1).random((6, 1, size, size), np.float32)
    model = RelativeNet(size, "fine")
    start_from(model.net, manifest.path("fp32"), torch.from_numpy(crops))
    with torch.no_grad():
        mine = {
            n: out.softmax(1).numpy()
            for n, out in model.net.eval()(torch.from_numpy(crops)).items()
        }
    with OnnxEngine(manifest.path("fp32")) as engine:
        shipped = engine.infer(crops)
    for name, said in mine.items():
        assert np.abs(said - shipped[name]).max() < 1e-4


def test_what_another_net_said_before_is_not_taken_from_the_cache(tmp_path, capsys):
    fer = SimpleNamespace(images=np.full((3, 48, 48), 90, np.uint8))
    anchors = np.tile(np.array([[16, 20], [31, 20], [17, 36], [30, 36]], np.float32), (3, 1, 1))
    cache = tmp_path / "before.npz"
    said = said_before(fer, anchors, FOLDER, cache)
    again = said_before(fer, anchors, FOLDER, cache)
    assert sorted(again) == ["fer2013", "ferplus"]
    assert all(np.array_equal(again[name], said[name]) for name in said)
    earlier = {name: part * 0 for name, part in said.items()}
    np.savez(cache, **earlier)  # of a version without digests
    assert not said_before(fer, anchors, FOLDER, cache)["ferplus"].any()
    assert "anew" not in capsys.readouterr().err
    np.savez(cache, **earlier, digest=np.array("of another net"))
    assert said_before(fer, anchors, FOLDER, cache)["ferplus"].any()
    assert f"{cache} is of another net or of other tiles: made anew" in capsys.readouterr().err


def faces():
    """Two people with two neutrals and an angry face each, two photographs, two of told people."""
    made, rng = Faces.__new__(Faces), np.random.default_rng(2)
    made.person = np.array(["a/1"] * 3 + ["a/2"] * 3 + [""] * 4)
    made.set = np.array(["a"] * 6 + [""] * 4)
    made.gender = np.array([""] * 8 + ["male", "female"])
    made.group = np.array([""] * 8 + ["asian"] * 2)
    made.label = np.array([0, 0, 4, 0, 0, 5] + [-1] * 4)
    made.held = np.zeros(10, bool)
    made.patches = rng.integers(0, 256, (10, 160, 160), np.uint8)
    made.anchors = np.tile(
        np.array([[58, 68], [100, 68], [62, 110], [98, 110]], np.float32), (10, 1, 1)
    )
    made.log_p = np.full((10, 7), np.log(1 / 7), np.float32)
    made.features = rng.normal(0, 1, (10, TEACHER_FEATURES)).astype(np.float32)
    made.rests = {"a/1": np.array([0, 1]), "a/2": np.array([3, 4])}
    return made


def test_a_group_that_the_teacher_calls_angry_more_often_is_taught_like_the_others():
    rage = np.array([0.9, 0.5, 0.7, 0.1, 0.3, 0.2])
    groups = np.array(["man"] * 3 + ["woman"] * 3)
    even = evened(rage, groups, groups == "woman")
    assert np.sort(even[:3]) == pytest.approx(np.sort(even[3:]))
    assert np.argsort(even[:3]).tolist() == np.argsort(rage[:3]).tolist()
    assert even.max() <= 0.3

    told = faces()
    angry = np.array([0.88, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02], np.float32)
    told.log_p[8] = np.log(angry)
    targets = class_targets(told)
    assert targets[8, :2].sum() == pytest.approx(targets[9, :2].sum(), abs=1e-5)
    assert targets[8].sum() == pytest.approx(1, abs=1e-5)


def test_a_squint_narrows_the_eyes_and_leaves_brows_and_mouth():
    crop = np.full((96, 96), 160, np.float32)
    crop[36:40] = 20  # eyes' height of the template: 0.394 of the crop
    crop[26:29] = crop[68:72] = 60  # brows, mouth
    narrow = squinted(crop, np.random.default_rng(0))
    at = 31  # column of an eye
    dark = (crop - narrow)[30:45, at]
    assert (narrow[30:45, at] < 90).sum() < (crop[30:45, at] < 90).sum()
    assert dark.min() < 0
    assert np.abs(narrow[24:30] - crop[24:30]).max() < 15
    assert np.array_equal(narrow[60:], crop[60:])


def test_targets_are_of_label_and_teacher_and_sum_to_one():
    targets = class_targets(faces())
    assert targets.sum(1) == pytest.approx(1, abs=1e-5)
    assert targets[2].argmax() == 0  # anger in FER2013's order
    assert targets[6] == pytest.approx(1 / 7, abs=1e-5)
    assert sorted(IN_SEVEN) == list(range(7))


def test_a_step_has_a_rest_of_the_same_person_and_every_loss_is_finite():
    batches = Batches.__new__(Batches)
    seen = faces()
    fer = argparse.Namespace(images=np.zeros((4, 48, 48), np.uint8), training=np.ones(4, bool))
    anchors = np.tile(np.array([[15, 18], [32, 18], [16, 36], [31, 36]], np.float32), (4, 1, 1))
    targets = argparse.Namespace(
        ferplus=np.full((4, 8), 1 / 8, np.float32), fer2013=np.full((4, 7), 1 / 7, np.float32)
    )
    args = argparse.Namespace(seed=1, first=0, steps=2, size=64, mix=[3, 4, 2], lit_tiles=0.5)
    batches.__init__(fer, anchors, targets, seen, args)
    rng = np.random.default_rng(3)
    for _ in range(50):
        face, rest = batches.draw_pair(rng)
        assert rest not in (-1, face)
        assert seen.person[face] == seen.person[rest]
        assert seen.label[rest] == 0
    step = batches[0]
    assert step["crops"].shape == (3 + 2 * 4 + 2, 1, 64, 64)
    parts = losses(RelativeNet(64, "tiny"), step)
    assert all(torch.isfinite(part) for part in parts.values())
