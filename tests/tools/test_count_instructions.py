"""A frame takes as many instructions as it did, within a tenth, on a fixed rendered clip."""

import sys
from importlib.metadata import version

import pytest

pytest.importorskip("skimage", reason="the extra 'demo' is not installed")

from tools import count_instructions
from tools.rendering import clip
from tools.speed.contestants import OURS

pytestmark = pytest.mark.whole  # tools/test --quick leaves it out

FRAMES = 30
MILLIONS = 15.4  # a frame; a wanted change of it is measured by this test
COUNTED_WITH = {"onnxruntime": "1.32", "numpy": "2.4", "opencv-python": "4.14", "dlib-bin": "20.0"}


def unlike() -> str:
    """Say what differs here from where MILLIONS was counted, if anything."""
    here = {name: ".".join(version(name).split(".")[:2]) for name in COUNTED_WITH}
    differs = {name: own for name, own in here.items() if own != COUNTED_WITH[name]}
    if sys.version_info[:2] != (3, 11):
        differs["python"] = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return ", ".join(f"{name} {own}" for name, own in differs.items())


@pytest.mark.timeout(1800)  # valgrind makes everything 30 times slower
def test_the_instructions_of_a_frame_have_not_grown(tmp_path):
    if absent := count_instructions.missing():
        pytest.skip(f"not installed: {absent}")
    seconds = (count_instructions.WARM + FRAMES + 1) / clip.FPS
    film = clip.render(tmp_path, seconds, 1)
    told = count_instructions.count(OURS, str(film), FRAMES, tmp_path)
    millions = told["instructions"] / 1e6
    if millions != pytest.approx(MILLIONS, rel=0.1) and (other := unlike()):
        pytest.skip(f"{millions:.1f} million with {other}, {MILLIONS} with {COUNTED_WITH}")
    assert millions == pytest.approx(MILLIONS, rel=0.1), (
        f"fewer? keep the new count; more? profile it: {told['by_library']}"
    )


def test_a_library_is_named_by_its_file():
    assert (
        count_instructions.place("/x/onnxruntime/capi/libonnxruntime.so.1.32.0") == "ONNX Runtime"
    )
    assert count_instructions.place("/usr/lib/libc.so.6") == "C and C++ libraries"
