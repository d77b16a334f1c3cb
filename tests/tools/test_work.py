"""How much work a frame is, by counts that no machine's load changes, on a fixed rendered clip."""

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip("skimage", reason="the extra 'demo' is not installed")

import dms
from tools.rendering import clip
from tools.speed.stages import Stages

CALLS = 346.0  # of functions of dms a frame; a wanted change of it is measured by this test
DMS = str(Path(dms.__file__).parent)


@pytest.fixture(scope="module")
def counted(demonstration):
    """Run the clip; return the calls of each stage and those of all functions of dms a frame."""
    pictures, calls = demonstration, 0

    def count(frame, event, _argument):
        nonlocal calls
        calls += event == "call" and frame.f_code.co_filename.startswith(DMS)

    with ExitStack() as stack:
        stages = Stages(["bridges=[{kind: virtual, channel: work-counts}]"], stack)
        sys.setprofile(count)
        try:
            for index, gray in enumerate(pictures):
                stages.step(gray, index / clip.FPS, index)
        finally:
            sys.setprofile(None)
    return stages.calls, calls / len(pictures), len(pictures)


def test_faces_are_searched_for_about_once_a_second(counted):
    stages, _, frames = counted
    assert stages["face search (HOG)"] * clip.FPS / frames == pytest.approx(1, rel=0.2)


def test_each_net_runs_as_often_as_it_must(counted):
    stages, _, frames = counted
    # A new face is placed twice, so that its second box comes from its own points.
    assert stages["landmarks"] == frames + 1
    assert stages["eye-state net with its crop"] == frames
    assert stages["expression net with its crop"] == pytest.approx(frames / 3, abs=2)


def test_the_functions_called_a_frame_have_not_grown(counted):
    _, calls, _ = counted
    assert calls == pytest.approx(CALLS, rel=0.1), "fewer? keep the new count; more? profile it"
