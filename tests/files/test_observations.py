import gzip
import json
import os
import queue
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dms.errors import ConfigError
from dms.files import observations as reading
from dms.files.observations import load, parse, save, to_line
from dms.values import (
    Box,
    DriverObservation,
    ExpressionScores,
    EyeEvidence,
    Fault,
    Gear,
    HeadPose,
    Iris,
    Lids,
    Moment,
    Part,
    Unseen,
    VehicleContext,
)


def scored(probabilities, relative=None):
    """One line with expression scores."""
    scores = {"probabilities": probabilities, "relative": relative, "sure": True, "confidence": 0.5}
    return json.dumps({"observation": {"t_s": 1, "expression": scores}})


number = st.floats(-1e4, 1e4)
share = st.floats(0, 1)
maybe = st.none() | number
eyes = st.builds(
    EyeEvidence,
    ear=maybe,
    open_probability=st.none() | share,
    unseen=st.none() | st.sampled_from(Unseen),
    lids=st.none() | st.builds(Lids, share, share, share),
    iris=st.none() | st.builds(Iris, number, number, share),
    width_px=maybe,
)
scores = st.builds(
    ExpressionScores, probabilities=st.tuples(*[share] * 8), sure=st.booleans(), confidence=share
)
observations = st.builds(
    DriverObservation,
    t_s=number,
    face=st.none() | st.builds(Box, number, number, number, number),
    right_eye=eyes,
    left_eye=eyes,
    mar=maybe,
    pose=st.none() | st.builds(HeadPose, number, number, number),
    expression=st.none() | scores,
    unseen=st.none() | st.sampled_from(Unseen),
)
vehicles = st.builds(
    VehicleContext, t_s=number, speed_kmh=maybe, gear=st.none() | st.sampled_from(Gear),
    horn=st.none() | st.booleans(),
)  # fmt: skip
faults = st.builds(Fault, st.sampled_from(Part), st.just("gone: odd")) | st.text(max_size=9).map(
    Fault.from_text
)
moments = st.builds(
    Moment, observations, st.none() | vehicles, st.lists(faults, max_size=2).map(tuple)
)


@given(st.lists(moments, min_size=1, max_size=3))
def test_what_is_saved_is_loaded(tmp_path_factory, many):
    path = tmp_path_factory.mktemp("recording") / "drive.jsonl"
    assert save(many, path, note="synthetic") == len(many)
    assert list(load(path)) == many


def test_unknown_stays_unknown(tmp_path):
    path = tmp_path / "drive.jsonl"
    save([Moment(DriverObservation(1.0))], path)
    moment = next(load(path))
    assert moment.observation.mar is None
    assert moment.vehicle is None


def test_lids_and_iris_stand_flat_by_their_names_in_the_frame_table(tmp_path):
    eye = EyeEvidence(lids=Lids(0.1, 0.7, 0.2), iris=Iris(0.01, 0.15, 0.02), width_px=31.0)
    moment = Moment(DriverObservation(1.0, right_eye=eye))
    path = tmp_path / "drive.jsonl"
    save([moment], path)
    seen = json.loads(path.read_text())["observation"]
    names = ("lids_open", "lids_lowered", "lids_closed", "iris_x", "iris_y", "iris_sd")
    assert [seen[f"right_{name}"] for name in names] == [0.1, 0.7, 0.2, 0.01, 0.15, 0.02]
    assert not any(key.startswith(("left_lids", "left_iris")) for key in seen)
    assert list(load(path)) == [moment]


def test_a_recording_older_than_lids_and_iris_is_loaded(tmp_path):
    path = tmp_path / "drive.jsonl"
    path.write_text(
        '{"observation": {"t_s": 0, "right_eye": {"ear": 0.3, "open_probability": 1}}}\n'
    )
    (moment,) = load(path)
    assert moment.observation.right_eye == EyeEvidence(0.3, 1.0)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", ":2: the line: Invalid JSON"),
        ('{"observation": {}}', ":2: observation.t_s: Field required"),
        ('{"observation": {"t_s": 1, "mar": NaN}}', ":2: the line: Invalid JSON: NaN is no number"),
        ('{"observation": {"t_s": 1, "mar": 1e999}}', ":2: the line: Invalid JSON: 1e999 is no"),
        (
            '{"observation": {"t_s": 1, "mar": "NaN"}}',
            ":2: observation.mar: Input should be a finite number",
        ),
        ('{"observation": {"t_s": -Infinity}}', ":2: the line: Invalid JSON: -Infinity is no"),
        ('{"observation": {"t_s": 1, "right_lids_open": 1}}', "right_eye.lids.lowered: Field req"),
        ('{"observation": {"t_s": 1, "right_eye": 3, "right_iris_x": 1}}', "right_eye: Input"),
        (scored([0.125] * 7), ":2: observation.expression.probabilities: must be 8 numbers, got 7"),
        (scored([0.125] * 8, [0.1] * 7), "observation.expression.relative: must be 8 numbers, got"),
        (scored([0.125] * 8, []), "observation.expression.relative: must be 8 numbers, got 0"),
        ('{"observation": {"t_s": 1, "shape": [0]}}', ":2: observation.shape: must be 14 numbers"),
        ('{"observation": {"t_s": "soon"}}', ":2: observation.t_s: Input should be a valid number"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, said):
    path = tmp_path / "drive.jsonl"
    path.write_text('{"observation": {"t_s": 0}}\n' + line + "\n")
    with pytest.raises(ConfigError) as told:
        list(load(path))
    assert said in str(told.value)


@pytest.mark.parametrize("good", [0, 1, 63, 64, 65, 200])
def test_what_stands_before_a_bad_line_comes_first(tmp_path, good):
    path = tmp_path / "drive.jsonl"
    lines = [f'{{"observation": {{"t_s": {t_s}}}}}\n' for t_s in range(good)]
    path.write_text("".join([*lines, "{\n"]))
    seen = []
    with pytest.raises(ConfigError, match=f":{good + 1}: "):
        seen.extend(moment.observation.t_s for moment in load(path))
    assert seen == list(range(good))


def test_a_mark_that_an_editor_put_first_is_passed_over(tmp_path):
    path = tmp_path / "drive.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"observation": {"t_s": 2}}\r\n')
    assert [moment.observation.t_s for moment in load(path)] == [2.0]


def test_a_missing_or_binary_file_is_told(tmp_path):
    with pytest.raises(ConfigError, match="cannot read"):
        list(load(tmp_path / "none.jsonl"))
    (tmp_path / "video.jsonl").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(ConfigError, match="not a text file"):
        list(load(tmp_path / "video.jsonl"))


def test_a_recording_without_an_observation_is_told(tmp_path):
    path = tmp_path / "empty.jsonl"
    path.write_text('{"note": "nothing follows"}\n\n')
    with pytest.raises(ConfigError, match="holds no observation"):
        list(load(path))


def test_a_usual_line_is_read_at_once_and_as_by_the_closer_look(monkeypatch):
    film = Path(__file__).parents[1] / "golden/film.jsonl.gz"
    lines = gzip.decompress(film.read_bytes()).decode().splitlines()[::10]
    closely = [reading._parse_closely(film, 1, line) for line in lines]
    monkeypatch.setattr(reading, "_parse_closely", None)
    assert [parse(film, 1, line) for line in lines] == closely


def test_times_that_fall_are_told_once(tmp_path, caplog):
    """As of two recordings in one file: the second would be lost without a word."""
    path = tmp_path / "drive.jsonl"
    save([Moment(DriverObservation(t_s)) for t_s in (0.0, 5.0, 5.0, 6.0)], path)
    assert len(list(load(path))) == 4
    assert not caplog.records
    path.write_text(path.read_text() * 3)
    assert len(list(load(path))) == 12
    (only,) = caplog.records
    assert "drive.jsonl:5: t_s falls from 6 to 0" in only.getMessage()


def test_what_comes_by_a_pipe_is_told_at_once(tmp_path):
    path = tmp_path / "drive.jsonl"
    os.mkfifo(path)
    told = queue.SimpleQueue()
    reader = threading.Thread(target=lambda: [told.put(one) for one in load(path)], daemon=True)
    reader.start()
    with path.open("w") as pipe:
        pipe.write(to_line(Moment(DriverObservation(1.0))) + "\n")
        pipe.flush()
        assert told.get(timeout=30).observation.t_s == 1.0
    reader.join(30)
