"""How a drive felt: times, valence, liveliness and episodes, on known drives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dms.bench.bench import Outputs, bench
from dms.chain import Chain
from dms.config import load
from dms.errors import ConfigError
from dms.files.affect import SessionAffect, session_affect, write_affect
from dms.files.frames import load_frames
from dms.files.observations import save
from dms.report.affect import affect_part
from dms.values import EXPRESSIONS, Event, Kind, Level, Moment
from tests.scenarios.drive import Drive

HZ = 10.0


def frames(*stretches: tuple[float, dict[str, float]], learned_s: float = 60.0):
    """Columns of a frame table; each stretch is (seconds, scores), the rest neutral."""
    rows = []
    for seconds, scores in stretches:
        row = {"neutral": 1.0 - sum(scores.values()), **scores}
        rows += [[row.get(name, 0.0) for name in EXPRESSIONS]] * round(seconds * HZ)
    table = np.array(rows)
    t_s = np.arange(len(rows)) / HZ
    columns = dict(zip(EXPRESSIONS, table.T, strict=True))
    valence = columns["happiness"] - columns["anger"]
    progress = np.minimum(t_s / learned_s, 1.0)
    return {"t_s": t_s, "valence": valence, "baseline_progress": progress, **columns}


def affect(*stretches: tuple[float, dict[str, float]], **more: float) -> SessionAffect:
    found = session_affect(frames(*stretches, **more), [])
    assert found is not None
    return found


def test_time_in_each_class() -> None:
    found = affect((60, {}), (20, {"anger": 0.8}), (40, {"happiness": 0.9}))
    assert found.seen_s == pytest.approx(120, abs=0.2)
    assert found.seconds["neutral"] == pytest.approx(60, abs=0.2)
    assert found.seconds["anger"] == pytest.approx(20, abs=0.2)
    assert found.seconds["happiness"] == pytest.approx(40, abs=0.2)
    assert found.seconds["fear"] == 0.0


def test_what_was_not_read_is_no_time() -> None:
    columns = frames((60, {}), (60, {"anger": 0.8}))
    hidden = (columns["t_s"] >= 30) & (columns["t_s"] < 60)
    for name in EXPRESSIONS:
        columns[name] = np.where(hidden, np.nan, columns[name])
    found = session_affect(columns, [])
    assert found is not None
    assert found.seconds["neutral"] == pytest.approx(30, abs=0.6)
    assert found.seen_s == pytest.approx(90, abs=0.6)


def test_nothing_read_is_unknown_and_not_flat() -> None:
    columns = frames((60, {}))
    columns |= {name: np.full_like(columns["t_s"], np.nan) for name in EXPRESSIONS}
    assert session_affect(columns, []) is None
    assert session_affect({"t_s": columns["t_s"]}, []) is None


def test_valence_over_time() -> None:
    found = affect((50, {"happiness": 1.0}), (50, {"anger": 1.0}))
    assert found.mean_valence == pytest.approx(0.0, abs=0.02)
    assert [value for _, value in found.valence] == pytest.approx([1.0] * 5 + [-1.0] * 5, abs=0.02)
    assert [t_s for t_s, _ in found.valence] == pytest.approx(list(range(5, 100, 10)), abs=0.1)


def lively(seconds: float, size: float) -> list[tuple[float, dict[str, float]]]:
    return [(2.0, {"happiness": size * (at % 2)}) for at in range(round(seconds / 2))]


def test_a_flat_drive_is_less_lively_than_its_first_minute() -> None:
    assert affect(*lively(60, 0.6), *lively(60, 0.6)).liveliness == pytest.approx(1.0, abs=0.05)
    flat = affect(*lively(60, 0.6), *lively(60, 0.06))
    assert flat.liveliness is not None
    assert flat.liveliness > 0.5  # it stays at one end of its range: that is a distance, too
    still = affect(*lively(60, 0.6), (60, {"happiness": 0.3}))
    assert still.liveliness == pytest.approx(0.0, abs=0.02)
    more = affect(*lively(60, 0.2), *lively(60, 0.6))
    assert more.liveliness is not None
    assert more.liveliness > 2


def test_liveliness_is_unknown_before_the_first_minute_and_without_movement() -> None:
    assert affect(*lively(50, 0.6)).liveliness is None
    moved_later = affect((60, {}), (60, {"happiness": 0.5}))
    assert moved_later.expressivity == pytest.approx(0.5, abs=0.01)
    assert moved_later.liveliness is None


def test_episodes_and_flashes() -> None:
    events = [
        Event(70.0, Kind.ROAD_RAGE, Level.ADVISORY, "growing"),
        Event(95.0, Kind.ROAD_RAGE, Level.NONE, "ended: horn", 66.0, 95.0,
              {"peak": 0.9, "peak_s": 80.0, "level": 2}),
        Event(110.0, Kind.ROAD_RAGE, Level.ADVISORY, "again"),
        Event(112.0, Kind.ROAD_RAGE, Level.WARNING, "still"),
        Event(90.0, Kind.MICRO_EXPRESSION, Level.NONE, "a flash", 89.0, 89.1,
              {"expression": "fear"}),
    ]  # fmt: skip
    found = session_affect(frames((120, {})), events)
    assert found is not None
    ended, open_ = found.episodes
    assert (ended.start_s, ended.peak_s, ended.end_s) == (66.0, 80.0, 95.0)
    assert (ended.peak, ended.level, ended.reason) == (0.9, 2, "ended: horn")
    assert (open_.start_s, open_.end_s, open_.level, open_.reason) == (110.0, None, 2, "still")
    assert found.flashes == {"fear": 1}


def test_the_data_say_that_they_are_no_judgement(tmp_path: Path) -> None:
    path = tmp_path / "new" / "affect.json"
    write_affect(affect((60, {})), path)
    thing = json.loads(path.read_text())
    assert "No judgement of health" in thing["note"]
    write_affect(None, path)
    assert json.loads(path.read_text()) is None
    with pytest.raises(ConfigError, match="cannot write"):
        write_affect(None, tmp_path)


def recorded(tmp_path: Path) -> str:
    drive = Drive(fps=10).drives(80).looks_like(happiness=0.1).watches(65)
    drive.looks_like(anger=0.9).watches(15).looks_like(happiness=0.1).watches(40)
    path = tmp_path / "drive.jsonl"
    save((Moment(seen, vehicle) for seen, vehicle in drive.observations), path)
    return str(path)


def test_a_run_and_its_frame_table_tell_the_same(tmp_path: Path) -> None:
    chain = Chain(load(None, ["bridges=[]"]))
    outputs = Outputs(frames=tmp_path / "frames.csv", affect=tmp_path / "affect.json")
    result = bench(recorded(tmp_path), chain, outputs)
    thing = json.loads((tmp_path / "affect.json").read_text())
    assert thing["seconds"]["anger"] == pytest.approx(15, abs=0.5)
    (episode,) = thing["episodes"]
    assert 65 < episode["start_s"] < episode["peak_s"] < episode["end_s"]
    assert episode["level"] == Level.WARNING
    read = session_affect(load_frames(tmp_path / "frames.csv"), result.events)
    assert read is not None
    assert read.seconds == pytest.approx(thing["seconds"], abs=0.5)
    assert read.expressivity == pytest.approx(thing["expressivity"], abs=0.01)


def test_where_no_emotion_is_wanted_none_is_written(tmp_path: Path) -> None:
    chain = Chain(load(None, ["bridges=[]", "core.rage.workplace=true"]))
    bench(recorded(tmp_path), chain, Outputs(affect=tmp_path / "affect.json"))
    assert json.loads((tmp_path / "affect.json").read_text()) is None


def test_valence_against_rest_is_not_mixed_with_absolute_valence() -> None:
    columns = frames((20, {"anger": 1.0}), (80, {"happiness": 1.0}))
    against = np.where(columns["t_s"] < 20, 0.0, 1.0)
    found = session_affect({**columns, "against_rest": against}, [])
    assert found is not None
    assert (found.read_by, found.mean_valence) == ("rest", 1.0)
    assert found.valence[0][0] > 20
    plain = session_affect(columns, [])
    assert plain is not None
    assert (plain.read_by, plain.mean_valence) == ("absolute", pytest.approx(0.6, abs=0.01))


def test_micro_expressions_are_counted_by_what_they_were_read_against() -> None:
    events = [
        Event(90.0, Kind.MICRO_EXPRESSION, Level.NONE, "a flash", values={"expression": of, **by})
        for of, by in (("fear", {"by": "rest"}), ("fear", {"by": "absolute"}), ("anger", {}))
    ]
    found = session_affect(frames((120, {})), events)
    assert found is not None
    assert found.flashes == {"anger": 1, "fear": 2}
    assert found.flashes_against_rest == {"fear": 1}
    page = affect_part(frames((120, {})), events)
    assert "Micro-expressions of fear: 2, 1 of them read against rest." in page


def test_the_report_says_of_which_part_its_valence_is() -> None:
    columns = frames((20, {"anger": 1.0}), (80, {"happiness": 1.0}))
    assert "of that part alone" not in affect_part(columns, [])
    columns["against_rest"] = np.where(columns["t_s"] < 20, 0.0, 1.0)
    page = affect_part(columns, [])
    assert "What follows is of that part alone. Mean valence +1.0" in page


def test_scores_against_rest_are_no_liveliness_beside_absolute_ones() -> None:
    absolute, shifted = (20, {"anger": 0.5}), lively(100, 0.2)
    columns = frames(absolute, *shifted)
    against = np.where(columns["t_s"] < 20, 0.0, 1.0)
    found = session_affect({**columns, "against_rest": against}, [])
    mixed = session_affect(columns, [])
    assert found is not None
    assert mixed is not None
    assert found.against_rest_s == pytest.approx(100, abs=0.3)
    assert mixed.against_rest_s == 0.0
    assert found.liveliness == pytest.approx(1.0, abs=0.15)
    assert mixed.liveliness != pytest.approx(1.0, abs=0.15)  # what the change alone would make
