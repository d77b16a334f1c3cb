import os
import subprocess
import sys

import pytest

from dms import __version__
from dms.camera import backends
from dms.cli import VERBS, main


def test_version(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb, capsys):
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    assert len(capsys.readouterr().out.splitlines()) > 5


@pytest.mark.parametrize("words", [[], ["nosuch"], ["bench"], ["config", "frob"]])
def test_wrong_usage_ends_with_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_a_bad_settings_file_is_one_clear_sentence(tmp_path, capsys):
    path = tmp_path / "dms.yaml"
    path.write_text("camera:\n  fpss: 3\n")
    assert main(["config", "check", "--config", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"dms config: {path}:2: camera.fpss: unknown key")
    assert "Traceback" not in said


def test_a_good_settings_file_is_good(tmp_path, capsys):
    path = tmp_path / "dms.yaml"
    path.write_text("camera:\n  fps: 3\n")
    assert main(["config", "check", "--config", str(path)]) == 0
    assert "good" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["show", "schema", "example"])
def test_config_prints_something_to_read(what, capsys):
    assert main(["config", what]) == 0
    assert "camera" in capsys.readouterr().out


def test_a_missing_recording_ends_with_3(tmp_path, capsys):
    code = main(
        ["bench", str(tmp_path / "none.mp4"), "-s", "nets.expression=null", "-s",
         "nets.eye_state=null"]
    )  # fmt: skip
    assert code == 3
    assert "none.mp4" in capsys.readouterr().err


def test_help_needs_no_heavy_package():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "dms.cli", "--help"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    for heavy in ("cv2", "dlib", "onnxruntime", "can", "tensorrt"):
        assert f" {heavy}\n" not in done.stderr


@pytest.mark.parametrize(
    "override",
    [
        "core.profile=foo",
        "landmarks.model=foo",
        "nets.expression=foo",
        "bridges=[{kind: foo}]",
        "vehicle={database: j1939, signals: {speed: {message: foo}}}",
        "vehicle={database: j1939, bus: {kind: foo}}",
        "camera.source=csi:foo",
        "camera={source: 'foo ! bar', kind: v4l2}",
        "camera={source: /dev/foo, kind: gstreamer}",
    ],
)
def test_check_refuses_names_of_what_is_not_there(override, capsys):
    assert main(["config", "check", "-s", override]) in {2, 4}
    assert "foo" in capsys.readouterr().err


def test_a_camera_that_this_machine_cannot_serve_is_refused_only_for_here(monkeypatch, capsys):
    monkeypatch.setattr(backends, "_opencv_has_gstreamer", lambda: False)
    monkeypatch.setattr(backends, "_pygobject", lambda: backends.Presence("gstreamer", False, ""))
    for camera, code, why in (
        ("source=csi:0", 3, "csi:0 needs GStreamer"),
        ("time_scale=2.0", 2, "camera.time_scale"),  # right on the bench, with its own recordings
    ):
        words = ["config", "check", "-s", f"camera.{camera}"]
        assert main(words) == 0
        assert main([*words, "--here"]) == code
        assert why in capsys.readouterr().err


def test_a_missing_library_is_one_sentence(monkeypatch, capsys):
    def without(_name):
        raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr("dms.commands.doctor.examine", without)
    assert main(["doctor"]) == 1
    assert "opencv-python-headless" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["bench", "doctor", "config", "vehicle", "aim"])
def test_a_library_that_is_missing_while_a_verb_is_loaded_is_one_sentence_too(verb, tmp_path):
    """As on a bare server, where `import cv2` fails."""
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object')")
    done = subprocess.run(
        [sys.executable, "-m", "dms.cli", verb, "--help"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        f"dms {verb}: libGL.so.1: cannot open shared object; "
        "pip install --force-reinstall --no-deps opencv-python-headless\n"
    )


def test_an_interrupt_while_a_verb_is_loaded_ends_quietly(monkeypatch, capsys):
    def interrupted(_verb):
        raise KeyboardInterrupt

    monkeypatch.setattr("dms.cli.parser", interrupted)
    assert main(["bench", "drive.mp4"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "words", [["config", "show"], ["dbc"], ["clips", "list", "--folder", "{here}"]]
)
def test_an_output_that_is_full_is_told_without_a_traceback(words, tmp_path):
    (tmp_path / "20260101T000000Z-sleep.tar.age").write_bytes(b"x")  # too short a list for a flush
    words = [word.format(here=tmp_path) for word in words]
    with open("/dev/full", "w") as full:  # noqa: PTH123 - no plain file
        done = subprocess.run(
            [sys.executable, "-m", "dms.cli", *words],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=120,
        )  # fmt: skip
    assert done.stderr == f"dms {words[0]}: cannot write the output: No space left on device\n"
    assert done.returncode == 1
