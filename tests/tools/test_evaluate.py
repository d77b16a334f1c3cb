import json

import numpy as np
import pytest

from tests.tiny_nets import write_expression, write_eye_state
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
    write_tiles(folder / "fer", tiles, fer_rows(60, 10))
    return ["--data", folder / "fer", "--engines", folder, "--json"]


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
