"""Embeddings of faces stay in memory: planted ones are looked for in all that a run hands out."""

from __future__ import annotations

import base64
import copy
import csv
import io
import json
import pickle
import traceback
from dataclasses import asdict, replace

import cv2
import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

import dms
from dms.bench.bench import Outputs, bench
from dms.chain import Chain
from dms.cli import main
from dms.config import load
from dms.decision.core import Core
from dms.errors import EngineError
from dms.files.observations import load as load_observations
from dms.files.observations import to_line
from dms.perception.expression import ExpressionNet
from dms.store.drivers import DriverSettings, recall, remember
from dms.values import DriverObservation, Embedding, EmotionBy, ExpressionScores, Moment
from tests.planted import NUMBERS, plant, traces
from tests.scenarios.drive import Drive
from tests.scenarios.faces import head

SCORES = ExpressionScores((1.0, 0, 0, 0, 0, 0, 0, 0), True, 1.0, embedding=Embedding(NUMBERS))
VIRTUAL = "bridges=[{kind: virtual}]"
# The portrait smiles with its teeth, and the film is short.
SETTINGS = [VIRTUAL, "core.rest.least_s=1", "core.rest.lively_most=0.999", "core.speech.wide=1"]


@pytest.fixture
def planted(monkeypatch):
    for kind, name in ((ExpressionNet, "told"), (Chain, "relative_head")):
        monkeypatch.setattr(kind, name, vars(kind)[name])  # put back afterwards
    plant()


@pytest.fixture
def film(tmp_path, portrait):
    """A portrait that moves a little, eight seconds at 10 frames/s."""
    folder = tmp_path / "film"
    folder.mkdir()
    rows = ["file,t_s"]
    for number in range(80):
        shifted = np.roll(portrait, round(4 * np.sin(number / 3)), axis=1)
        cv2.imwrite(str(folder / f"{number:03}.png"), shifted)
        rows.append(f"{number:03}.png,{number / 10:.2f}")
    (folder / "timestamps.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_the_looking_finds_each_form():
    for kind in (np.float16, np.float32, np.float64):
        raw = NUMBERS.astype(kind).tobytes()
        for leaked in (b"x" + raw, raw.hex().encode(), base64.b64encode(b"ab" + raw)):
            assert traces(b"before" + leaked + b"after"), kind
        assert traces(pickle.dumps(NUMBERS.astype(kind)))
    for text in (repr(NUMBERS.tolist()), str(NUMBERS), json.dumps(np.round(NUMBERS, 3).tolist())):
        assert traces(text.encode())
    buffer = io.BytesIO()
    np.savez(buffer, kept=NUMBERS)
    assert traces(buffer.getvalue())
    assert traces(np.random.default_rng(1).bytes(1_000_000)) == []


def test_no_text_copy_pickle_or_json_of_an_embedding():
    seen = DriverObservation(1.0, expression=SCORES)
    for told in (repr(seen), str(seen), f"{SCORES.embedding}", to_line(Moment(seen))):
        assert traces(told.encode()) == []
    assert traces(pickle.dumps(seen)) == []
    for again in (pickle.loads(pickle.dumps(SCORES)), copy.deepcopy(SCORES)):
        assert again.embedding is None
        assert again == SCORES
    assert asdict(seen)["expression"]["embedding"] is None
    with pytest.raises(TypeError):
        json.dumps(SCORES.embedding)
    line = TypeAdapter(Moment).dump_json(Moment(seen))
    assert traces(line) == []


def test_none_is_read_from_a_file(tmp_path):
    line = json.loads(to_line(Moment(DriverObservation(1.0, expression=replace(SCORES)))))
    line["observation"]["expression"]["embedding"] = NUMBERS.tolist()
    with pytest.raises(ValidationError, match="embedding"):
        TypeAdapter(Moment).validate_python(line)


def test_nothing_that_a_run_writes_or_hands_out_holds_one(planted, film, tmp_path):
    outputs = Outputs(*(tmp_path / n for n in ("e.jsonl", "f.parquet", "o.jsonl", "a.json")))
    steps = []

    class Sink:
        def take(self, step):
            steps.append(step)

    chain = Chain(load(None, SETTINGS))
    bench(str(film), chain, outputs, more=[Sink()])
    known = [one for one in load_observations(outputs.observations) if one.observation.expression]
    assert known[-1].observation.expression.rest_known  # it was learned, so there was one to leak
    assert steps[-1].state.emotion_by is EmotionBy.REST
    for path in (outputs.events, outputs.frames, outputs.observations, outputs.affect):
        assert traces(path.read_bytes()) == [], path.name
    for step in steps:
        assert traces(pickle.dumps((step.moment, step.state))) == []
        assert traces(repr((step.moment, step.state)).encode()) == []
    assert {s.moment.observation.expression.embedding for s in steps if
            s.moment.observation.expression} == {None}  # fmt: skip
    assert traces(repr(vars(chain.core)).encode()) == []
    assert not chain.core.rest_given


def test_nor_does_the_file_of_a_remembered_driver(tmp_path):
    drive = Drive(fps=10, head=head(population=NUMBERS * 0.9)).drives(80).looks_like()
    drive.shown = lambda: NUMBERS
    drive.blinks(seconds=70)
    assert drive.state.rest_progress == 1.0  # there was one to leak
    assert drive.core.seat.known is not None
    settings = DriverSettings(slot="anna", folder=str(tmp_path))
    remember(settings, drive.core.seat.known)
    (file,) = tmp_path.iterdir()
    assert traces(file.read_bytes()) == []
    known = recall(settings)
    assert known == drive.core.seat.known
    again = Core(known=known, head=drive.core._head)
    assert again._emotion._rest.progress == 0.0  # nor is the face known on the next drive


def test_nor_do_the_steps_of_dms_watch(planted, film):
    steps = list(dms.watch(str(film), config=load(None, SETTINGS)))
    assert steps[-1].state.emotion_by is EmotionBy.REST
    assert traces(pickle.dumps([(step.moment, step.state) for step in steps])) == []
    assert traces(repr(steps[-1]).encode()) == []


@pytest.mark.whole
def test_nor_do_the_files_of_a_folder_s_bench(planted, film, tmp_path):
    pytest.importorskip("mcap", reason="mcap (extra bench) is missing")
    pytest.importorskip("asammdf", reason="asammdf (extra bench) is missing")
    out = tmp_path / "out"
    words = ["bench", str(film), "--out", str(out), "--mcap", "--mdf4", "--keep-observations"]
    assert main([*words, "--quiet", *_settings()]) == 0
    files = [path for path in out.rglob("*") if path.is_file()]
    assert {".mcap", ".mf4", ".html", ".jsonl"} <= {path.suffix for path in files}
    for path in files:
        assert traces(path.read_bytes()) == [], path.name


@pytest.mark.whole
def test_a_replay_says_that_rest_was_learned_in_the_original_run(planted, film, tmp_path, capsys):
    frames, kept = tmp_path / "frames.csv", tmp_path / "kept.jsonl"
    words = ["bench", str(film), "--frames", str(frames), "--observations", str(kept), "--json"]
    assert main([*words, *_settings()]) == 0
    assert json.loads(capsys.readouterr().out)[0]["rest_given"] is False
    with frames.open(newline="") as file:
        assert list(csv.DictReader(file))[-1]["against_rest"] == "1"
    again = tmp_path / "again.csv"
    assert main(["bench", str(kept), "--frames", str(again), "-s", VIRTUAL]) == 0
    assert "learned in the original run" in capsys.readouterr().out
    assert again.read_bytes() == frames.read_bytes()


def _settings():
    return [word for one in SETTINGS for word in ("-s", one)]


def test_no_crash_text_holds_one(planted, film, tmp_path):
    class Sink:
        def take(self, step):
            raise EngineError(f"a defect with {step}")

    with pytest.raises(EngineError) as crash:
        bench(str(film), Chain(load(None, SETTINGS)), more=[Sink()])
    text = "".join(traceback.format_exception(crash.value))
    assert "a defect with Step" in text
    assert traces(text.encode()) == []


@pytest.mark.parametrize("off", ["core.rage.workplace=true", "core.rage.enabled=false"])
def test_none_is_computed_where_no_emotion_is_wanted(planted, film, off):
    chain = Chain(load(None, [*SETTINGS, off]))
    bench(str(film), chain)
    assert chain.perception.expression is None
    assert chain.core.observation.expression is None
