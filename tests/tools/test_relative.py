"""The measurement of faces against their rest, and the head that is fitted for it."""

import argparse
import json

import cv2
import numpy as np
import pytest

from dms.decision.emotion.relative import SEVEN
from dms.decision.emotion.rest import RestingFace, RestSettings
from dms.engine.manifest import FOLDER, load_manifest
from dms.errors import ConfigError
from dms.perception.expression import ExpressionNet, ExpressionSettings
from dms.values import EXPRESSIONS, DriverObservation
from tests.scenarios.faces import Face, head
from tests.tiny_nets import write_expression
from tools import evaluate
from tools.evaluation.relative import (
    Reading,
    Stills,
    figures,
    found_at,
    joined,
    measure,
    read,
    read_stills,
    rests,
)
from tools.nets.infrared import cabin, night
from tools.nets.posed import (
    Faces,
    agreement,
    family,
    held_out,
    label_of,
    lit,
    moved_face,
    patches_of,
    person_of,
)
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


class Shown:
    """An engine that says of the crops, in turn, what it was given."""

    def __init__(self, embeddings):
        self.embeddings = np.array(embeddings, np.float32)

    def infer(self, batch):
        assert len(batch) == len(self.embeddings)
        even = np.full((len(batch), 8), 1 / 8, np.float32)
        return {"ferplus": even, "fer2013": even[:, :7] * 8 / 7, "embedding": self.embeddings}


def test_a_face_is_read_as_the_product_reads_it():
    """A rest far from people's is bounded, and a stern one takes off what it reads so."""
    person, weights = Face(3, stern=6.0), head()
    shown = [person.shows(), person.shows(anger=3.0), person.shows(joy=2.0)]
    seen = stills(["neutral", "anger", "happiness"], ["a", "a", "a"])
    manifest = load_manifest("expression", FOLDER)
    engine = Shown(shown)
    said = read(engine, manifest, weights, seen)
    product = RestingFace(RestSettings(), weights)
    net = ExpressionNet(engine, manifest, ExpressionSettings())
    told = engine.infer(shown)
    rest, angry, happy = (net.told({k: v[n : n + 1] for k, v in told.items()}) for n in range(3))
    for frame in range(250):  # 25 s of the one picture
        calm = DriverObservation(frame / 10, expression=rest)
        product.learn(product.read(calm, private=False), 1.0, speaking=False)
    now = [
        product.read(DriverObservation(30.0, expression=one), private=True).expression
        for one in (rest, angry, happy)
    ]
    assert said.odds == pytest.approx([one.rage_log_odds for one in now], abs=1e-5)
    best = [EXPRESSIONS[int(np.argmax(one.relative))] for one in now]
    assert [SEVEN[at] for at in said.seven] == best
    alone = weights.log_odds(shown[1].astype(float), shown[0].astype(float))
    assert abs(alone - said.odds[1]) > 1.0  # what the head alone says of the pair


def test_the_resting_picture_counts_as_rest_whatever_the_net_says_of_it():
    """One that is read as happy teaches the product nothing; here it is told to be neutral."""
    seen = stills(["neutral", "anger"], ["a", "a"])
    engine = Shown([Face(3).shows(), Face(3).shows(anger=3.0)])
    happy = np.eye(8, dtype=np.float32)[[EXPRESSIONS.index("happiness")] * 2]
    told = engine.infer([0, 0]) | {"ferplus": happy, "fer2013": np.eye(7, dtype=np.float32)[[3, 3]]}
    engine.infer = lambda batch: told
    said = read(engine, load_manifest("expression", FOLDER), head(), seen)
    assert said.odds[1] > said.odds[0]


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


def given(folder, *rows, header="file,person,set,expression,note", there=True):
    """A folder of labels whose pictures are noise, and the arguments that measure it."""
    folder.mkdir(exist_ok=True)
    noise = np.random.default_rng(len(rows)).integers(0, 256, (40, 40), np.uint8)
    for row in rows:
        if there:
            cv2.imwrite(str(folder / row.split(",")[0]), noise)
    (folder / "labels.csv").write_text("\n".join([header, *rows]) + "\n")
    return argparse.Namespace(data=folder, pad=False, landmarks="dms56")


def refused(args):
    with pytest.raises(ConfigError) as told:
        read_stills(args, load_manifest("expression", FOLDER), None)
    return str(told.value)


def test_rows_that_name_nobody_are_no_one_person():
    assert person_of({"person": " ", "subject": "", "set": "ckplus48"}) == ""
    assert person_of({"person": "", "subject": "7", "set": "ckplus48"}) == "ckplus/7"
    label = np.array([SEVEN.index(name) for name in ("neutral", "anger", "neutral")])
    assert rests(np.array(["", "", "a"]), label).tolist() == [-1, -1, 2]


@pytest.mark.whole
def test_faces_of_nobody_are_counted_without_a_neutral(tmp_path, capsys):
    rows = [("", "", "neutral", ""), ("", "", "anger", ""), ("A", "", "neutral", "")]
    data = folder_of_faces(tmp_path / "faces", rows)
    args = argparse.Namespace(data=data, pad=False, landmarks="dms56")
    seen = read_stills(args, load_manifest("expression", FOLDER), None)
    assert seen.left_out["without_neutral"] == 2
    assert seen.rest.tolist() == [-1, -1, 2]
    assert len(set(seen.person.tolist())) == 3
    assert "2 rows name nobody" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["high", "1.5", "nan", ""])
def test_an_agreement_that_is_no_share_is_refused(tmp_path, word):
    said = refused(given(tmp_path / "faces", f"a.png,A,,anger,type1 agree={word}"))
    assert said == f"labels.csv, a.png: agree= must be 0 to 1, got {word!r}"


def test_why_nothing_is_left_to_judge_is_said(tmp_path):
    none = refused(given(tmp_path / "a", "a.png,A,,contempt,", "b.png,A,,fear,agree=0.2"))
    assert "1 contempt, 1 of little agreement" in none
    assert "--pad" not in none
    assert "no face was found" in refused(given(tmp_path / "b", "a.png,A,,anger,"))


def test_a_picture_that_is_missing_is_named_with_its_row(tmp_path):
    args = given(tmp_path / "a", "a.png,A,,anger,", "b.png,A,,fear,")
    (tmp_path / "a/b.png").unlink()
    assert refused(args).startswith("labels.csv, row 2: b.png is missing in ")
    args = given(tmp_path / "c", ",A,,anger,", there=False)
    assert refused(args).startswith("labels.csv, row 1: no file is named")
    args = given(tmp_path / "d", "a.png,anger", header="file,expression")
    assert "column subject or person" in refused(args)


def test_faces_cut_out_of_other_pictures_are_cut_anew(tmp_path, capsys):
    one, other = tmp_path / "one", tmp_path / "other"
    rows = ["a.png,A,,anger,", "b.png,A,,fear,"]
    given(one, *rows)
    given(other, *rows)
    cv2.imwrite(str(other / "b.png"), np.full((60, 60), 90, np.uint8))
    cache = tmp_path / "faces.npz"
    patches_of(one, cache)
    before = cache.read_bytes()
    patches_of(one, cache)
    assert cache.read_bytes() == before
    assert "cut anew" not in capsys.readouterr().err
    patches_of(other, cache)
    assert f"{cache} is of other pictures: cut anew" in capsys.readouterr().err
    assert cache.read_bytes() != before


def test_a_cache_without_a_digest_is_told_by_its_files_names(tmp_path, capsys):
    given(tmp_path / "one", "a.png,A,,anger,")
    cache = tmp_path / "faces.npz"
    made = patches_of(tmp_path / "one", cache)
    old = made._replace(patches=made.patches + np.uint8(7))
    np.savez(cache, **old._asdict())
    assert patches_of(tmp_path / "one", cache).patches[0, 0, 0] == 7
    assert "digest" not in np.load(cache)  # as it was
    given(tmp_path / "two", "b.png,A,,anger,")
    assert patches_of(tmp_path / "two", cache).files.tolist() == ["b.png"]
    assert "cut anew" in capsys.readouterr().err


def test_a_face_to_be_cut_that_is_no_picture_is_named(tmp_path):
    given(tmp_path / "one", "a.png,A,,anger,")
    (tmp_path / "one/a.png").write_text("no picture")
    with pytest.raises(ConfigError, match=r"a\.png is no picture"):
        patches_of(tmp_path / "one", tmp_path / "faces.npz")


def test_a_net_without_weights_against_rest_says_so(tmp_path):
    write_expression(tmp_path)
    args = argparse.Namespace(net="expression", engines=tmp_path, data=tmp_path, folds=None)
    with pytest.raises(ConfigError, match="no weights against rest"):
        measure(args)


def test_the_shipped_net_has_a_head_against_rest():
    assert (FOLDER / "expression-relative.npz").stat().st_size < 50_000
