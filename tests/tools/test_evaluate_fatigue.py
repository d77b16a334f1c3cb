"""What tools/evaluate.py says of awake people, stills, covers, rates and drowsy drives."""

import numpy as np
import pytest

from dms.config import load
from dms.decision.core import Core
from dms.errors import ConfigError
from dms.values import ActiveAlert, DriverState, Event, EyesState, Frame, Gaze, Kind, Level
from tools.evaluation import awake, covers, drowsy, films, painting, rates, stills


def alert(kind: Kind, t_s: float, **more: object) -> Event:
    return Event(t_s, kind, Level.WARNING, "why", **more)  # type: ignore[arg-type]


def watched(*states: DriverState) -> films.Watched:
    said = films.Watched()
    for state in states:
        said.add(state)
    return said


def test_a_film_counts_what_was_seen_and_told_but_no_repeats():
    repeat = alert(Kind.SLEEP, 2.0, values={"repeated": True})
    said = watched(
        DriverState(0.0, eyes=EyesState.OPEN),
        DriverState(1.0, eyes=EyesState.CLOSED, closed_s=0.7, events=(alert(Kind.SLEEP, 1.0),)),
        DriverState(2.0, eyes=EyesState.UNKNOWN, away=True, events=(repeat,)),
    )
    assert (said.frames, said.seen, said.opened, said.closed, said.away) == (3, 2, 1, 1, 1)
    assert said.longest_closed_s == 0.7
    assert [event.t_s for event in said.alerts(films.FATIGUE)] == [1.0]
    assert said.alerts({Kind.DROWSY}) == []


def test_closures_of_labelled_films_in_any_container(tmp_path):
    table = tmp_path / "labels.yaml"
    table.write_text(
        "a.mp4: {fps: 20, eyes_closed: [[20, 40]]}\nb.MKV: {fps: 10.0, note: calm}\n"
        "c.gif: {fps: 25, yawns: 3}\n"
    )
    assert rates.labelled_films(table) == {tmp_path / "a.mp4": [(1.0, 2.0)], tmp_path / "b.MKV": []}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a.mp4: {blinks: []}\n", "a.mp4: expected fps"),
        ("a.mp4: {fps: 0, eyes_closed: [[1, 2]]}\n", "a.mp4: expected fps"),
        ("a.mp4: {fps: 20, eyes_closed: [3]}\n", "as pairs of frames"),
        ("a.mp4:\n", "a.mp4: expected fps"),
        ("- a.mp4\n", "names no film"),
        ("a: [\n", "not valid YAML"),
    ],
)
def test_labels_that_cannot_be_used_are_told(tmp_path, text, said):
    (tmp_path / "labels.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        rates.labelled_films(tmp_path / "labels.yaml")


def test_closures_of_a_rendered_film_stand_in_its_labels(tmp_path):
    (tmp_path / "demo.labels.yaml").write_text(
        "events:\n- {kind: sleep, start_s: 4, end_s: 8}\n"
        "- {kind: microsleep, start_s: 4, end_s: 8}\n- {kind: yawn, start_s: 1, end_s: 2}\n"
    )
    assert rates.rendered_closures(tmp_path / "demo.avi") == [(4.0, 8.0)]


def test_noise_moves_and_a_still_lasts_as_long_as_asked():
    gray = np.full((48, 64), 100, np.uint8)
    frames = list(films.still(gray, 2.0, fps=5.0))
    assert [frame.t_s for frame in frames] == pytest.approx([n / 5 for n in range(10)])
    assert not np.array_equal(frames[0].gray, frames[1].gray)
    assert abs(float(frames[0].gray.std()) - films.NOISE_GRAY) < 0.3


def test_a_folder_without_pictures_is_told(tmp_path):
    with pytest.raises(ConfigError, match="no pictures"):
        stills.chosen(tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"none")
    with pytest.raises(ConfigError, match="no picture"):
        films.read_still(tmp_path / "a.jpg")
    with pytest.raises(ConfigError, match="no frame"):
        list(films.read_clip(tmp_path / "a.jpg"))


def test_closed_frames_of_open_eyes_are_named():
    closed = watched(DriverState(0.0, eyes=EyesState.CLOSED, closed_s=1.2))
    fine = watched(DriverState(0.0, eyes=EyesState.OPEN))
    said = stills.judge_open({"a": closed, "b": fine})
    assert said["said_closed_longest"] == {"a": "1.2 s"}
    assert said["eyes_observable"] == 1.0
    assert stills.judge_shut({"c": fine, "d": closed}) == {
        "stills": 2, "said_closed": 1, "said_open": ["c"],
    }  # fmt: skip


def test_awake_tells_each_fatigue_alert_and_leaves_out_others():
    told = (alert(Kind.MICROSLEEP, 1.0), alert(Kind.DISTRACTION, 1.0))
    said = awake.figures([watched(DriverState(1.0, eyes=EyesState.UNKNOWN, events=told))])
    assert said["fatigue_alerts"] == 1
    assert said["told"] == ["microsleep at 1.0 s: why"]
    assert said["eyes_observable"] == 0.0
    assert (said["distractions"], said["yawns"], said["glances"]) == (1, 0, 0)
    assert said["gaze_step_deg"] is None


def test_how_steady_the_gaze_of_awake_people_is():
    seen = [None, Gaze(1.0, -2.0, 3.0), Gaze(1.2, -2.5, 3.0), None, Gaze(9.0, 0.0, 3.0)]
    states = [DriverState(float(n), gaze=one) for n, one in enumerate(seen)]
    assert list(awake.gaze_steps(states)) == pytest.approx([0.5])


ANCHORS = np.array([[70, 80], [130, 80], [78, 140], [122, 140]], float)


@pytest.mark.parametrize("cover", sorted(painting.COVERS))
def test_a_cover_lies_where_it_should(cover: str):
    gray = np.full((220, 200), 120, np.uint8)
    gray[:, ::7] = 160
    painted = painting.paint(cover, gray, ANCHORS, seed=3)
    changed = np.abs(painted.astype(int) - gray) > 25
    eyes = [changed[74:86, x - 8 : x + 8].mean() for x in (70, 130)]
    stripes = [float(one[138:148, 85:115].mean(axis=0).std()) for one in (gray, painted)]
    if cover in painting.EYES_FREE:
        assert max(eyes) < 0.1
        assert stripes[1] < 0.5 * stripes[0]
    elif cover in {"sunglasses", "glare", "brim"}:
        assert min(eyes) > 0.7
    assert gray[80, 70] in {120, 160}  # the original is left alone
    assert not np.array_equal(painted, gray)


def test_a_cover_is_told_in_time_or_not():
    def run(*told: float, opened: int = 0) -> dict:
        states = [DriverState(7.0, eyes=EyesState.OPEN)] * opened + [DriverState(8.0)] * 10
        events = tuple(
            Event(t_s, Kind.DEGRADED, Level.ADVISORY, "", values={"unseen": "glare"})
            for t_s in told
        )
        return covers.row_of("glare", "x", watched(*states, DriverState(16.0, events=events)))

    assert run(15.9)["told"]
    assert run(15.9)["reason"] == "glare"
    assert not run(16.1)["told"]
    assert run(15.9, opened=2)["open"] == 2
    said = covers.figures([run(15.9), run(), run(15.9, opened=1)])
    assert said["told_within_10_s"] == pytest.approx(0.6667)
    assert said["never_said_open"] == pytest.approx(0.6667)
    assert said["glare"]["wrong"] == ["x: not told", "x: open in 1 frames"]


def test_sampling_and_halving_keep_time():
    frames = [Frame(np.zeros((40, 60), np.uint8), n / 30, n) for n in range(30)]
    kept = list(rates.both(frames))
    assert len(kept) == 15
    assert kept[0].gray.shape == (20, 30)
    assert [frame.t_s for frame in kept] == pytest.approx([2 * n / 30 for n in range(15)])


def test_runs_agree_within_a_fifth_of_a_second():
    whole = [alert(Kind.MICROSLEEP, 5.0), alert(Kind.SLEEP, 7.0)]
    near = [alert(Kind.MICROSLEEP, 5.2), alert(Kind.SLEEP, 6.8)]
    assert rates.compare(whole, near) == "agrees"
    assert "+0.30 s off" in rates.compare(whole, [near[1], alert(Kind.MICROSLEEP, 5.3)])
    assert rates.compare(whole, near[:1]) == "missing sleep at 7.00 s"
    assert rates.compare(whole[:1], near) == "too much: sleep at 6.80 s"


def test_closures_are_off_by_frames():
    ended = Event(9.0, Kind.SLEEP, Level.NONE, "", 4.45, 8.85)
    said = rates.judge_closures(watched(DriverState(9.0, events=(ended,))), [(4.4, 8.9)], 0.05)
    assert said == {"closures_off_by_frames": ["start +1.0, end -1.0"]}
    nothing = rates.judge_closures(watched(DriverState(9.0)), [(4.4, 8.9)], 0.05)
    assert nothing == {"closures_off_by_frames": ["not found"]}


def test_delay_is_counted_from_the_rule():
    told = alert(Kind.SLEEP, 7.5, start_s=4.4)
    said = rates.delays_of(watched(DriverState(7.5, events=(told,))), {Kind.SLEEP: 3.0})
    assert said == {"sleep at 7.50 s": 0.1}


def test_the_drive_has_the_perclos_and_blinks_of_its_stages():
    spans = drowsy.spans_of((drowsy.Stage(4, 0.25, 0.5),))
    lengths = spans[:, 1] - spans[:, 0]
    closures = lengths > 0.7
    inside = spans[closures & (spans[:, 1] < 240)]
    assert (inside[:, 1] - inside[:, 0]).sum() / 240 == pytest.approx(0.25, abs=0.02)
    assert lengths[~closures] == pytest.approx(0.5)
    middle = spans[5].mean()
    assert drowsy.lid(spans, middle) == 1.0
    assert drowsy.lid(spans, spans[5, 1] + 0.3) == 0.0
    assert drowsy.lid(spans, spans[5, 1]) == pytest.approx(0.5)


def test_a_story_as_observations_is_what_the_core_understands():
    core, story = Core(load().core), (drowsy.Stage(0.1, 0.25, 0.5),)
    seen = list(drowsy.observations(story, 30.0))
    assert {(one.brightness, one.shape) for one in seen} == {(110.0, None)}
    states = [core.step(one, None, one.t_s) for one in seen]
    assert {state.eyes for state in states} >= {EyesState.OPEN, EyesState.CLOSED}


def test_judging_a_drive_needs_the_alert_after_the_crossing():
    story = (drowsy.Stage(2, 0.03, 0.1), drowsy.Stage(1, 0.25, 0.5))
    told = alert(Kind.DROWSY, 150.0)
    stands = (ActiveAlert(Kind.DROWSY, Level.WARNING, 150.0, ""),)
    states = [
        DriverState(60.0, drowsiness=3),
        DriverState(130.0, drowsiness=6),
        DriverState(150.0, drowsiness=8, events=(told,), active=stands),
        DriverState(190.0, drowsiness=8, active=stands),
        DriverState(250.0, drowsiness=3),
    ]
    said = drowsy.judge(states, story)
    assert said["level_8_after_s"] == said["alert_after_s"] == 30.0
    assert said["only_rises"]
    assert said["only_falls_afterwards"]
    assert (said["fresh_level"], said["last_level"], said["false_before"]) == (3, 3, 0)
    assert said["alert_ends_after_s"] == 70.0
    states[2] = DriverState(150.0, drowsiness=5)
    assert not drowsy.judge(states, story)["only_rises"]


@pytest.mark.data
@pytest.mark.slow
def test_infrared_eyes_with_glasses_and_reflections_are_open(data):
    import argparse

    only = ["s09_00", "s13_00", "s16_00", "s19_00"]
    said = stills.measure(
        argparse.Namespace(data=data / "nir_faces", set=[], seconds=4.0, fps=15.0, only=only)
    )
    assert (said["stills"], said["said_closed"], said["eyes_observable"]) == (4, 0, 1.0)
