import csv

import cv2
import numpy as np
import pytest
import yaml

pytest.importorskip("skimage", reason="the extra 'demo' is not installed")

from tools.rendering import clip
from tools.rendering.portrait import YAWS, Portrait, Puppet

pytestmark = pytest.mark.whole  # tools/test --quick leaves it out


@pytest.fixture(scope="module")
def portrait():
    return Portrait()


def test_same_seed_gives_same_frames_and_labels(tmp_path):
    films = [clip.render(tmp_path / name, seconds=2.2, seed=3) for name in "ab"]
    assert films[0].read_bytes() == films[1].read_bytes()
    texts = [(tmp_path / name / "demo.labels.yaml").read_text() for name in "ab"]
    assert texts[0] == texts[1]


def test_film_has_the_frames_the_truth_lists(tmp_path):
    film = clip.render(tmp_path, seconds=3.0, seed=1)
    capture = cv2.VideoCapture(str(film))
    count = 0
    while capture.read()[0]:
        count += 1
    capture.release()
    with (tmp_path / "demo.truth.csv").open() as file:
        truth = list(csv.DictReader(file))
    assert count == len(truth) == 90
    labels = yaml.safe_load((tmp_path / "demo.labels.yaml").read_text())
    assert [event["kind"] for event in labels["events"]] == ["blink"]


def test_labels_agree_with_the_lids_of_the_story():
    story = clip.tell_story(1, 66.0)
    for label in story.labels:
        middle = story.puppet((label["start_s"] + label["end_s"]) / 2)
        before = story.puppet(label["start_s"] - 0.5)
        if label["kind"] in {"blink", "microsleep", "sleep"}:
            assert middle.lid > 0.5 > before.lid
        elif label["kind"] == "yawn":
            assert middle.mouth > 0.5 > before.mouth
        elif label["kind"] == "distraction":
            assert middle.yaw_deg < -35 < before.yaw_deg
        elif label["kind"] == "degraded":
            assert middle.right_px > clip.WIDTH / 2 + 100 > before.right_px


def test_story_has_every_event_the_demonstration_promises():
    labels = clip.tell_story(1, 66.0).labels
    lengths = {}
    for label in labels:
        lengths.setdefault(label["kind"], []).append(label["end_s"] - label["start_s"])
    assert all(0.15 <= length <= 0.25 for length in lengths["blink"])
    assert min(lengths["microsleep"]) < 2 < 4 < max(lengths["sleep"])
    assert 3.5 <= lengths["yawn"][0] <= 6
    assert lengths["distraction"][0] >= 4
    assert lengths["degraded"][0] >= 12


@pytest.mark.parametrize(
    ("puppet", "rows", "columns"),
    [
        (Puppet(lid=1.0), slice(200, 225), slice(255, 305)),  # the driver's right eye
        (Puppet(lid=1.0), slice(205, 230), slice(345, 395)),
        (Puppet(mouth=1.0), slice(300, 330), slice(305, 330)),
    ],
)
def test_moving_a_part_changes_its_place_and_no_other(portrait, puppet, rows, columns):
    rest, moved = portrait.picture(Puppet()), portrait.picture(puppet)
    change = np.abs(moved - rest)
    assert change[rows, columns].mean() > 10
    assert change[60:150].max() < 1  # hair and forehead stay


def shown_at(portrait, yaw_deg: float, x: float, y: float) -> float:
    """Where a place of the photograph shows across when the head has turned."""
    table = portrait._turns[int(np.argmin(np.abs(YAWS - yaw_deg)))]
    columns, rows = portrait._x[portrait._window][0], portrait._y[portrait._window][:, 0]
    return float(np.interp(x, table[int(np.argmin(np.abs(rows - y)))], columns))


def test_turned_head_moves_the_nose_towards_that_side(portrait):
    nose, right_eye, left_eye = (224.5, 127.0), (190.0, 101.0), (261.0, 104.0)
    for yaw_deg, side in ((30.0, 1), (-30.0, -1)):
        eyes = [shown_at(portrait, yaw_deg, *eye) for eye in (right_eye, left_eye)]
        off = side * (shown_at(portrait, yaw_deg, *nose) - sum(eyes) / 2)
        # Half the eyes' distance is what a real nose stands before them (dms.perception.landmarks).
        assert off / ((eyes[1] - eyes[0]) / 2) == pytest.approx(np.tan(np.radians(30)), rel=0.2)


def test_a_gone_driver_leaves_an_empty_dark_cabin(portrait):
    picture = portrait.picture(Puppet(right_px=620.0, roll_deg=-22.0, down_px=90.0))
    assert picture[:, :400].max() < 40
