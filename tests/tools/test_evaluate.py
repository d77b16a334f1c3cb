import json

import numpy as np
import pytest

from dms.errors import ConfigError
from tests.tiny_nets import write_expression, write_eye_net, write_eye_state
from tests.tools.mosaics import fer_rows, mrl_rows, write_tiles
from tools import evaluate


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["evaluate.py", *map(str, arguments)])
    code = evaluate.main()
    return code, capsys.readouterr().out


def with_fp32(writer, folder, **changes):
    """A net whose FP32 file is its INT8 file: figures must agree."""
    writer(folder, **changes)
    path = next(folder.glob("*.yaml"))
    text = path.read_text()
    import yaml

    content = yaml.safe_load(text)
    content["files"]["fp32"] = content["files"]["int8"]
    path.write_text(yaml.safe_dump(content))


def fer_tiles(folder):
    """Write 60 tiles of noise; returns the arguments that measure them with the nets there."""
    tiles = np.random.default_rng(8).integers(0, 256, (60, 48, 48), np.uint8)
    tiles[10] = tiles[0]  # a leak
    write_tiles(folder / "fer", tiles, fer_rows(60, 10))
    return ["--data", folder / "fer", "--engines", folder, "--json"]


@pytest.mark.whole
def test_expression_has_the_agreed_keys(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with_fp32(write_expression, tmp_path)
    where = fer_tiles(tmp_path)
    code, out = run(monkeypatch, capsys, "expression", *where)
    figures = json.loads(out)
    assert code == 0
    assert figures["tiles"] == 50
    assert figures["tiles_leak_free"] == 49
    for key in ("fer2013_accuracy", "fer2013_accuracy_leak_free", "ferplus_accuracy", "ece"):
        assert 0 <= figures[key] <= 1
        assert figures[key] == figures["fp32"][key]


def test_readings_tell_every_mixture_of_heads_and_priors(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_expression(tmp_path)
    where = fer_tiles(tmp_path)
    code, out = run(monkeypatch, capsys, "readings", *where)
    figures = json.loads(out)
    assert code == 0
    assert len(figures) == 9 + 1  # and the net's name
    for name, one in figures.items():
        assert name == "net" or 0 <= one["balanced_fer2013"] <= 1


def test_eyes_are_measured_on_unseen_subjects_only(tmp_path, monkeypatch, capsys):
    decision = {"trained_subjects": [1, 2]}
    with_fp32(write_eye_state, tmp_path, decision=decision)
    tiles = np.random.default_rng(9).integers(0, 256, (40, 40, 40), np.uint8)
    write_tiles(tmp_path / "mrl", tiles, mrl_rows([1] * 10 + [5] * 15 + [7] * 15))
    where = ["--data", tmp_path / "mrl", "--engines", tmp_path, "--json"]
    _, out = run(monkeypatch, capsys, "eyes", *where)
    figures = json.loads(out)
    assert figures["subjects"] == [5, 7]
    assert figures["pictures"] == 30
    assert 0 <= figures["balanced_accuracy"] <= 1
    assert 0 <= figures["balanced_accuracy_strong_reflections"] <= 1


def test_what_cannot_be_measured_is_null_and_never_nan(tmp_path, monkeypatch, capsys):
    with_fp32(write_eye_state, tmp_path, decision={"trained_subjects": [1]})
    tiles = np.random.default_rng(9).integers(0, 256, (8, 40, 40), np.uint8)
    rows = [{"subject": 5, "open": 1} for _ in range(8)]  # one state, and no other column
    write_tiles(tmp_path / "mrl", tiles, rows)
    where = ["--data", tmp_path / "mrl", "--engines", tmp_path, "--json"]
    code, out = run(monkeypatch, capsys, "eyes", *where)
    figures = json.loads(out, parse_constant=pytest.fail)
    assert code == 0
    for key in ("balanced_accuracy", "balanced_accuracy_strong_reflections"):
        assert figures[key] is None
        assert figures[f"{key}_95"] is None
    assert figures["pictures"] == 8
    assert evaluate.plain({"a": [np.float32("nan"), float("inf"), np.int64(3)]}) == {
        "a": [None, None, 3]
    }


def test_tiles_of_training_alone_are_refused(tmp_path, monkeypatch, capsys):
    write_expression(tmp_path)
    write_tiles(tmp_path / "fer", np.zeros((9, 48, 48), np.uint8), fer_rows(9, 9))
    for verb in ("expression", "readings"):
        where = ["--data", tmp_path / "fer", "--engines", tmp_path, "--json"]
        assert run(monkeypatch, capsys, verb, *where) == (2, "")


@pytest.mark.parametrize("verb", sorted(evaluate.VERBS.keys() - {"drowsy", "nods", "drifts"}))
def test_another_folder_or_none_is_told_without_a_traceback(tmp_path, monkeypatch, capsys, verb):
    with pytest.raises(SystemExit):
        run(monkeypatch, capsys, verb, "--data", tmp_path / "none")
    assert "is no folder" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["evaluate.py", verb, "--data", str(tmp_path), "--json"])
    try:
        code = evaluate.main()
    except SystemExit as ended:
        code = ended.code
    assert code not in (0, None)
    assert str(tmp_path) in f"{code}{capsys.readouterr().err}"


def test_only_figures_of_a_net_can_be_saved(tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, capsys, "blinks", "--data", tmp_path, "--save")
    assert "unrecognized arguments: --save" in capsys.readouterr().err


def test_a_face_that_was_not_found_is_wrong_and_no_neutral_one():
    from tools.evaluation.infrared import figures, figures_by_group, judge_affect

    scores = np.zeros((3, 10))
    scores[0, [0, 8]] = scores[1, [0, 8]] = 1, 0.5
    rows = [{"gender": "male", "valence": text} for text in ("0.5", "n/a", "-1")]
    assert figures_by_group(scores, np.array([0, 0, 0]), rows)["male"]["accuracy_7"] == 0.6667
    neutral = figures(scores, np.array([0, 0, 0]), np.array(list("abc")))
    assert (neutral["accuracy_7"], neutral["accuracy_7_over_mean"]) == (0.6667, 0.6667)
    assert judge_affect(scores, rows) == {"valence_correlation": None}  # one face, one label
    contempt = figures(scores, np.array([7, 7, 7]), np.array(list("abc")))
    assert (contempt["pictures_7"], contempt["accuracy_7"], contempt["rage_auroc_95"]) == (
        0, None, None,
    )  # fmt: skip


def test_expressions_of_other_names_are_told(tmp_path, capsys):
    from tools.evaluation.infrared import labelled_pictures

    table = tmp_path / "labels.csv"
    table.write_text("file,subject,expression\na.jpg,1,anger\nb.jpg,1,angry\n")
    assert [row["file"] for row in labelled_pictures(tmp_path)] == ["a.jpg"]
    assert "angry; 1 pictures are left out" in capsys.readouterr().err
    table.write_text("file,subject,expression\nb.jpg,1,angry\n")
    with pytest.raises(ConfigError, match="angry"):
        labelled_pictures(tmp_path)


def test_folder_of_trained_subjects_alone_is_refused(tmp_path, monkeypatch, capsys):
    with_fp32(write_eye_state, tmp_path, decision={"trained_subjects": [1]})
    tiles = np.zeros((4, 40, 40), np.uint8)
    write_tiles(tmp_path / "mrl", tiles, mrl_rows([1] * 4))
    with pytest.raises(SystemExit, match="nothing honest"):
        run(monkeypatch, capsys, "eyes", "--data", tmp_path / "mrl", "--engines", tmp_path)


def test_missing_net_is_one_sentence_and_exit_code_four(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        "sys.argv", ["evaluate.py", "eyes", "--data", str(tmp_path), "--engines", str(tmp_path)]
    )
    assert evaluate.main() == 4
    assert "no manifest" in capsys.readouterr().err


@pytest.mark.parametrize(("seven", "expected"), [(0, (0.5, 1.0, 1.0)), (1, (0.25, 0.5, 0.5))])
def test_infrared_figures_of_a_known_table(seven, expected):
    from tools.evaluation.infrared import figures

    truth = np.array([4, 4, 0, 1, 7])  # anger, anger, neutral, happiness, contempt
    scores = np.zeros((5, 10))
    scores[0, 4] = scores[1, 4] = 1
    scores[3, 0] = 1  # happiness called neutral; the neutral face was not found
    if seven:
        scores[1, 4], scores[1, 0] = 0, 1
    found = figures(scores, truth, np.array(list("aabbb")))
    accuracy, recall, area = expected
    assert found["accuracy_7"] == accuracy
    assert found["anger_recall"] == recall
    assert found["rage_auroc"] == (area if not seven else 0.75)
    assert found["pictures_7"] == 4


def lids_tiles(folder, side=64):
    """Two people, each with an open, a lowered and a closed frame of both eyes, as a mosaic."""
    rows = [
        {"clip": f"c{person}", "frame": frame, "eye": eye, "lids": lids, "by": by, "person": person}
        for person in ("P50", "P51")
        for frame, (lids, by) in enumerate(
            [("open", "sampled"), ("lowered", "iris"), ("closed", "sight"), ("closed", "context")]
        )
        for eye in ("right", "left")
    ]
    tiles = np.random.default_rng(4).integers(0, 256, (len(rows), side, side), np.uint8)
    write_tiles(folder / "eyes", tiles, rows)


def test_lids_are_told_of_frames_whose_label_may_be_believed(tmp_path, monkeypatch, capsys):
    with_fp32(write_eye_net, tmp_path, decision={"trained_tile_people": [51]})
    lids_tiles(tmp_path / "lowered")
    where = ["--data", tmp_path / "lowered", "--engines", tmp_path, "--json"]
    code, out = run(monkeypatch, capsys, "lids", *where)
    figures = json.loads(out)
    assert code == 0
    assert [figures[f"{kind}_frames"] for kind in ("open", "lowered", "closed")] == [2, 2, 2]
    assert figures["people_seen_in_training"] == [51]
    for key in ("lowered_called_closed", "closed_called_closed", "auroc"):
        assert 0 <= figures[key] <= 1
        assert len(figures[f"{key}_95"]) == 2
        assert 0 <= figures["infrared_bright_pupil"][key] <= 1


def test_each_person_is_judged_by_the_net_that_has_not_seen_them(tmp_path, monkeypatch, capsys):
    for fold in range(4):
        (tmp_path / str(fold)).mkdir()
        with_fp32(write_eye_net, tmp_path / str(fold))
    with_fp32(write_eye_net, tmp_path, decision={"trained_tile_people": [50, 51]})
    lids_tiles(tmp_path / "lowered")
    where = ["--data", tmp_path / "lowered", "--engines", tmp_path, "--json"]
    code, out = run(monkeypatch, capsys, "lids", *where, "--folds", tmp_path)
    assert code == 0
    assert json.loads(out)["people_seen_in_training"] == []


def test_a_net_without_lids_is_told(tmp_path, monkeypatch, capsys):
    with_fp32(write_eye_state, tmp_path)
    lids_tiles(tmp_path / "lowered")
    with pytest.raises(SystemExit, match="tells no lids"):
        run(monkeypatch, capsys, "lids", "--data", tmp_path / "lowered", "--engines", tmp_path)
