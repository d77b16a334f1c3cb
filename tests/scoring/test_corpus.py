import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dms.errors import ConfigError
from dms.scoring.corpus import Entry, annotated, find, labels_of, length_frames, rate_of
from dms.values import Kind


@pytest.fixture
def tree(tmp_path):
    for name in ("a/drive.mp4", "a/other.avi", "b/drive.mp4", "b/notes.txt", "c/seen.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    return tmp_path


def names(sources):
    return [entry.name for entry in find([str(source) for source in sources])]


def test_a_folder_gives_its_recordings_in_a_stable_order(tree):
    assert names([tree]) == ["a-drive", "other", "b-drive", "seen"]


def test_a_glob_and_a_file_that_it_covers_count_once(tree):
    assert names([tree / "a" / "drive.mp4", tree / "a" / "*"]) == ["drive", "other"]


def test_same_stem_in_one_folder_keeps_the_ending(tmp_path):
    for name in ("x.mp4", "x.avi"):
        (tmp_path / name).write_text("")
    assert sorted(names([tmp_path])) == ["x.avi", "x.mp4"]


def test_a_folder_of_pictures_is_one_recording(tmp_path):
    (tmp_path / "0001.png").write_text("")
    assert names([tmp_path]) == [tmp_path.name]


@pytest.mark.parametrize("here", [".", "..", "./", "below/.."])
def test_a_folder_of_pictures_that_one_stands_in_has_a_name(tmp_path, monkeypatch, here):
    (tmp_path / "0001.png").write_text("")
    (tmp_path / "below").mkdir()
    (tmp_path.parent / f"{tmp_path.name}.labels.csv").write_text("kind,start_s,end_s\n")
    monkeypatch.chdir(tmp_path / "below" if here == ".." else tmp_path)
    (only,) = find([here])
    assert only.name == tmp_path.name
    assert only.read_labels() is not None


def test_a_csv_manifest_names_labels_and_groups(tree):
    manifest = tree / "corpus.csv"
    manifest.write_text(
        "source,labels,glasses,light\na/drive.mp4,l.yaml,yes,\nb/drive.mp4,,no,night\n"
    )
    first, second = find([str(manifest)])
    assert first.labels == str(tree / "l.yaml")
    assert first.groups == {"glasses": "yes"}
    assert second.labels is None
    assert second.groups == {"glasses": "no", "light": "night"}


def test_spaces_and_empty_rows_of_a_manifest_change_nothing(tree):
    manifest = tree / "Corpus.CSV"
    manifest.write_text("source, labels, light,\na/drive.mp4, l.yaml, day,\n,,,\n\n")
    (only,) = find([str(manifest)])
    assert (only.labels, only.groups) == (str(tree / "l.yaml"), {"light": "day"})


@pytest.mark.parametrize("name", ["a.ts", "a.MTS", "a.m2ts", "a.wmv", "a.3gp", "a.flv"])
def test_what_dash_cameras_write_is_found_in_a_folder(tmp_path, name):
    (tmp_path / name).write_text("")
    (tmp_path / f"._{name}").write_text("")  # macOS
    assert names([tmp_path]) == ["a"]
    assert names([tmp_path / "*.*"]) == ["a"]


def test_a_manifest_may_say_how_fast_a_recording_plays(tree):
    manifest = tree / "corpus.csv"
    manifest.write_text("source,time_scale,light\na/drive.mp4,2,day\na/drive.mp4,2,day\n")
    (only,) = find([str(manifest)])
    assert (only.time_scale, only.groups) == (2.0, {"light": "day"})
    manifest.write_text("source,time_scale\na/drive.mp4,\n")
    assert find([str(manifest)])[0].time_scale is None
    also = tree / "corpus.yaml"
    also.write_text("recordings:\n- {source: a/drive.mp4, time_scale: 0.5}\n")
    assert find([str(also)])[0].time_scale == 0.5


@pytest.mark.parametrize("scale", ["fast", "0", "-1", "101", "nan"])
def test_a_speed_that_cannot_be_is_told(tree, scale):
    manifest = tree / "corpus.csv"
    manifest.write_text(f"source,time_scale\na/drive.mp4,{scale}\n")
    with pytest.raises(ConfigError, match="time_scale"):
        find([str(manifest)])


def test_a_yaml_manifest_says_the_same(tree):
    manifest = tree / "corpus.yaml"
    manifest.write_text("recordings:\n- {source: a/drive.mp4, groups: {glasses: true, age: 40}}\n")
    (only,) = find([str(manifest)])
    assert only.groups == {"glasses": "yes", "age": "40"}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("m.csv", "file\na.mp4\n", "needs a column 'source'"),
        ("m.csv", "source,night\nnone.mp4,1\n", "no recording 'none.mp4'"),
        ("m.csv", "source,night\na/drive.mp4\n", "m.csv:2: not as many cells"),
        ("m.csv", "source,light\n,day\n", "a source is empty"),
        ("m.csv", "source;light\na/drive.mp4;day\n", "separated by ';'; separate by commas"),
        ("m.csv", "source,source\na/drive.mp4,a/other.avi\n", "column 'source' stands twice"),
        ("m.yaml", "recordings:\n- {sorce: a}\n", "m.yaml:2"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_told(tree, name, text, words):
    (tree / name).write_text(text)
    with pytest.raises(ConfigError, match=words):
        find([str(tree / name)])


def test_what_names_nothing_is_told(tmp_path):
    with pytest.raises(ConfigError, match="there is no"):
        find([str(tmp_path / "gone.mp4")])
    with pytest.raises(ConfigError, match="no recording matches"):
        find([str(tmp_path / "*.mp4")])
    with pytest.raises(ConfigError, match="neither recordings nor pictures"):
        find([str(tmp_path)])


def test_labels_of_every_format(tree):
    (tree / "blinks.csv").write_text("clip,start_frame0,end_frame0\ndrive,25,29\n")
    (tree / "m.csv").write_text("source,labels\na/drive.mp4,blinks.csv\na/other.avi,blinks.csv\n")
    drive, other = find([str(tree / "m.csv")])
    (blink,) = labels_of(drive, fps=25.0).events
    assert (blink.kind, blink.start_s, blink.end_s) == (Kind.BLINK, 1.0, 1.2)
    with pytest.raises(ConfigError, match="no clip 'other'"):
        labels_of(other, fps=25.0)
    (beside,) = find([str(tree / "b" / "drive.mp4")])
    assert labels_of(beside, fps=25.0) is None
    (tree / "b" / "drive.labels.csv").write_text("kind,start_s,end_s\nyawn,1,5\n")
    assert labels_of(beside, fps=25.0).kinds == {Kind.YAWN}


def test_every_recording_has_a_name_of_its_own(tmp_path):
    for name in ("night-1.mp4", "night/1.mp4", "day/1.mp4", "x.mp4", "x.avi", "x.mp4.mkv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "x.mp4")
    told = names([tmp_path])
    assert len(set(told)) == len(told) == 7
    assert names([tmp_path]) == told


def test_a_recording_named_by_two_paths_counts_once(tree, monkeypatch):
    monkeypatch.chdir(tree)
    assert names(["a/drive.mp4", tree / "a" / "drive.mp4", "b/../a/drive.mp4"]) == ["drive"]


def test_a_manifest_adds_to_a_folder_and_may_not_contradict_itself(tree):
    manifest = tree / "corpus.csv"
    manifest.write_text("source,light\na/drive.mp4,day\n")
    first = find([str(tree), str(manifest)])[0]
    assert first.groups == {"light": "day"}
    manifest.write_text("source,light\na/drive.mp4,day\na/drive.mp4,night\n")
    with pytest.raises(ConfigError, match="named twice"):
        find([str(manifest)])


def test_what_an_earlier_run_left_is_no_recording(tree):
    before = find([str(tree)])
    for name in ("drive", "odd.mp4"):
        left = tree / "runs" / name
        left.mkdir(parents=True)
        (left / "events.jsonl").write_text("")
        (left / "observations.jsonl").write_text("")
    assert find([str(tree)]) == before
    assert len(find([str(tree / "runs" / "*" / "observations.jsonl")])) == 2  # asked for by name


def test_a_name_that_no_file_can_have_is_told():
    with pytest.raises(ConfigError, match="cannot be a file's name"):
        find(["a" * 300])


def test_a_broken_annotation_leaves_the_others_their_groups(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.mp4").write_text("")
    worn = {"boolean": [1, {"name": "glasses", "val": True}]}
    told = {"objects": {"0": {"object_data": worn}}, "contexts": [], "metadata": []}
    (tmp_path / "a.openlabel.json").write_text(json.dumps({"openlabel": told}))
    (tmp_path / "b.openlabel.json").write_text("{")
    first, second = annotated(find([str(tmp_path)]))
    assert first.groups == {"glasses": "yes"}
    assert second.groups == {}
    with pytest.raises(ConfigError, match="not JSON"):
        labels_of(second, 30.0)


def test_tables_saved_by_a_spreadsheet_are_read(tree):
    (tree / "corpus.csv").write_text("source,labels\na/drive.mp4,l.csv\n", encoding="utf-8-sig")
    (tree / "l.csv").write_text("kind,start_s,end_s\nblink,1,1.2\n", encoding="utf-8-sig")
    (only,) = find([str(tree / "corpus.csv")])
    assert [label.kind for label in labels_of(only, 30.0).events] == [Kind.BLINK]
    (tree / "l.csv").write_text("clip,start_frame0,end_frame0\ndrive,1,9\n", encoding="utf-8-sig")
    assert [label.kind for label in labels_of(only, 30.0).events] == [Kind.BLINK]


@pytest.mark.parametrize(("name", "text"), [("m.csv", "source\n"), ("m.yaml", "recordings: []\n")])
def test_a_manifest_without_a_recording_is_told(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match="names no recording"):
        find([str(tmp_path / name)])


def test_labels_in_frames_follow_the_time_scale_of_their_recording(tmp_path):
    table = tmp_path / "blinks.csv"
    table.write_text("clip,start_frame0,end_frame0\nclosing,60,65\n")
    entry = Entry("closing", str(tmp_path / "closing.avi"), str(table), time_scale=2.0)
    assert entry.read_labels().events[0].start_s == 4.0  # 60 frames at 30 frames/s, twice as slow
    assert replace(entry, time_scale=None).read_labels().events[0].start_s == 2.0


def test_a_film_with_a_colon_in_its_name_says_how_long_it_is(tmp_path, monkeypatch):
    """Its labels in frames become seconds by its own rate."""
    monkeypatch.chdir(tmp_path)
    film = cv2.VideoWriter("a.avi", cv2.VideoWriter_fourcc(*"MJPG"), 12.0, (64, 48), False)
    for value in range(9):
        film.write(np.full((48, 64), 20 * value, np.uint8))
    film.release()
    name = "2026-11-29T21:54:00.avi"
    Path("a.avi").rename(name)
    assert (length_frames(name), rate_of(name)) == (9, 12.0)
