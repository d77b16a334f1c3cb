import json
from pathlib import Path

import pytest

from dms.bench.bench import Outputs, bench
from dms.bridge import BridgeSettings
from dms.chain import Chain
from dms.cli import main
from dms.config import NetSettings, Settings
from dms.errors import CameraError, ConfigError
from dms.files.observations import save
from dms.perception.landmarks import LandmarkSettings
from dms.values import DriverObservation, EyeEvidence, HeadPose, Kind, Moment

QUIET = Settings(
    nets=NetSettings(expression=None, eye_state=None), bridges=(BridgeSettings(kind="virtual"),)
)
FPS = 30


def drive(seconds, closed_from_s, closed_to_s):
    for index in range(int(seconds * FPS)):
        t_s = index / FPS
        ear = 0.1 if closed_from_s <= t_s < closed_to_s else 0.3
        eye = EyeEvidence(ear=ear, contrast=0.3)
        pose = HeadPose(0.0, 0.0, 0.0)
        yield Moment(
            DriverObservation(
                t_s, right_eye=eye, left_eye=eye, mar=0.05, pose=pose, brightness=90.0
            )
        )


@pytest.fixture
def nap(tmp_path):
    path = tmp_path / "nap.jsonl"
    save(drive(14, 6, 11), path, note="synthetic")
    return path


def test_a_nap_is_a_microsleep_then_sleep_at_their_rules_times(nap, tmp_path):
    result = bench(str(nap), Chain(QUIET), Outputs(events=tmp_path / "events.jsonl"))
    alerts = {event.kind: event for event in result.events if event.level}
    assert alerts[Kind.MICROSLEEP].t_s == pytest.approx(7.0, abs=0.1)
    assert alerts[Kind.SLEEP].t_s == pytest.approx(9.0, abs=0.1)
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert len(lines) == len(result.events)
    assert {"t_s", "kind", "level", "reason"} <= json.loads(lines[0]).keys()
    assert result.frames == 14 * FPS
    assert result.availability == 1.0


def test_the_same_recording_twice_gives_the_same_bytes(nap, tmp_path):
    chain = Chain(QUIET)
    files = []
    for name in ("a", "b"):
        outputs = Outputs(tmp_path / f"{name}.jsonl", tmp_path / f"{name}.csv")
        bench(str(nap), chain, outputs)
        files.append((outputs.events.read_bytes(), outputs.frames.read_bytes()))
    assert files[0] == files[1]
    assert files[0][0]


def test_kept_observations_replay_to_the_same_events(nap, tmp_path):
    chain = Chain(QUIET)
    kept = tmp_path / "kept.jsonl"
    first = bench(str(nap), chain, Outputs(observations=kept))
    assert bench(str(kept), chain).events == first.events


def test_progress_is_told_for_every_frame(nap):
    told = []
    bench(str(nap), Chain(QUIET), progress=told.append)
    assert len(told) == 14 * FPS
    assert told == sorted(told)


@pytest.mark.parametrize(
    ("name", "error"), [("none.mp4", CameraError), ("none.jsonl", ConfigError)]
)
def test_a_recording_that_is_not_there_is_told(tmp_path, name, error):
    with pytest.raises(error, match="none"):
        bench(str(tmp_path / name), Chain(QUIET))


def test_what_came_before_a_recording_breaks_off_is_shown(nap, tmp_path, capsys):
    whole = nap.read_text().splitlines()
    nap.write_text("\n".join(whole[: 8 * FPS]) + '\n{"observation"')
    (tmp_path / "none.jsonl").write_text("")
    words = ["-s", "nets.expression=null", "-s", "nets.eye_state=null", "-s", "bridges=[]"]
    for sources in ([nap], [nap, tmp_path / "none.jsonl"]):
        assert main(["bench", *map(str, sources), "--json", *words]) == 2
        told = capsys.readouterr()
        (shown,) = json.loads(told.out)
        assert [event["kind"] for event in shown["events"]] == ["microsleep"]
        assert f"nap.jsonl:{8 * FPS + 1}: the line: Invalid JSON" in told.err


def test_the_drawn_film_is_not_written_over_a_recording(nap, tmp_path, capsys):
    other = tmp_path / "other.jsonl"
    other.write_bytes(nap.read_bytes())
    before = nap.read_bytes()
    words = ["-s", "nets.expression=null", "-s", "nets.eye_state=null", "-s", "bridges=[]"]
    for given in (
        [nap, "--video", nap],
        [nap, "--video", tmp_path / "x.mp4", "--events", tmp_path / "x.mp4"],
        [other, tmp_path / "y-other.jsonl", nap, "--video", tmp_path / "y.jsonl"],
    ):
        (tmp_path / "y-other.jsonl").write_bytes(before)
        main(["bench", *map(str, given), "--quiet", *words])
        assert "would be written over" in capsys.readouterr().err
        assert nap.read_bytes() == (tmp_path / "y-other.jsonl").read_bytes() == before


def test_nothing_is_written_over(nap, tmp_path):
    before = nap.read_bytes()
    with pytest.raises(ConfigError, match="written over"):
        bench(str(nap), Chain(QUIET), Outputs(observations=nap))
    same = tmp_path / "same.csv"
    with pytest.raises(ConfigError, match="written over"):
        bench(str(nap), Chain(QUIET), Outputs(events=same, frames=same))
    assert nap.read_bytes() == before


def test_a_full_disk_is_told(nap):
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full on this system")
    with pytest.raises(ConfigError, match="No space left"):
        bench(str(nap), Chain(QUIET), Outputs(events=Path("/dev/full")))


def test_a_reader_that_has_gone_is_no_full_disk(nap):
    class Gone:
        def take(self, step) -> None:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        bench(str(nap), Chain(QUIET), more=[Gone()])


def test_a_replay_without_pixels_loads_no_landmarks(nap):
    chain = Chain(Settings(landmarks=LandmarkSettings(path="nosuch.dat"), bridges=()))
    assert bench(str(nap), chain).frames == 14 * FPS


@pytest.fixture(params=["with the nets", "by landmarks alone"])
def chosen(request):
    return Settings() if request.param == "with the nets" else QUIET


@pytest.mark.data
class TestRealClips:
    """Labels by eye; the alerts' own rules say when each is due."""

    def alerts(self, data, name, settings):
        result = bench(str(data / "clips" / name), Chain(settings))
        return {event.kind: event.t_s for event in result.events if event.level}

    def test_a_long_closure_is_a_microsleep_then_sleep_and_blinks_are_nothing(self, data, chosen):
        found = self.alerts(data, "microsleep_desk.mp4", chosen)
        assert found == {
            Kind.MICROSLEEP: pytest.approx(88 / 20 + 1.0, abs=0.15),
            Kind.SLEEP: pytest.approx(88 / 20 + 3.0, abs=0.15),
        }

    def test_a_turned_head_is_distraction(self, data, chosen):
        found = self.alerts(data, "head_turned_away.mp4", chosen)
        assert list(found) == [Kind.DISTRACTION]

    @pytest.mark.slow
    def test_an_awake_minute_raises_no_fatigue_alert(self, data, chosen):
        found = self.alerts(data, "expressions_webcam.mp4", chosen)
        assert not found.keys() & {
            Kind.MICROSLEEP, Kind.SLEEP, Kind.DROWSY, Kind.UNRESPONSIVE, Kind.ROAD_RAGE,
        }  # fmt: skip


def test_the_bar_knows_how_many_frames_come_so_that_it_tells_the_time_left(nap, monkeypatch):
    totals = []

    class Bar:
        def __init__(self, **how) -> None:
            totals.append(how["total"])

        def __enter__(self):
            return self

        def __exit__(self, *_) -> None:
            pass

        def update(self) -> None:
            pass

    monkeypatch.setattr("dms.commands.bench.tqdm", Bar)
    assert main(["bench", str(nap), "-s", "bridges=[]"]) == 0
    assert totals == [14 * FPS]
