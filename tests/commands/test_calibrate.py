import builtins
import sys

import numpy as np
import pytest

from dms.cli import main


@pytest.fixture
def folder(tmp_path):
    import cv2

    source = tmp_path / "source"
    source.mkdir()
    for number in range(5):
        cv2.imwrite(str(source / f"{number}.png"), np.full((64, 64), 40 * number, np.uint8))
    return source


def record(folder, output):
    return main(
        ["calibrate", "record", "--source", str(folder), "--set", "camera.fps=10",
         "--output", str(output)]
    )  # fmt: skip


def test_without_a_terminal_nothing_is_recorded(folder, tmp_path, capsys):
    assert record(folder, tmp_path / "out") == 2
    assert "consent" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("answer", ["", "no", "y"])
def test_anything_but_yes_records_nothing(folder, tmp_path, monkeypatch, answer):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(builtins, "input", lambda _: answer)
    assert record(folder, tmp_path / "out") == 1
    assert not (tmp_path / "out").exists()


def test_with_consent_the_recording_and_its_consent_are_kept_and_replay(
    folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(builtins, "input", lambda _: "yes")
    out = tmp_path / "out"
    assert record(folder, out) == 0
    assert "Consent was given" in (out / "consent.txt").read_text()
    assert (out / "timestamps.csv").read_text().splitlines()[-1] == "000004.png,0.400000"
    assert out.stat().st_mode & 0o077 == 0


def test_an_existing_folder_is_never_written_into(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert record(folder, tmp_path) == 2


@pytest.mark.parametrize(
    ("board", "words"),
    [("abc", "write it as 9x6"), ("9x6x3", "write it as 9x6"), ("9999x6", "write it as 9x6"),
     ("\u00b2x6", "write it as 9x6"), ("9x2", "3 inner corners each way"),
     ("0x0", "3 inner corners each way")],
)  # fmt: skip
def test_a_board_that_cannot_be_is_told(folder, capsys, board, words):
    given = ["--source", str(folder), "--set", "camera.fps=10", "--board", board]
    assert main(["calibrate", "intrinsics", *given]) == 2
    assert words in capsys.readouterr().err
