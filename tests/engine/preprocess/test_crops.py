"""The kernel, built for the host, against the CPU path on pictures and on real frames."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from math import cos, sin
from pathlib import Path

import cv2
import numpy as np
import pytest

from dms.engine import preprocess
from dms.engine.preprocess.crop import (
    EyeCropSettings,
    FaceCropSettings,
    cut,
    eye_crops,
    eye_matrices,
    face_crop,
    face_matrix,
    to_batch,
)
from dms.engine.preprocess.crops import JOB, Source, fill, grid, steps_bytes, steps_grid
from dms.errors import EngineError
from dms.perception.landmarks import Landmarks

Crop = Callable[..., np.ndarray]
EMULATOR = Path(__file__).parents[1] / "emulator"


@pytest.fixture(scope="session")
def host_library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is not installed: the kernel's host build is left out")
    library = tmp_path_factory.mktemp("kernel") / "kernels.so"
    source = Path(preprocess.__file__).parent
    subprocess.run(
        [
            *(compiler, "-O2", "-ffp-contract=off", "-shared", "-fPIC", "-Wl,-Bsymbolic"),
            *(f"-I{source}", f"-I{EMULATOR}", str(EMULATOR / "kernels.cpp"), "-o", str(library)),
        ],
        check=True,
    )
    return ctypes.CDLL(str(library))


@pytest.fixture
def kernel(host_library: ctypes.CDLL) -> Crop:
    def crop(
        frame: np.ndarray, matrices: list[np.ndarray], size: int, mirror: int = -1, bits: int = 8
    ) -> np.ndarray:
        out = np.full((len(matrices), 1, size, size), np.nan, np.float32)
        jobs = np.zeros(len(matrices), JOB)
        steps = np.zeros((len(matrices), steps_bytes(size)), np.uint8)
        height, width = frame.shape
        source = Source(frame.ctypes.data, width, height, frame.strides[0], bits)
        for at, matrix in enumerate(matrices):
            target, terms = out[at].ctypes.data, steps[at].ctypes.data
            fill(jobs[at], matrix, size, source, target, terms, mirror=at == mirror)
        given = ctypes.c_void_p(jobs.ctypes.data)
        host_library.host_dms_steps(given, *map(ctypes.c_uint, steps_grid(size, len(jobs))))
        host_library.host_dms_crop(given, *map(ctypes.c_uint, grid(size, len(jobs))))
        return out

    return crop


def noise(width: int = 640, height: int = 480) -> np.ndarray:
    """The hardest picture: neighbours have nothing in common."""
    return np.random.default_rng(3).integers(0, 256, (height, width), np.uint8)


def turned(scale: float, angle: float, at: tuple[float, float], size: int) -> np.ndarray:
    """Picture -> crop: ``at`` comes to the crop's centre."""
    a, b = scale * cos(angle), scale * sin(angle)
    x, y = at
    return np.array(
        [[a, -b, size / 2 - (a * x - b * y)], [b, a, size / 2 - (b * x + a * y)]], np.float64
    )


@pytest.mark.parametrize("scale", [0.05, 0.11, 0.16, 0.2, 0.26, 0.3, 0.5, 0.74, 0.9, 1.3, 3.0])
@pytest.mark.parametrize("angle", [-0.4, 0.0, 0.35])
def test_equals_the_cpu_path_bit_for_bit(kernel: Crop, scale: float, angle: float) -> None:
    picture = noise()
    places = [(320.4, 240.2), (5.3, 3.1), (636.0, 470.9), (-40.0, 500.0)]
    matrices = [turned(scale, angle, at, 48) for at in places]
    expected = to_batch(np.stack([cut(picture, matrix, 48) for matrix in matrices]))
    assert np.array_equal(kernel(picture, matrices, 48), expected)


def test_face_and_mirrored_left_eye_of_a_portrait(
    kernel: Crop, portrait: np.ndarray, portrait_marks: Landmarks
) -> None:
    face, eyes = FaceCropSettings(), EyeCropSettings()
    anchors = portrait_marks.anchors
    got = kernel(portrait, [face_matrix(anchors, face)], face.size)
    assert np.array_equal(got, to_batch(face_crop(portrait, anchors, face)))
    got = kernel(portrait, list(eye_matrices(anchors, eyes)), eyes.size, mirror=1)
    assert np.array_equal(got, to_batch(eye_crops(portrait, anchors, eyes)))


@pytest.mark.data
def test_equal_on_real_infrared_frames(kernel: Crop, data: Path) -> None:
    compared = 0
    files = sorted(path for path in (data / "nir_faces").rglob("*") if path.is_file())
    for path in files:
        frame = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if frame is None:
            continue
        height, width = frame.shape
        matrices = [
            turned(scale, angle, (width / 2, height / 2), 48)
            for scale, angle in ((0.1, 0.2), (0.22, -0.1), (0.7, 0.05))
        ]
        expected = to_batch(np.stack([cut(frame, matrix, 48) for matrix in matrices]))
        assert np.array_equal(kernel(frame, matrices, 48), expected), path.name
        compared += 1
    assert compared >= 50


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_deep_samples_are_the_8_bit_frame_they_hold(kernel: Crop, bits: int) -> None:
    picture = noise()
    low = np.random.default_rng(1).integers(0, 1 << (bits - 8), picture.shape, np.uint16)
    deep = (picture.astype(np.uint16) << (bits - 8)) + low
    matrix = turned(0.3, 0.1, (300, 200), 32)
    assert np.array_equal(kernel(deep, [matrix], 32, bits=bits), kernel(picture, [matrix], 32))


def test_rows_may_be_padded_as_in_nv12(kernel: Crop) -> None:
    padded = noise(704, 480)
    view = padded[:, :640]
    matrix = turned(0.3, 0.1, (600, 200), 32)
    assert np.array_equal(kernel(view, [matrix], 32), kernel(view.copy(), [matrix], 32))


def test_a_matrix_without_scale_reads_one_pixel_and_nothing_outside(kernel: Crop) -> None:
    got = kernel(noise(), [np.zeros((2, 3))], 16)
    assert np.isfinite(got).all()


def test_record_has_the_size_of_the_struct() -> None:
    assert JOB.itemsize == 104


@pytest.mark.parametrize("bits", [7, 17])
def test_unreadable_depth_is_refused(bits: int) -> None:
    with pytest.raises(EngineError, match="8 to 16"):
        Source(0, 4, 4, 4, bits)
