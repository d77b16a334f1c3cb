"""The public face: what import dms gives, what it costs, and what watching leaves behind."""

import gzip
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import dms
from dms.files.observations import load

GOLDEN = Path(__file__).parent / "golden" / "film.jsonl.gz"
BLACK = np.zeros((120, 160), np.uint8)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.jsonl"
    path.write_bytes(b"\n".join(gzip.decompress(GOLDEN.read_bytes()).splitlines()[:200]))
    return path


def test_importing_loads_nothing_heavy_and_every_name_can_be_had():
    heavy = "{'cv2', 'dlib', 'onnxruntime', 'can', 'cantools', 'numpy', 'pydantic'}"
    code = (
        f"import sys, dms; assert not {heavy} & sys.modules.keys();"
        "print(*dir(dms)); [getattr(dms, name) for name in dms.__all__]"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert set(dms.__all__) <= set(done.stdout.split())


def test_a_name_that_is_not_there_is_told():
    with pytest.raises(AttributeError, match="no attribute 'watsch'"):
        _ = dms.watsch
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        _ = dms.bench.runn


def test_recorded_observations_step_as_the_core_alone_does(film):
    moments = list(load(film))
    steps = list(dms.watch(film))
    assert [step.t_s for step in steps] == [moment.observation.t_s for moment in moments]
    assert steps[-1].moment.observation == moments[-1].observation
    assert steps[0].frame is None
    replayed = list(dms.replay(moments))
    assert [step.state for step in replayed] == [step.state for step in steps]


def test_pictures_of_ones_own_are_frames(tmp_path):
    pairs = ((n / 30, BLACK) for n in range(3))
    steps = list(dms.watch(pairs, dms.Settings()))
    assert [step.t_s for step in steps] == [0.0, 1 / 30, 2 / 30]
    assert [step.frame.sequence for step in steps] == [0, 1, 2]
    assert {step.state.face_seen for step in steps} == {False}


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([(0.0, BLACK[None])], r"uint8 of \(height, width\)"),
        ([(0.0, BLACK.astype(float))], "uint8"),
        ([(1.0, BLACK), (1.0, BLACK)], "seconds that rise"),
        ([(0.0, BLACK[:0])], r"of shape \(0, "),
        ([(float("inf"), BLACK)], "picture 0 is of inf s; give seconds"),
        ([BLACK], "give .seconds, picture. pairs"),
    ],
)
def test_pictures_that_cannot_be_used_say_what_to_give(pairs, words):
    with pytest.raises(dms.CameraError, match=words):
        list(dms.watch(pairs))


def test_one_array_that_is_filled_again_and_again_gives_pictures_of_their_own():
    buffer = BLACK.copy()

    def filled():
        for n in range(3):
            buffer[:] = n
            yield n / 30, buffer

    steps = list(dms.watch(filled()))
    assert [int(step.frame.gray[0, 0]) for step in steps] == [0, 1, 2]


class OwnCamera(dms.Camera):
    live = False

    def __init__(self, frames):
        self.frames = frames

    def open(self):
        self.left = iter(self.frames)

    def read(self):
        return next(self.left, None)

    def close(self):
        self.left = None


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([dms.Frame(np.zeros((120, 160, 3), np.uint8), 0.0, 0)], r"uint8 of \(height, width\)"),
        ([dms.Frame(BLACK.astype(np.float32), 0.0, 0)], "picture 0 is float32"),
        ([dms.Frame(None, 0.0, 0)], "picture 0 is NoneType; give a numpy array"),
        ([dms.Frame(BLACK, 1.0, 0), dms.Frame(BLACK, 1.0, 1)], "seconds that rise"),
        ([dms.Frame(BLACK, float("nan"), 0)], "picture 0 is of nan s"),
        ([BLACK], r"OwnCamera.read gave ndarray; give dms.Frame\("),
    ],
)
def test_frames_of_a_camera_of_ones_own_that_cannot_be_used_are_refused(frames, words):
    with pytest.raises(dms.CameraError, match=words):
        list(dms.watch(OwnCamera(frames)))


def test_a_live_camera_of_ones_own_goes_on_where_its_clock_repeats_or_steps_back(monkeypatch):
    monkeypatch.setattr(OwnCamera, "live", np.bool_(True))
    times = (0.0, 0.1, 0.1, 0.05, 0.2)
    steps = list(dms.watch(OwnCamera([dms.Frame(BLACK, t_s, n) for n, t_s in enumerate(times)])))
    assert len(steps) == 5


def test_a_camera_that_says_not_whether_it_is_live_is_asked_to(monkeypatch):
    monkeypatch.delattr(OwnCamera, "live")
    with pytest.raises(dms.CameraError, match="set its live = False"):
        list(dms.watch(OwnCamera([])))


@pytest.mark.parametrize("source", [0, None, 1.5])
def test_a_source_that_is_none_says_what_to_give(source):
    with pytest.raises(dms.ConfigError, match=rf"the source is {source}; give a path"):
        dms.watch(source)


def test_settings_of_another_type_say_what_to_give():
    with pytest.raises(dms.ConfigError, match="of type dict; give the path of a file"):
        dms.watch([(0.0, BLACK)], {"camera": {}})
    with pytest.raises(dms.ConfigError, match=r"overrides must be a list.*, not NoneType"):
        dms.watch([(0.0, BLACK)], overrides=None)


def test_a_camera_of_ones_own_is_opened_and_closed():
    calls = []

    class Mine(dms.Camera):
        live = False

        def open(self):
            calls.append("open")

        def read(self):
            return dms.Frame(BLACK, 0.1 * len(calls), 0) if calls.append("read") is None else None

        def close(self):
            calls.append("close")

    for step in dms.watch(Mine()):
        assert step.frame is not None
        break
    del step
    assert calls == ["open", "read", "close"]


def test_breaking_off_leaves_no_thread_and_no_bus(film):
    before = set(threading.enumerate())
    settings = dms.load_settings(overrides=["bridges=[{kind: virtual, channel: broken-off}]"])
    steps = dms.watch(film, settings)
    next(steps)
    steps.close()
    assert set(threading.enumerate()) - before == set()


def test_settings_that_cannot_be_are_told_before_the_first_step(tmp_path):
    with pytest.raises(dms.ConfigError, match="unknown key"):
        dms.watch("drive.mp4", overrides=["core.nonsense=1"])
    with pytest.raises(dms.ConfigError, match="cannot read"):
        next(dms.watch(tmp_path / "gone.jsonl"))


def test_overrides_of_settings_that_are_made_are_not_lost(film):
    for run in (dms.watch, dms.bench.run, dms.replay):
        with pytest.raises(dms.ConfigError, match="give these to load_settings"):
            run(film, dms.Settings(), ["core.profile=eu_gsr"])
    with pytest.raises(dms.ConfigError, match=r"must be a list, as in \['camera.fps=15'\]"):
        dms.load_settings(overrides="camera.fps=15")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda step: step, "moment 1 is Step; give dms.Moment, as step.moment"),
        (lambda step: step.moment.observation, "moment 1 is DriverObservation"),
        (lambda step: at(step.moment, float("nan")), "moment 1 is of nan s; give seconds"),
        (lambda step: at(step.moment, None), "moment 1 is of None s; give seconds"),
    ],
)
def test_what_is_no_moment_is_refused(film, change, words):
    first, second, *_ = dms.watch(film)
    with pytest.raises(dms.ConfigError, match=words):
        list(dms.replay([first.moment, change(second)]))


def at(moment, t_s):
    return replace(moment, observation=replace(moment.observation, t_s=t_s))


def test_moments_whose_times_fall_are_told_once(film, caplog):
    moments = [step.moment for step in dms.watch(film)][:20]
    list(dms.replay([*moments, *moments]))
    assert caplog.text.count("moment 20: t_s falls from") == 1


def test_what_cannot_be_run_says_what_to_give():
    with pytest.raises(dms.ConfigError, match=r"the moments are None; give dms\.Moment"):
        dms.replay(None)
    with pytest.raises(dms.ConfigError, match="the source is None; give a path"):
        dms.bench.run(None)
    with pytest.raises(dms.ConfigError, match="--set 5: write it as key=value"):
        dms.load_settings(overrides=[5])


def test_outputs_may_be_named_as_text(film, tmp_path):
    names = {"events": str(tmp_path / "e.jsonl"), "frames": str(tmp_path / "f.csv")}
    dms.bench.run(film, dms.Settings(), outputs=dms.bench.Outputs(**names))
    assert all(Path(name).stat().st_size for name in names.values())


def test_bench_runs_one_recording(film):
    result = dms.bench.run(film, replace(dms.Settings(), bridges=()))
    assert result.frames == len(list(load(film)))
