import json
from pathlib import Path

import pytest

from dms.errors import ConfigError
from dms.scoring.corpus import annotated, find, labels_of
from dms.scoring.labels import Truth
from dms.scoring.openlabel import is_openlabel, load_openlabel
from dms.values import Kind

DMD = Path(__file__).parent / "dmd"
SESSION = "gA_1_s5_2019-03-08T09;31;15+01;00"


@pytest.fixture(params=["openlabel100", "vcd431"])
def session(request, tmp_path):
    """A DMD session's folder as it is unpacked: three views, the mosaic and an annotation."""
    folder = tmp_path / "dmd" / "gA" / "1" / "s5"
    folder.mkdir(parents=True)
    for view in ("rgb_face.mp4", "ir_face.mp4", "rgb_body.mp4", "rgb_hands.mp4", "rgb_mosaic.avi",
                 "depth_face.avi"):  # fmt: skip
        (folder / f"{SESSION}_{view}").write_bytes(b"")
    annotation = (DMD / f"{request.param}.json").read_text()
    (folder / f"{SESSION}_rgb_ann_drowsiness.json").write_text(annotation)
    return tmp_path / "dmd"


def test_a_dmd_session_is_scored_by_its_face_videos_alone(session):
    entries = find([str(session)])
    assert [entry.name for entry in entries] == [f"{SESSION}_ir_face", f"{SESSION}_rgb_face"]
    for entry in entries:
        labels = labels_of(entry, 30.0)
        assert labels.kinds == {Kind.BLINK, Kind.YAWN, Kind.MICROSLEEP, Kind.SLEEP}
        # The body camera started three frames before the face's, and the mosaic with it.
        assert spans(labels, Kind.BLINK) == [(0.9, 1.1)]
        assert spans(labels, Kind.MICROSLEEP) == [(pytest.approx(59 / 30), pytest.approx(95 / 30))]
        assert spans(labels, Kind.YAWN) == [(pytest.approx(107 / 30), pytest.approx(137 / 30))]


def test_what_dmd_says_of_the_driver_can_be_measured_by(session):
    entry = annotated(find([str(session)]))[0]
    assert dict(entry.groups) == {
        "glasses": "yes", "gender": "Female", "weather": "sunny", "setup": "Car parked",
        "experience": "10+", "drive_freq": "daily",
    }  # fmt: skip


def test_two_annotations_of_a_session_are_one(session):
    gaze = {"actions": {"0": {"type": "gaze_zone/infotainment", "frame_intervals": [
        {"frame_start": 0, "frame_end": 119}]}}}  # fmt: skip
    folder = session / "gA" / "1" / "s5"
    (folder / f"{SESSION}_rgb_ann_gaze.json").write_text(json.dumps({"openlabel": gaze}))
    labels = labels_of(find([str(session)])[0], 30.0)
    assert {Kind.BLINK, Kind.DISTRACTION} <= labels.kinds
    assert spans(labels, Kind.DISTRACTION) == [(0.0, 4.0)]


def test_streams_of_vcd_42_stand_in_its_metadata(tmp_path):
    shifted = {"stream_properties": {"sync": {"frame_shift": -15}}}
    more = {"metadata": {"streams": {"hands_camera": shifted}}}
    path = written(tmp_path, [("blinks/blinking", [(30, 35)])], "vcd", **more)
    assert spans(load_openlabel(path, fps=30.0), Kind.BLINK) == [(0.5, pytest.approx(0.7))]


def test_where_each_eye_has_its_state_closed_is_both_closed(tmp_path):
    path = written(
        tmp_path,
        [("eye_state_right/close", [(30, 89)]), ("eye_state_left/close", [(45, 99), (200, 300)])],
    )
    labels = load_openlabel(path, fps=30.0)
    assert spans(labels, Kind.MICROSLEEP) == [(1.5, 3.0)]
    assert [one.truth for one in labels.stretches] == [Truth.EYES_CLOSED]


def written(tmp_path, actions, root="openlabel", **more):
    path = tmp_path / "gA_1_s5_ann_drowsiness.json"
    made = {
        str(number): {
            "type": name,
            "frame_intervals": [{"frame_start": a, "frame_end": b} for a, b in intervals],
        }
        for number, (name, intervals) in enumerate(actions)
    }
    path.write_text(json.dumps({root: {"actions": made, **more}}))
    return path


def spans(labels, kind):
    return [(e.start_s, e.end_s) for e in labels.events if e.kind is kind]


@pytest.mark.parametrize("root", ["openlabel", "vcd"])
def test_frames_are_inclusive_and_become_seconds(tmp_path, root):
    path = written(tmp_path, [("blinks/blinking", [(30, 35)])], root)
    assert spans(load_openlabel(path, fps=30.0), Kind.BLINK) == [(1.0, 1.2)]


def test_closures_are_named_by_how_long_they_last(tmp_path):
    path = written(tmp_path, [("eyes_state/close", [(0, 9), (100, 144), (300, 419)])])
    labels = load_openlabel(path, fps=30.0)
    assert len(spans(labels, Kind.MICROSLEEP)) == 2
    assert spans(labels, Kind.SLEEP) == [(10.0, 14.0)]
    assert len(labels.stretches) == 3


def test_touching_closures_are_one(tmp_path):
    path = written(tmp_path, [("eyes_state/close", [(0, 19), (20, 39)])])
    assert spans(load_openlabel(path, fps=30.0), Kind.MICROSLEEP) == [(0.0, pytest.approx(4 / 3))]


def test_long_looks_away_are_distraction_and_road_is_known_too(tmp_path):
    path = written(
        tmp_path,
        [
            ("gaze_on_road/not_looking_road", [(30, 149), (200, 220)]),
            ("gaze_on_road/looking_road", [(0, 29)]),
        ],
    )
    labels = load_openlabel(path, fps=30.0)
    assert spans(labels, Kind.DISTRACTION) == [(1.0, 5.0)]
    assert [one.truth for one in labels.stretches] == [Truth.ROAD, Truth.AWAY, Truth.AWAY]


def test_a_level_without_events_is_still_scored_and_others_are_not(tmp_path):
    path = written(tmp_path, [("eyes_state/open", [(0, 900)]), ("talking/talking", [(0, 5)])])
    labels = load_openlabel(path)
    assert labels.events == ()
    assert labels.kinds == {Kind.MICROSLEEP, Kind.SLEEP}


def test_face_cameras_shift_is_taken_off(tmp_path):
    streams = {"face_camera": {"stream_properties": {"sync": {"frame_shift": 15}}}}
    path = written(tmp_path, [("yawning/Yawning with hand", [(0, 10), (30, 149)])], streams=streams)
    assert spans(load_openlabel(path, fps=30.0), Kind.YAWN) == [(0.5, 4.5)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[]", "no 'openlabel'"),
        ('{"openlabel": {"actions": [1]}}', "not a mapping"),
        ('{"openlabel": {"actions": {"3": {}}}}', "action '3' has no type"),
        (
            '{"openlabel": {"actions": {"3": {"type": "a", "frame_intervals": [{"from": 1}]}}}}',
            "not a frame interval",
        ),
        (
            '{"openlabel": {"actions": {"3": {"type": "a", "frame_intervals": '
            '[{"frame_start": 5, "frame_end": 2}]}}}}',
            "frame 2 ends before",
        ),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path, text, words):
    path = tmp_path / "a.openlabel.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        load_openlabel(path)


def test_names_of_openlabel_files(tmp_path):
    assert is_openlabel(tmp_path / "drive.openlabel.json")
    assert is_openlabel(tmp_path / "gA_1_s5_2019_rgb_ann_drowsiness.json")
    assert not is_openlabel(tmp_path / "drive.json")


@pytest.mark.parametrize("intervals", [3, {"a": 1}, [{"frame_start": 0, "frame_end": 1e999}]])
def test_intervals_of_another_shape_are_told(tmp_path, intervals):
    path = tmp_path / "a.openlabel.json"
    action = {"type": "blinks/blinking", "frame_intervals": intervals}
    path.write_text(json.dumps({"openlabel": {"actions": {"0": action}}}))
    with pytest.raises(ConfigError, match="interval"):
        load_openlabel(path)
