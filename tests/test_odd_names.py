"""Names that are not UTF-8, as archives and cards of other systems have: OpenCV dies of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import dms
from dms.bench.audit import read_manifest
from dms.camera.backends import open_camera
from dms.camera.settings import CameraSettings
from dms.cli import main
from dms.errors import ConfigError
from dms.scoring.corpus import find

LATIN = os.fsdecode("f\u00fcr.mp4".encode("latin-1"))  # with a lone surrogate


@pytest.fixture
def film(tmp_path):
    path = tmp_path / LATIN
    try:
        path.write_bytes(b"x")
    except OSError:
        pytest.skip("this file system has names in UTF-8 alone")
    return path


def test_a_film_is_refused_and_named(film, tmp_path):
    for given in (film, tmp_path):
        with pytest.raises(ConfigError, match=r"f\\udcfcr\.mp4 is not UTF-8.*rename"):
            find([str(given)])
    with pytest.raises(ConfigError, match="not UTF-8"):
        next(dms.watch(film))
    with pytest.raises(ConfigError, match="not UTF-8"):
        dms.bench.run(film)


@pytest.mark.parametrize("words", [["bench"], ["bench", "--out", "out"], ["aim", "--picture"]])
def test_the_command_names_it_and_lives(film, words):
    done = subprocess.run(
        [sys.executable, "-m", "dms.cli", *words, film.name],
        cwd=film.parent, capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2
    assert b"is not UTF-8, which OpenCV cannot open; rename it" in done.stderr


def test_a_picture_in_a_folder_is_named(film):
    film.rename(film.with_suffix(".png"))
    with (
        pytest.raises(ConfigError, match="not UTF-8"),
        open_camera(CameraSettings(source=str(film.parent), fps=1)),
    ):
        pass


def test_another_file_in_a_folder_of_pictures_does_no_harm(film):
    film.rename(film.with_suffix(".txt"))
    cv2.imwrite(str(film.parent / "a.png"), np.zeros((32, 32), np.uint8))
    with open_camera(CameraSettings(source=str(film.parent), fps=1)) as camera:
        assert len(list(camera)) == 1


def test_an_audit_names_the_folder(film):
    folder = film.with_suffix("")
    folder.mkdir()
    (folder / "faces.csv").write_text("file,group\na.png,x\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_manifest(folder / "faces.csv")


def test_a_name_that_the_terminal_cannot_show_is_written_otherwise(tmp_path):
    name = "f\u00fcr.jsonl"
    (tmp_path / name).write_text('{"observation": {"t_s": 0.0}}\n')
    done = subprocess.run(
        [sys.executable, "-m", "dms.cli", "bench", name, "--set", "bridges=[]"],
        cwd=tmp_path, capture_output=True, check=False, timeout=120,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.stdout.startswith(b"f\\xfcr.jsonl: 1 frames")
    assert done.returncode == 0


def test_paths_of_python_are_checked_as_well():
    assert main(["bench", os.fspath(Path(LATIN))]) == 2
