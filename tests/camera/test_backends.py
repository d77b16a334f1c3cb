import pytest

from dms.camera import backends
from dms.camera.backends import BACKENDS, open_camera, presences, source_kind
from dms.camera.camera import Camera
from dms.camera.settings import CameraSettings, SourceKind
from dms.errors import CameraError, ConfigError


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("auto", SourceKind.V4L2),
        ("0", SourceKind.V4L2),
        ("/dev/v4l/by-id/usb-cam-video-index0", SourceKind.V4L2),
        ("csi:0", SourceKind.GSTREAMER),
        ("rtsp://10.0.0.2/cabin", SourceKind.GSTREAMER),
        ("videotestsrc ! video/x-raw,width=640", SourceKind.GSTREAMER),
        ("drive!.mp4", SourceKind.FILE),
        ("drive.mp4", SourceKind.FILE),
    ],
)
def test_the_kind_goes_by_the_looks_of_the_source(source, kind):
    assert source_kind(CameraSettings(source=source)) is kind


def test_a_folder_is_seen_and_a_given_kind_wins(tmp_path):
    assert source_kind(CameraSettings(source=str(tmp_path))) is SourceKind.FOLDER
    assert source_kind(CameraSettings(source=str(tmp_path), kind="file")) is SourceKind.FILE


def test_opening_is_lazy_and_gives_live_and_recorded_cameras():
    recorded = open_camera(CameraSettings(source="nowhere.mp4"))
    live = open_camera(CameraSettings(source="/dev/video99"))
    assert isinstance(recorded, Camera)
    assert not recorded.live
    assert live.live
    with pytest.raises(CameraError, match="no camera /dev/video99"):
        live.open()


def test_a_live_camera_has_no_time_scale():
    with pytest.raises(ConfigError, match="time_scale"):
        open_camera(CameraSettings(source="auto", time_scale=2.0))


def test_without_gstreamer_rtsp_goes_by_ffmpeg_and_csi_says_what_to_install(monkeypatch):
    absent = backends.Presence("gstreamer", False, "")
    monkeypatch.setattr(backends, "_opencv_has_gstreamer", lambda: False)
    monkeypatch.setattr(backends, "_pygobject", lambda: absent)
    assert open_camera(CameraSettings(source="rtsp://127.0.0.1:1/none")).live
    with pytest.raises(CameraError, match="apt install python3-gi"):
        open_camera(CameraSettings(source="csi:0"))


def test_every_backend_is_reported_with_a_version_or_advice():
    told = presences()
    assert [item.name for item in told] == list(BACKENDS)
    assert all(item.detail for item in told)
    assert next(item for item in told if item.name == "file").present
