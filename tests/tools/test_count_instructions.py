"""A frame takes as many instructions as it did, within a tenth, on a fixed rendered clip."""

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

pytest.importorskip("skimage", reason="the extra 'demo' is not installed")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import make_demo_clip as clip

from tools import count_instructions
from tools.speed.contestants import OURS

FRAMES = 30
MILLIONS = 15.2  # a frame; a wanted change of it is measured by this test
COUNTED_WITH = {"onnxruntime": "1.32", "numpy": "2.4", "opencv-python": "4.14", "dlib-bin": "20.0"}


@pytest.fixture
def as_counted():
    """Skip where the count means nothing: other libraries, another Python, no valgrind."""
    if absent := count_instructions.missing():
        pytest.skip(f"not installed: {absent}")
    here = {name: ".".join(version(name).split(".")[:2]) for name in COUNTED_WITH}
    if here != COUNTED_WITH or sys.version_info[:2] != (3, 11):
        pytest.skip(f"counted with {COUNTED_WITH} on Python 3.11, here is {here}: count anew")


@pytest.mark.timeout(1800)  # valgrind makes everything 30 times slower
def test_the_instructions_of_a_frame_have_not_grown(as_counted, tmp_path):
    seconds = (count_instructions.WARM + FRAMES + 1) / clip.FPS
    film = clip.render(tmp_path, seconds, 1)
    told = count_instructions.count(OURS, str(film), FRAMES, tmp_path)
    assert told["instructions"] / 1e6 == pytest.approx(MILLIONS, rel=0.1), (
        f"fewer? keep the new count; more? profile it: {told['by_library']}"
    )


def test_a_library_is_named_by_its_file():
    assert (
        count_instructions.place("/x/onnxruntime/capi/libonnxruntime.so.1.32.0") == "ONNX Runtime"
    )
    assert count_instructions.place("/usr/lib/libc.so.6") == "C and C++ libraries"
