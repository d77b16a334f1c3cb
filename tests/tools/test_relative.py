"""The measurement of faces against their rest, and the head that is fitted for it."""

import argparse
import json

import cv2
import numpy as np
import pytest

from dms.decision.emotion.relative import SEVEN
from dms.engine.manifest import FOLDER
from dms.errors import ConfigError
from tests.tiny_nets import write_expression
from tools import evaluate
from tools.evaluation.relative import Reading, Stills, figures, found_at, joined, measure, rests
from tools.nets.infrared import cabin, night
from tools.nets.posed import Faces, agreement, family, held_out, label_of, lit, moved_face
from tools.nets.relative import LIGHTS, RAGE, Pairs, calibrated, fitted, odds, pairs_of
from tools.rendering.portrait import Portrait, Puppet


def stills(labels, people, sets=None):
    label = np.array([SEVEN.index(name) for name in labels])
    person = np.array(people)
    named = np.array(sets or [""] * len(people))
    crops = np.zeros((len(label), 48, 48), np.uint8)
    return Stills(crops, label, person, named, rests(person, label), {})


def test_rest_is_the_first_neutral_face_of_a_person():
    seen = stills(["anger", "neutral", "neutral", "anger", "neutral"], ["a", "a", "a", "b", "c"])
    assert seen.rest.tolist() == [1, 1, 1, -1, 4]


def test_figures_leave_out_the_rest_itself_and_people_without_one():
    seen = stills(
        ["neutral", "anger", "happiness", "anger", "neutral", "disgust", "sadness"],
        ["a", "a", "a", "b", "c", "c", "c"],
    )
    said = Reading(
        odds=np.array([9.0, 2.0, 1.0, 9.0, 9.0, 0.0, -1.0]),  # disgust is below happiness
        seven=seen.label.copy(),
        absolute=np.array([0.0, 0.9, 0.1, 0.8, 0.0, 0.7, 0.1]),
    )
    told = figures(seen, said)
    assert (told["pictures"], told["people"], told["angry_or_disgusted"]) == (4, 2, 2)
    assert told["rage_auroc"] == 0.75
    assert told["found_at_10_percent_false"] == 0.5
    assert told["accuracy_7"] == 1.0
    assert told["absolute_rage_auroc"] == 1.0
    assert told["pictures_absolute"] == 7
    for name in ("rage_auroc", "found_at_10_percent_false", "accuracy_7", "absolute_rage_auroc"):
        low, high = told[f"{name}_95"]
        assert low <= told[name] <= high


def test_people_of_several_folds_keep_their_own_rest():
    one = stills(["neutral", "anger"], ["a", "a"])
    other = stills(["anger", "neutral", "disgust"], ["b", "c", "c"])
    said = [Reading(np.arange(n) + 0.0, np.zeros(n, np.int64), np.zeros(n)) for n in (2, 3)]
    seen, reading = joined([(one, said[0]), (other, said[1])])
    assert seen.rest.tolist() == [0, 0, -1, 3, 3]
    assert seen.person.tolist() == ["a", "a", "b", "c", "c"]
    assert reading.odds.tolist() == [0, 1, 0, 1, 2]


def test_at_most_a_tenth_of_the_others_passes():
    score = np.arange(30.0)
    positive = np.zeros(30, bool)
    positive[[0, 17, 19, 29]] = True
    others = np.sort(score[~positive])
    assert found_at(score, positive) == np.mean(score[positive] > others[-3])
    assert np.isnan(found_at(score, np.zeros(30, bool)))


def test_people_are_joined_over_sets_and_every_fourth_is_held_out():
    assert family("ckplus48") == family("ckplus") == "ckplus"
    assert family("rafd_morph") == "rafd"
    people = {f"one/{n}" for n in range(8)} | {f"two/{n}" for n in range(4)}
    assert held_out(people) == {"one/1", "one/5", "two/1"}
    assert set.union(*(held_out(people, fold) for fold in range(4))) == people


def test_labels_that_raters_do_not_agree_to_teach_nothing():
    row = {"expression": "fear", "note": "type2 agree=0.41"}
    assert agreement(row) == 0.41
    assert label_of(row) == -1
    assert label_of(row | {"note": "type2 agree=0.9"}) > 0
    assert agreement({"note": "oval cut-out"}) is None


def test_the_cabin_light_is_seeded_pale_and_dark_around():
    rng = np.random.default_rng(1)
    face = np.random.default_rng(0).uniform(20, 235, (64, 64)).astype(np.float32)
    one, other = (night(face.copy(), np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one, other)
    shots = np.stack([cabin(face.copy(), rng) for _ in range(40)])
    assert np.isfinite(shots).all()
    middle, corner = shots[:, 24:48, 20:44].mean(), shots[:, :6, :6].mean()
    assert 130 < middle < 200
    assert middle - corner > 20


def test_a_face_is_cut_at_the_nets_size_and_stays_gray():
    from dms.engine.preprocess.crop import FaceCropSettings
    from tools.nets.posed import SIDE, UNIT

    framing = FaceCropSettings(size=64)
    anchors = FaceCropSettings(size=UNIT).template + (SIDE - UNIT) / 2
    patch = np.full((SIDE, SIDE), 90, np.uint8)
    rng = np.random.default_rng(2)
    crop = moved_face(patch, anchors, framing, rng)
    assert crop.shape == (64, 64)
    assert abs(crop.mean() - 90) < 1
    for _ in range(20):
        seen = lit(crop.copy(), rng)
        assert seen.min() >= 0
        assert seen.max() <= 255


def made_up(rng, people=40, size=6):
    """Pairs in which a face is its person's rest plus the first axis where it is angry."""
    face, rest, label, person = [], [], [], []
    for number in range(people):
        own = rng.normal(0, 3, size)
        for seven in range(7):
            moved = own + rng.normal(0, 0.2, size)
            moved[0] += 2.0 * RAGE[seven]
            face.append(moved)
            rest.append(own + rng.normal(0, 0.2, size))
            label.append(seven)
            person.append(f"set/{number}")
    return Pairs(np.array(face), np.array(rest), np.array(label), np.array(person))


def test_the_fitted_head_reads_the_change_and_not_the_face():
    pytest.importorskip("torch")
    rng = np.random.default_rng(4)
    head = fitted(made_up(rng), decay=1.0)
    judged = made_up(rng)
    said, seven = odds(head, judged.face, judged.rest)
    rage = RAGE[judged.label]
    assert said[rage].min() > said[~rage].max()
    assert seven.shape == (len(judged.label), 7)
    assert head["rage_change"][0] > 10 * np.abs(head["rage_embedding"]).max()
    assert head["population"].shape == (6,)
    assert head["population_sd"] > 0


def test_calibration_cools_what_is_too_sure_and_keeps_the_order():
    pytest.importorskip("torch")
    rng = np.random.default_rng(4)
    head = fitted(made_up(rng), decay=1.0)
    sure = {n: v if n in ("population", "classes_absolute") else 9 * v for n, v in head.items()}
    judged = made_up(rng)
    judged.label[::11] = rng.integers(0, 7, len(judged.label[::11]))  # some are not as they look
    cooled = calibrated(sure, judged)
    before, after = (odds(one, judged.face, judged.rest)[0] for one in (sure, cooled))
    assert np.array_equal(before.argsort(), after.argsort())
    assert np.abs(after).mean() < 0.7 * np.abs(before).mean()
    assert cooled["population_sd"] < sure["population_sd"]
    assert np.array_equal(cooled["population"], sure["population"])


def test_a_faces_rest_is_another_picture_of_the_same_person():
    faces = Faces.__new__(Faces)
    faces.person = np.array(["a", "a", "a", "b"])
    faces.label = np.array([0, 0, 4, 4])
    faces.rests = {"a": np.array([0, 1]), "b": np.array([], int)}
    seen = np.tile(np.arange(4.0)[None, :, None], (LIGHTS, 1, 3))
    pairs = pairs_of(faces, np.arange(4), seen)
    assert set(pairs.person.tolist()) == {"a"}
    assert (pairs.face[:, 0] != pairs.rest[:, 0]).all()
    assert set(pairs.rest[:, 0].tolist()) <= {0.0, 1.0}


def folder_of_faces(folder, rows, side=None):
    """Write the portrait for each row, or a tight crop of it, and their labels."""
    folder.mkdir()
    portrait = Portrait()
    lines = ["file,person,set,expression,note"]
    for number, (person, name, expression, note) in enumerate(rows):
        gray = np.clip(portrait.picture(Puppet(mouth=0.2 * (number % 3))), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), gray)
        lines.append(f"{number}.png,{person},{name},{expression},{note}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.whole
def test_relative_has_the_agreed_keys(tmp_path, monkeypatch, capsys):
    rows = [
        ("A", "ckplus", "neutral", ""), ("A", "ckplus48", "anger", "48px tile"),
        ("A", "ckplus", "happiness", ""), ("A", "ckplus", "contempt", ""),
        ("B", "taiwan", "anger", "type1 agree=0.3"), ("C", "taiwan", "fear", "agree=0.7"),
    ]  # fmt: skip
    data = folder_of_faces(tmp_path / "faces", rows)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["evaluate.py", "relative", "--data", str(data), "--json"])
    assert evaluate.main() == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["pictures"], told["people"], told["not_found"]) == (2, 1, 0)
    assert (told["contempt"], told["little_agreed"], told["without_neutral"]) == (1, 1, 1)
    for name in ("rage_auroc", "found_at_10_percent_false", "accuracy_7", "absolute_rage_auroc"):
        assert 0 <= told[name] <= 1
        assert f"{name}_95" in told
        assert name in told["fp32"]
    assert set(told["sets"]) == {"ckplus", "taiwan"}
    assert told["sets"]["ckplus"]["pictures"] == 2
    assert told["sets"]["taiwan"]["rage_auroc"] is None


def test_a_net_without_weights_against_rest_says_so(tmp_path):
    write_expression(tmp_path)
    args = argparse.Namespace(net="expression", engines=tmp_path, data=tmp_path, folds=None)
    with pytest.raises(ConfigError, match="no weights against rest"):
        measure(args)


def test_the_shipped_net_has_a_head_against_rest():
    assert (FOLDER / "expression-relative.npz").stat().st_size < 50_000
