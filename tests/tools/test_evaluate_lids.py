"""What tools/evaluate.py says of clips labelled by lids, and of drawn nods and looks."""

from __future__ import annotations

from argparse import Namespace
from itertools import islice
from pathlib import Path

import pytest
import yaml

from dms.chain import Chain
from dms.config import load
from dms.engine.manifest import FOLDER
from dms.errors import ConfigError
from dms.values import Event, Kind, Level
from tools.evaluation import drifts, lowered, nods

LABELS = {
    "fps": 10.0,
    "frames": 300,
    "person": "P01 man",
    "stretches": [
        {"from": 20, "to": 39, "lids": "lowered"},
        {"from": 100, "to": 114, "lids": "closed"},
        {"from": 115, "to": 117, "lids": "blink"},
        {"from": 200, "to": 219, "lids": "unsure"},
    ],
    "events": [
        {"from": 250, "to": 269, "kind": "nod_off"},
        {"from": 60, "to": 69, "kind": "yawn"},
    ],
}


def alert(t_s: float, kind: Kind = Kind.MICROSLEEP, level: Level = Level.WARNING) -> Event:
    return Event(t_s, kind, level, "")


def scored(*events: Event, away: list[tuple[float, float]] | None = None) -> lowered.Score:
    seen = lowered.Seen(list(events), away or [])
    return lowered.score("clip.mp4", lowered.Truth.read(LABELS), seen)


def test_how_restless_eyes_are_is_taken_from_the_begin_of_a_stretch() -> None:
    quiet = [(t_s / 10, 0.2) for t_s in range(100, 109)]
    assert lowered.Seen(open=[*quiet, (11.0, 0.9)]).restless(10.0) == 0.0
    assert lowered.Seen(open=[*quiet, (10.85, 0.9)]).restless(10.0) == pytest.approx(0.21)
    assert lowered.Seen().restless(10.0) == 0.0


def test_a_blink_at_its_end_belongs_to_a_closure_and_a_nod_is_one() -> None:
    truth = lowered.Truth.read(LABELS)
    assert truth.shut == [(10.0, 11.8), (25.0, 27.0)]
    assert scored().awake_s == pytest.approx(30.0 - 1.8 - 2.0)


@pytest.mark.parametrize(
    ("t_s", "false"), [(3.0, 1), (10.5, 0), (12.7, 0), (12.9, 1), (20.2, 1), (20.4, 0), (26.0, 0)]
)
def test_an_alert_is_false_away_from_closures_and_what_is_unsure(t_s: float, false: int) -> None:
    assert scored(alert(t_s)).false_alerts == false
    assert scored(alert(t_s, level=Level.NONE)).false_alerts == 0
    assert scored(alert(t_s, Kind.DISTRACTION)).false_alerts == 0


def test_closures_found_and_looks_down() -> None:
    got = scored(alert(10.8), alert(4.2), away=[(3.0, 0.2), (4.1, 0.31), (9.0, 9.0)])
    assert (got.closures, got.closures_found) == (2, 1)
    assert (got.looks_down, got.looks_down_told_closed, got.looks_down_away) == (1, 1, 1)
    assert any(line.startswith("missed clip.mp4 25.00") for line in got.said)


def test_yawns_and_distractions_at_no_event_are_false() -> None:
    yawn, look = Event(6.5, Kind.YAWN, Level.NONE, ""), alert(15.0, Kind.DISTRACTION)
    assert scored(yawn).false_yawns == 0
    assert scored(Event(15.0, Kind.YAWN, Level.NONE, "")).false_yawns == 1
    assert scored(look).false_distractions == 1
    assert scored(alert(27.5, Kind.DISTRACTION)).false_distractions == 0


def test_figures_have_their_names_and_intervals_by_person() -> None:
    said = lowered.figures([scored(alert(3.0)), scored(alert(10.8))])
    assert (said["false_alerts"], said["closures"], said["closures_found"]) == (1, 4, 1)
    assert said["false_a_minute"] == pytest.approx(60 / 52.4, abs=1e-3)
    for key in (
        "false_alerts", "false_a_minute", "awake_s", "closures", "closures_found", "looks_down",
        "looks_down_told_closed", "looks_down_away", "false_yawns_a_minute", "false_distractions",
    ):  # fmt: skip
        assert len(said[f"{key}_95"]) == 2


@pytest.mark.parametrize("text", ["", "clip.mp4: {fps: 10}", "[1, 2]", "clip.mp4: 3", ":\n:"])
def test_a_folder_that_cannot_be_used_is_told_in_one_sentence(tmp_path, text) -> None:
    arguments = Namespace(data=tmp_path, set=[], clip=[], variants=False)
    with pytest.raises(ConfigError, match=r"labels\.yaml"):
        lowered.measure(arguments)
    (tmp_path / "labels.yaml").write_text(text)
    with pytest.raises(ConfigError):
        lowered.measure(arguments)


def test_a_clip_that_is_not_there_is_left_out(tmp_path) -> None:
    (tmp_path / "labels.yaml").write_text(yaml.safe_dump({"clip.mp4": LABELS}))
    with pytest.raises(ConfigError, match="none of the clips"):
        lowered.measure(Namespace(data=tmp_path, set=[], clip=[], variants=False))


@pytest.mark.whole
def test_drawn_nods_are_told_and_looks_down_are_not() -> None:
    said = nods.measure(Namespace(count=12, seed=1))
    assert said["nods_told"]["found"] >= 10
    assert said["looks_told_as_closure"]["found"] <= 1
    assert said["looks_held_told_as_distraction"]["found"] >= 11
    assert said["looks_held_told_as_closure"]["found"] <= 1


def test_what_is_made_of_one_draw_changes_no_other(monkeypatch) -> None:
    drawn: list[list[float]] = []
    for frames in (1, 3):
        people: list[float] = []

        def kept(rng, people=people, draw=drifts.look):
            way = draw(rng)
            people.append(way.person.full)
            return way

        def few(seen, frames=frames) -> None:
            list(islice(seen, frames))

        with monkeypatch.context() as patch:
            patch.setattr(drifts, "look", kept)
            patch.setattr(drifts, "asleep_s", few)
            said = drifts.measure(Namespace(count=2, seed=1, engines=FOLDER))
        assert said["drifts_told_in_time"]["found"] == 0
        drawn.append(people)
    assert drawn[0] == drawn[1]
    assert drawn[0][0] != drawn[0][1]


@pytest.mark.slow
def test_drawn_eyes_that_fall_shut_are_told_in_time() -> None:
    said = drifts.measure(Namespace(count=6, seed=1, engines=FOLDER))
    assert said["drifts_told_in_time"]["found"] >= 5
    assert said["looks_told_as_closure"]["found"] <= 3


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("clip", "told", "never"),
    [
        ("dms_distracted", set(), lowered.CLOSURES),  # eats, looks down
        ("lp_d3", set(), frozenset({Kind.SLEEP, Kind.UNRESPONSIVE})),  # frowns, lids lowered
        ("harika", {Kind.MICROSLEEP}, frozenset({Kind.SLEEP, Kind.UNRESPONSIVE})),  # nods off
        ("ndu_sleepy", {Kind.MICROSLEEP, Kind.SLEEP}, frozenset()),  # sleeps
    ],
)
def test_the_clips_of_the_observations_get_the_right_answers(
    data: Path, tmp_path: Path, clip: str, told: set[Kind], never: frozenset[Kind]
) -> None:
    """The recorded observations tell neither lids nor gaze; from the clips both are read."""
    folder = data / "lowered"
    truth = lowered.Truth.read(yaml.safe_load((folder / "labels.yaml").read_text())[f"{clip}.mp4"])
    seen, _ = lowered.watched(Chain(load(None, ["bridges=[]"])), folder / f"{clip}.mp4", tmp_path)
    alerts = {event.kind for event in seen.events if event.level >= Level.WARNING}
    assert told <= alerts
    assert not never & alerts
    score = lowered.score(clip, truth, seen)
    assert (score.false_alerts, score.looks_down_told_closed) == (0, 0)
    assert (score.closures_found, score.looks_down_away) == (score.closures, score.looks_down)
